/** The keeper: what a worker does for its spool. It feeds its children, makes due jobs ready, recovers the dead, revokes, tidies up. */
import type { BrokerEvent, ChildSide, Death, EndedRun, Keeper, KeeperOptions, Member } from '../broker/worker-side.ts';
import { type Loss, NO_RESTARTS, oneMore, type Restarts } from '../broker/common/restarts.ts';
import type { Figures } from '../broker/statistics.ts';
import type { LimitRules } from '../job/queue-limits.ts';
import type { ResultTtlMs } from '../job/ended/result-ttl.ts';
import type { SpoolContext } from './disk/context.ts';
import { CrewFeed } from './ready/crew-feed.ts';
import { forgetIfTight, Housekeeping } from './recovery/housekeeping.ts';
import { register, type Registration } from './owners/owner.ts';
import { Promoter } from './ready/promote.ts';
import { RecoveryRounds } from './recovery/recover.ts';
import { Counting } from './statistics/counting.ts';
import { RevokeWatch } from './revoking/revoke-watch.ts';

/** How long the first look for revoked jobs may hold up a worker's start, ms: looking through a million names takes that long. */
const REVOKED_FIRST_MS = 2_000;

export class SpoolKeeper implements Keeper {
  readonly #context: SpoolContext;
  /** What this worker tells of itself: its record, and its part of the statistics. */
  readonly #told: { readonly registration: Registration; readonly counting: Counting; restarts: Restarts };
  readonly #closing = new AbortController();
  readonly #crew: CrewFeed;
  readonly #promoter: Promoter;
  readonly #recovery: RecoveryRounds;
  readonly #revocations: RevokeWatch;
  readonly #housekeeping: Housekeeping;

  static async open(context: SpoolContext, options: KeeperOptions, resultTtlMs: ResultTtlMs): Promise<SpoolKeeper> {
    await forgetIfTight(context, resultTtlMs);
    const about = { role: 'supervisor', queues: options.queues, tasks: [], restarts: NO_RESTARTS } as const;
    const registration = await register(context, about);
    const keeper = new SpoolKeeper(context, options, registration, resultTtlMs);
    await keeper.#start();
    return keeper;
  }

  private constructor(
    context: SpoolContext,
    options: KeeperOptions,
    registration: Registration,
    resultTtlMs: ResultTtlMs,
  ) {
    const { owner, directory } = registration;
    const giveUp = this.#closing.signal;
    const onEvent = (event: BrokerEvent): void => options.onEvent?.(event);
    const onTrouble = (error: unknown): void => {
      if (!giveUp.aborted) report(context, error, onEvent);
    };
    const isKnownAlive = (other: string): boolean => other === owner || this.#crew.dispatch.has(other);
    context.odd.onEvent = onEvent;
    this.#context = context;
    const counting = new Counting(context, owner);
    this.#told = { registration, counting, restarts: NO_RESTARTS };
    this.#crew = new CrewFeed(context, { ...options, owner, onEvent, onTrouble });
    this.#promoter = new Promoter(context, onTrouble);
    this.#recovery = new RecoveryRounds(context, { owner, isKnownAlive, onEvent, giveUp }, onTrouble);
    this.#revocations = new RevokeWatch(context, {
      onInstruction: (instruction) => this.#crew.dispatch.instruct(instruction),
      onTerminate: (child, id) => this.#crew.dispatch.terminate(child, id),
      withdrawer: { owner, directory, onEvent, giveUp },
      isOurs: (other) => this.#crew.dispatch.has(other),
      onTrouble,
    });
    const recovering = (): Promise<void> | null => this.#recovery.underWay;
    this.#housekeeping = new Housekeeping(context, {
      resultTtlMs,
      isKnownAlive,
      recovering,
      counting,
      onEvent,
      giveUp,
      onTrouble,
    });
  }

  get owner(): string {
    return this.#told.registration.owner;
  }

  limitTasks(tasks: LimitRules['tasks']): void {
    this.#crew.limitTasks(tasks);
  }

  know(tasks: readonly string[]): void {
    const known = [...tasks].sort();
    if (this.#crew.know(known))
      this.#housekeeping.announce(known, () => this.#told.registration.tell({ tasks: known }));
  }

  join(owner: string, child: ChildSide): Member {
    return this.#crew.join(owner, child);
  }

  async recover(owner: string, ending: Death, run?: EndedRun): Promise<boolean> {
    return this.#recovery.recover(owner, ending, run, {
      before: () => this.#crew.dispatch.end(owner),
      after: () => this.#promoter.promoteDue(),
    });
  }

  count(figures: Figures): void {
    this.#told.counting.count(figures);
  }

  lost(why: Loss): void {
    const { registration } = this.#told;
    const restarts = oneMore(this.#told.restarts, why, this.#context.nowMs());
    this.#told.restarts = restarts;
    // What is wrong with the disk, or the spool, whoever runs jobs meets too, and tells it.
    this.#housekeeping.tell('restarts', () => registration.tell({ restarts }).catch(() => false));
  }

  clockMoved(): void {
    this.#promoter.promoteDue();
  }

  isIdle(): boolean {
    return !this.#housekeeping.isAnnouncing && this.#promoter.isSettled() && this.#crew.isIdle();
  }

  settled(): Promise<void> | null {
    return this.#crew.settled();
  }

  problem(): unknown {
    return this.#context.odd.problem();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#crew.close();
    this.#promoter.stop();
    await Promise.all([this.#recovery.close(), this.#housekeeping.close()]);
    await this.#revocations.close();
    await this.#told.counting.close();
    await this.#told.registration.release();
  }

  /** Before the first job is given to anybody: what was revoked or paused while no worker ran does not start. */
  async #start(): Promise<void> {
    this.#crew.start();
    this.#housekeeping.nameWaitingOnce();
    this.#revocations.start();
    await this.#revocations.settled(REVOKED_FIRST_MS);
    this.#promoter.start();
    this.#recovery.start();
    this.#housekeeping.start();
  }
}

function report({ odd }: SpoolContext, error: unknown, onEvent: (event: BrokerEvent) => void): void {
  const blame = odd.blame(error);
  if (blame === 'entry') odd.complain(error);
  else onEvent({ kind: blame === 'moment' ? 'disk-wait' : 'unusable', error });
}
