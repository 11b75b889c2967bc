/**
 * Whether a job that was just claimed may start, by the limits of its queue, its task and its limit key over all workers of the spool.
 *
 * Nothing is locked: a process that has claimed a job counts the jobs in running/. Of two processes that claim at the same time, the
 * one whose rename came later sees the other's job, so there are never more than the limit. Both may see each other, and both put
 * their job back; then each tries again after a moment of random length.
 */
import { hasRules, type LimitRules, type QueueLimits } from '../../job/queue-limits.ts';
import type { SpoolContext } from '../disk/context.ts';
import { type JobName, parseJobFileName } from '../layout.ts';
import { freeSlots, type LimitOwner, type RateOf, takeSlots } from '../ready/rate-slots.ts';
import { RecentNames } from '../ready/recent-names.ts';
import { type JobKind, KindsOfJobs } from '../job-file/read.ts';
import { type HeldSpot, heldSpots } from '../locate.ts';

/** How many jobs' kinds are remembered. */
const REMEMBERED = 10_000;
/** How long a queue that had no room is not tried, ms, up to twice that. */
const CLOSED_FOR_MS = 10;

export class Admission {
  readonly #context: SpoolContext;
  readonly #rules: LimitRules;
  readonly #kinds: KindsOfJobs;
  readonly #refused = new RecentNames(20);
  /** Until when queues that had no room are not tried. */
  readonly #closed = new Map<string, number>();

  constructor(context: SpoolContext, rules: LimitRules) {
    this.#context = context;
    this.#rules = rules;
    this.#kinds = new KindsOfJobs(context, REMEMBERED);
  }

  /** Null where nothing is limited. */
  static of(context: SpoolContext, rules: LimitRules | undefined): Admission | null {
    return rules === undefined || !hasRules(rules) ? null : new Admission(context, rules);
  }

  /** This ready job was over a limit: it is not tried again for a moment. */
  refused(fileName: string): void {
    this.#refused.add(fileName);
  }

  /** True also for other jobs of a queue that had no room a moment ago. */
  wasRefused(fileName: string): boolean {
    if (this.#refused.has(fileName)) return true;
    if (this.#closed.size === 0) return false;
    const untilMs = this.#closed.get(parseJobFileName(fileName)?.queue ?? '');
    return untilMs !== undefined && performance.now() < untilMs;
  }

  /** Whether the job of `name`, which was claimed and lies in running/, may start now. */
  admits({ queue, id }: JobName, kind: JobKind): boolean {
    const { task } = kind;
    const queueLimits = this.#rules.queues.get(queue);
    const taskLimits = this.#rules.tasks.get(task);
    if (queueLimits === undefined && taskLimits === undefined) return true;
    this.#kinds.remember(id, kind);
    const [ofQueue, ofTask] = [{ kind: 'queue', name: queue } as const, { kind: 'task', name: task } as const];
    if (!this.#hasRoom(queueLimits, ofQueue, ({ name }) => name.queue === queue)) {
      this.#closed.set(queue, performance.now() + CLOSED_FOR_MS * (1 + Math.random()));
      return false;
    }
    const kindOf = ({ name, path }: HeldSpot): JobKind | null => this.#kinds.of(name.id, path);
    if (!this.#hasRoom(taskLimits, ofTask, (running) => kindOf(running)?.task === task)) return false;
    const isAlike = (other: JobKind | null): boolean => other?.task === task && other.limitKey === kind.limitKey;
    if (!this.#mayRun(taskLimits?.perKey ?? null, (running) => isAlike(kindOf(running)))) return false;
    // Last, when a look has found room and free slots everywhere: a slot that is taken cannot be given back.
    return takeSlots(this.#context, [...rateOf(ofTask, taskLimits), ...rateOf(ofQueue, queueLimits)]);
  }

  #hasRoom(limits: QueueLimits | undefined, owner: LimitOwner, isOne: (running: HeldSpot) => boolean): boolean {
    const { concurrency = null, rate = null } = limits ?? {};
    if (!this.#mayRun(concurrency, isOne)) return false;
    return rate === null || freeSlots(this.#context, { owner, rate }) > 0;
  }

  /** Its own job is there already, and counts. What is held to get new arguments has attempt 0, and does not. */
  #mayRun(most: number | null, isOne: (running: HeldSpot) => boolean): boolean {
    if (most === null) return true;
    return [...heldSpots(this.#context)].filter((spot) => spot.name.attempt > 0 && isOne(spot)).length <= most;
  }
}

function rateOf(owner: LimitOwner, limits: QueueLimits | undefined): readonly RateOf[] {
  const rate = limits?.rate ?? null;
  return rate === null ? [] : [{ owner, rate }];
}
