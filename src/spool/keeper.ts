/** The spool's housekeeping while a worker lives: what is ready, what is due, who has died, what has expired. */
import { type BrokerEvent, BY_AGE, type ChildSide, type EndedRun } from '../broker/worker-side.ts';
import type { Keeper, KeeperOptions, Member } from '../broker/worker-side.ts';
import { type LimitRules, NO_RULES } from '../job/queue-limits.ts';
import type { SpoolContext } from './context.ts';
import { Elsewhere, LeftToOthers } from './elsewhere.ts';
import { Dispatch } from './ready/dispatch.ts';
import { Feed } from './feed.ts';
import { Gate } from './gate.ts';
import type { TaskElsewhere } from './ready/hints.ts';
import { forgetIfTight, Housekeeping } from './housekeeping.ts';
import { makeDirectory } from './if-there.ts';
import { parseDelayedFileName, parseJobFileName } from './layout.ts';
import { NoteWatch } from './note-watch.ts';
import { nameWaitingOnce } from './one-name.ts';
import { register, type Registration } from './owner.ts';
import { pausedQueues } from './paused-queues.ts';
import { recoverOrphans, recoverOwner } from './recover.ts';
import { RevokeWatch } from './revoke-watch.ts';
import { Rounds } from './rounds.ts';
import type { Recoverer } from './take-back.ts';

/**
 * How often the owners are asked whether they live, ms: half of what P5 allows between a death and its recovery; and how
 * often it is looked whether there are any but our own children, whose end we are told.
 */
const RECOVERY_EVERY_MS = { others: 400, alone: 800 };
/** How long the first look for what is revoked may keep a worker from its start, ms: it takes that of one of a million names. */
const REVOKED_FIRST_MS = 2_000;

export class SpoolKeeper implements Keeper {
  readonly #context: SpoolContext;
  readonly #options: KeeperOptions;
  readonly #registration: Registration;
  readonly #unproved = new Set<string>();
  readonly #gate: Gate;
  readonly #feed: Feed;
  readonly #dispatch: Dispatch;
  readonly #pauses: { start(): void; stop(): void };
  #paused: ReadonlySet<string> = new Set();
  readonly #promoter: { start(): void; stop(): void; promoteDue(): void };
  readonly #revocations: RevokeWatch;
  /** Recoveries, one after the other. */
  readonly #recoveries: Rounds;
  readonly #housekeeping: Housekeeping;
  readonly #elsewhere: Elsewhere;
  #known: readonly string[] = [];
  readonly #closing = new AbortController();
  #isClosed = false;

  static async open(
    context: SpoolContext,
    options: KeeperOptions,
    parts: {
      readonly resultTtlMs: number;
      readonly promoter: (onTrouble: (error: unknown) => void) => { start(): void; stop(): void; promoteDue(): void };
    },
  ): Promise<SpoolKeeper> {
    await forgetIfTight(context, parts);
    const registration = await register(context, { role: 'supervisor', queues: options.queues, tasks: [] });
    const keeper = new SpoolKeeper(context, options, registration, parts);
    await keeper.#start();
    return keeper;
  }

  private constructor(
    context: SpoolContext,
    options: KeeperOptions,
    registration: Registration,
    parts: Parameters<typeof SpoolKeeper.open>[2],
  ) {
    const onTrouble = (error: unknown): void => this.#report(error);
    context.odd.onEvent = (event) => this.#relay(event);
    this.#context = context;
    this.#options = options;
    this.#registration = registration;
    this.#recoveries = new Rounds(onTrouble);
    this.#housekeeping = new Housekeeping(context, {
      resultTtlMs: parts.resultTtlMs,
      isKnownAlive: (owner) => this.#isKnownAlive(owner),
      recovering: () => this.#recoveries.underWay,
      onEvent: options.onEvent,
      onTrouble,
    });
    this.#promoter = parts.promoter(onTrouble);
    this.#revocations = new RevokeWatch(context, {
      onInstruction: (instruction) => this.#dispatch.instruct(instruction),
      onTerminate: (owner, id) => this.#dispatch.terminate(owner, id),
      withdrawer: {
        owner: registration.owner,
        directory: registration.directory,
        onEvent: (event) => this.#relay(event),
        giveUp: this.#closing.signal,
      },
      isOurs: (owner) => this.#dispatch.has(owner),
      onTrouble,
    });
    this.#gate = new Gate(context, options.limits ?? NO_RULES);
    this.#pauses = new NoteWatch(context.files, {
      directory: context.layout.queues,
      read: () => new Set(pausedQueues(context)),
      onFound: (queues) => this.#hearPaused(queues),
      onTrouble,
    });
    this.#elsewhere = new Elsewhere(context, {
      owner: registration.owner,
      onChanged: (tasks) => this.#leave(tasks),
      onTrouble,
    });
    this.#feed = new Feed(context, {
      queues: options.queues,
      order: options.order ?? BY_AGE,
      gate: this.#gate,
      onReady: () => this.#dispatch.run(),
      onForeign: (name) => options.onEvent?.({ kind: 'foreign', name }),
      onTrouble,
    });
    const source = {
      // Never more than a fair part of what is at hand, so that the others find some too.
      take: (max: number) => this.#feed.take(Math.max(1, Math.min(max, this.#feed.size >>> 2))),
      setLookout: (isPosted: boolean) => this.#feed.setLookout(isPosted),
    };
    this.#dispatch = new Dispatch(source, options.isBurst !== true);
  }

  get owner(): string {
    return this.#registration.owner;
  }

  limitTasks(tasks: LimitRules['tasks']): void {
    this.#gate.limitTasks(tasks);
    this.#feed.recheck();
  }

  know(tasks: readonly string[]): void {
    const known = [...tasks].sort();
    if (known.join() === this.#known.join()) return;
    this.#known = known;
    this.#elsewhere.know(known);
    const announce = (): Promise<void> => this.#registration.announce(known);
    this.#housekeeping.announce(known, announce);
  }

  join(owner: string, child: ChildSide): Member {
    return this.#dispatch.join(owner, child);
  }

  async recover(owner: string, ending: 'crashed' | 'stopped', run?: EndedRun): Promise<boolean> {
    let hasHeld = true; // Nobody knows when that fails.
    await this.#recoveries.add(async () => {
      // Not before: a look for orphans that is under way must leave it to us, who know how it ended.
      this.#dispatch.end(owner);
      hasHeld = await recoverOwner(this.#context, this.#recoverer(), owner, ending, run);
      this.#promoter.promoteDue();
    });
    return hasHeld;
  }

  isIdle(): boolean {
    try {
      return !this.#hasWork();
    } catch (error) {
      this.#report(error); // Not known is not idle.
      return false;
    }
  }

  #hasWork(): boolean {
    const { files, layout, nowMs } = this.#context;
    const isMine = (queue: string): boolean =>
      (this.#options.queues === null || this.#options.queues.includes(queue)) && !this.#paused.has(queue);
    const isReady = (fileName: string): boolean => {
      const name = parseJobFileName(fileName);
      return name !== null && isMine(name.queue) && !this.#gate.isLeft(name.queue, fileName);
    };
    if (files.list(layout.pending).some(isReady)) return true;
    return files.list(layout.delayed).some((name) => {
      const parsed = parseDelayedFileName(name);
      return parsed !== null && parsed.dueAtMs <= nowMs() && isMine(parsed.name.queue);
    });
  }

  problem(): unknown {
    return this.#context.odd.problem();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
    this.#pauses.stop();
    this.#elsewhere.stop();
    this.#feed.close();
    this.#promoter.stop();
    await Promise.all([this.#recoveries.close(), this.#housekeeping.close()]);
    await this.#revocations.close();
    await this.#registration.release();
  }

  async #start(): Promise<void> {
    // Before the first job is given to anybody: what was revoked or paused while no worker ran does not start.
    makeDirectory(this.#context.files, this.#context.layout.queues);
    this.#pauses.start();
    this.#tidyNames();
    this.#revocations.start();
    await this.#revocations.settled(REVOKED_FIRST_MS);
    this.#promoter.start();
    let hasOthers = true;
    this.#recoveries.repeat(
      () => (hasOthers ? RECOVERY_EVERY_MS.others : RECOVERY_EVERY_MS.alone),
      async () => {
        hasOthers = true; // Also when the look fails.
        hasOthers = await recoverOrphans(this.#context, this.#recoverer());
      },
    );
    this.#housekeeping.start();
  }

  /** What it leaves, each claim does for its own job. */
  #tidyNames(): void {
    try {
      nameWaitingOnce(this.#context);
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (this.#isClosed) return;
    const { odd } = this.#context;
    const blame = odd.blame(error);
    if (blame === 'entry') odd.complain(error);
    else this.#options.onEvent?.({ kind: blame === 'moment' ? 'paused' : 'unusable', error });
  }

  #recoverer(): Recoverer {
    return {
      owner: this.#registration.owner,
      onEvent: (event) => this.#relay(event),
      isKnownAlive: (owner) => this.#isKnownAlive(owner),
      giveUp: this.#closing.signal,
    };
  }

  #isKnownAlive(owner: string): boolean {
    return owner === this.#registration.owner || this.#dispatch.has(owner);
  }

  #hearPaused(queues: ReadonlySet<string>): void {
    const isNews = [...queues].join() !== [...this.#paused].join();
    this.#paused = queues;
    if (!isNews) return;
    this.#gate.pause(queues);
    this.#dispatch.instruct({ type: 'paused', queues: [...queues] });
    this.#options.onEvent?.({ kind: 'queues-paused', queues: [...queues] });
    this.#feed.recheck();
  }

  #leave(tasks: readonly TaskElsewhere[]): void {
    this.#gate.leave(new LeftToOthers(tasks));
    this.#dispatch.instruct({ type: 'elsewhere', tasks });
    this.#feed.recheck();
  }

  #relay(event: BrokerEvent): void {
    if (event.kind === 'unproved') {
      if (this.#unproved.has(event.owner)) return;
      this.#unproved.add(event.owner);
    }
    this.#options.onEvent?.(event);
  }
}
