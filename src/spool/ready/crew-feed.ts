/**
 * Gives the children of a worker names of ready jobs, and the instructions that each of them needs while it works. Jobs of paused
 * queues, of queues and tasks whose limits are reached, and of tasks that are left to other workers are held back.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type BrokerEvent, BY_AGE, type ChildSide, type KeeperOptions, type Member } from '../../broker/worker-side.ts';
import { type LimitRules, NO_RULES } from '../../job/queue-limits.ts';
import { ProcessLog } from '../beside/process-log.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Elsewhere, LeftToOthers } from './elsewhere.ts';
import { Feed } from './feed.ts';
import { Gate } from './gate.ts';
import { listIfReadable, makeDirectory } from '../disk/if-there.ts';
import { parseDelayedFileName, parseJobFileName } from '../layout.ts';
import { watchPausedQueues } from '../notes/notes.ts';
import { Dispatch } from './dispatch.ts';
import type { TaskElsewhere } from './hints.ts';

interface CrewFeedOptions extends Omit<KeeperOptions, 'onEvent'> {
  /** The worker, by its name among owners. */
  readonly owner: string;
  readonly onEvent: (event: BrokerEvent) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** How often a worker that may end looks whether its children have settled all, ms. */
const LOOK_EVERY_MS = 10;

export class CrewFeed {
  readonly #context: SpoolContext;
  readonly #options: CrewFeedOptions;
  readonly #gate: Gate;
  readonly #feed: Feed;
  /** Which child is given what. */
  readonly dispatch: Dispatch;
  readonly #pauses: { start(): void; stop(): void };
  #paused: ReadonlySet<string> = new Set();
  readonly #elsewhere: Elsewhere;

  constructor(context: SpoolContext, options: CrewFeedOptions) {
    const { owner, queues, order = BY_AGE, onEvent, onTrouble } = options;
    this.#context = context;
    this.#options = options;
    this.#gate = new Gate(context, options.limits ?? NO_RULES);
    this.#feed = new Feed(context, {
      queues,
      order,
      gate: this.#gate,
      onReady: () => this.dispatch.run(),
      onForeign: (name) => onEvent({ kind: 'foreign', name }),
      onTrouble,
    });
    const feed = this.#feed;
    const source = {
      get isEmpty(): boolean {
        return feed.size === 0;
      },
      // Never more than a fair part of what is at hand, so that the others find some too.
      take: (max: number) => feed.take(Math.max(1, Math.min(max, feed.size >>> 2))),
      setLookout: (isPosted: boolean) => feed.setLookout(isPosted),
    };
    this.dispatch = new Dispatch(source, options.isBurst !== true);
    this.#pauses = watchPausedQueues(context, { onFound: (paused) => this.#hearPaused(paused), onTrouble });
    this.#elsewhere = new Elsewhere(context, { owner, onChanged: (tasks) => this.#leave(tasks), onTrouble });
  }

  start(): void {
    makeDirectory(this.#context.files, this.#context.layout.queues);
    this.#pauses.start();
  }

  close(): void {
    this.#pauses.stop();
    this.#elsewhere.stop();
    this.#feed.close();
  }

  /** A child has begun to work, as this owner. */
  join(owner: string, child: ChildSide): Member {
    const { logBytes = 0, onEvent } = this.#options;
    const log = logBytes === 0 ? null : new ProcessLog(this.#context, { owner, logBytes, onEvent });
    return this.dispatch.join(owner, child, log);
  }

  limitTasks(tasks: LimitRules['tasks']): void {
    this.#gate.limitTasks(tasks);
    this.#feed.recheck();
  }

  /** These are the tasks of this worker. @returns false when it has said so before */
  know(tasks: readonly string[]): boolean {
    return this.#elsewhere.know(tasks);
  }

  /** True when no job is ready or due that this worker may begin; false also when it cannot be told. */
  isIdle(): boolean {
    try {
      return !this.#hasWork();
    } catch (error) {
      this.#options.onTrouble(error);
      return false;
    }
  }

  /** Null when no child holds a job; else resolves when none does. */
  settled(): Promise<void> | null {
    return this.#isHolding() ? this.#released() : null;
  }

  async #released(): Promise<void> {
    while (this.#isHolding()) await wait(LOOK_EVERY_MS);
  }

  #isHolding(): boolean {
    const { files, layout } = this.#context;
    const isJob = (name: string): boolean => parseJobFileName(name) !== null;
    try {
      return Array.from(this.dispatch.owners).some((owner) =>
        listIfReadable(files, `${layout.running}/${owner}`).some(isJob),
      );
    } catch (error) {
      this.#options.onTrouble(error);
      return false;
    }
  }

  #hasWork(): boolean {
    const { files, layout, nowMs } = this.#context;
    const { queues } = this.#options;
    const isMine = (queue: string): boolean => (queues === null || queues.includes(queue)) && !this.#paused.has(queue);
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

  #hearPaused(paused: ReadonlySet<string>): void {
    const queues = [...paused];
    const isNews = queues.join() !== [...this.#paused].join();
    this.#paused = paused;
    if (!isNews) return;
    this.#gate.pause(paused);
    this.dispatch.instruct({ type: 'paused', queues });
    this.#options.onEvent({ kind: 'queues-paused', queues });
    this.#feed.recheck();
  }

  #leave(tasks: readonly TaskElsewhere[]): void {
    this.#gate.leave(new LeftToOthers(tasks));
    this.dispatch.instruct({ type: 'elsewhere', tasks });
    this.#feed.recheck();
  }
}
