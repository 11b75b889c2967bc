/** How many jobs are in which state, of all and of each queue, and how many ended in each of the last minutes. No I/O. */
import type { StateName } from '../../wire.ts';
import type { IndexRow } from './index-row.ts';

export const MINUTE_MS = 60_000;
/** Of so many minutes it is known how many jobs ended. */
export const MINUTES = 15;

export type StateCounts = Readonly<Record<StateName, number>>;

export class Tallies {
  readonly states: Record<StateName, number> = noJobs();
  readonly #queues = new Map<string, QueueTally>();

  /** A job was as `before` says, and is as `now` says; null: it was, or is, not there. */
  change(before: IndexRow | null, now: IndexRow | null): void {
    if (now !== null) this.#count(now, 1);
    if (before !== null) this.#count(before, -1);
  }

  /** Those that have jobs. */
  get queues(): Iterable<string> {
    return this.#queues.keys();
  }

  /** Of a queue without jobs: nothing. */
  of(queue: string): StateCounts {
    return this.#queues.get(queue)?.states ?? NO_JOBS;
  }

  /** Jobs of a queue that ended in each of the last minutes, the earliest first; the last minute goes on. */
  endedByMinute(queue: string, nowMs: number): readonly number[] {
    const ended = this.#queues.get(queue)?.ended;
    const last = Math.floor(nowMs / MINUTE_MS);
    return Array.from({ length: MINUTES }, (_, i) => ended?.get(last - MINUTES + 1 + i) ?? 0);
  }

  #count({ state, queue, endedAtMs }: IndexRow, by: 1 | -1): void {
    const tally = this.#queues.get(queue) ?? { jobs: 0, states: noJobs(), ended: new Map<number, number>() };
    tally.jobs += by;
    if (tally.jobs === 0) this.#queues.delete(queue);
    else this.#queues.set(queue, tally);
    this.states[state] += by;
    tally.states[state] += by;
    if (endedAtMs === null) return;
    const minute = Math.floor(endedAtMs / MINUTE_MS);
    const count = (tally.ended.get(minute) ?? 0) + by;
    if (count === 0) tally.ended.delete(minute);
    else tally.ended.set(minute, count);
  }
}

interface QueueTally {
  /** In all. */
  jobs: number;
  readonly states: Record<StateName, number>;
  /** By the minute, counted from 1970: a day has 1,440. */
  readonly ended: Map<number, number>;
}

export function noJobs(): Record<StateName, number> {
  return { pending: 0, delayed: 0, parked: 0, running: 0, succeeded: 0, failed: 0, revoked: 0, expired: 0 };
}

const NO_JOBS: StateCounts = noJobs();
