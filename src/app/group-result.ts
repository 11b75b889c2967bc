/** The caller's handle on many jobs that were sent together. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Revocation, RevokeOptions } from '../broker/broker.ts';
import type { Duration } from '../job/units.ts';
import { AsyncResult, type GetOptions, readGetOptions } from './async-result.ts';
import { type EventsOptions, groupEvents } from './following/events.ts';
import type { JobEvent } from './following/story.ts';

/** Results read before other work of this process gets its turn. */
const YIELD_EVERY = 256;

/** Many results, in the order of their arguments; iterable. */
export class GroupResult<T = unknown> {
  readonly results: readonly AsyncResult<T>[];

  constructor(results: readonly AsyncResult<T>[]) {
    this.results = results;
  }

  get length(): number {
    return this.results.length;
  }

  [Symbol.iterator](): Iterator<AsyncResult<T>> {
    return this.results[Symbol.iterator]();
  }

  /** True once every job has an outcome. */
  async ready(): Promise<boolean> {
    for (const result of this.results) if (!(await result.ready())) return false;
    return true;
  }

  /**
   * All values, in order. `timeout` is for the whole group.
   *
   * @throws what the first job in order that has no value throws; the others go on
   */
  async get(timeout?: Duration | GetOptions): Promise<T[]> {
    const { timeoutMs, signal } = readGetOptions(timeout);
    const endAt = performance.now() + (timeoutMs ?? 0);
    const values: T[] = [];
    // Results that are there are read without a pause between them: others must get their turn.
    for (const result of this.results) {
      const left = timeoutMs === null ? {} : { timeout: Math.max(0, endAt - performance.now()) };
      values.push(await result.get({ ...left, ...(signal === undefined ? {} : { signal }) }));
      if (values.length % YIELD_EVERY === 0) await yieldToOthers();
    }
    return values;
  }

  /** What happens to all jobs, as it happens, until all have ended; see `AsyncResult.events`. @throws UnknownJobError */
  events(options: EventsOptions = {}): AsyncIterable<JobEvent> {
    return groupEvents(this.results, options);
  }

  /**
   * Revokes every job that has not ended, all at once: much faster than one by one. What came of each, in order; see
   * `AsyncResult.revoke`.
   *
   * @throws UnknownJobError when one of them is nowhere: its outcome is forgotten. The others are revoked
   */
  revoke(options: RevokeOptions = {}): Promise<readonly Revocation[]> {
    return AsyncResult.revokeAll(this.results, options);
  }

  /**
   * Sends back all jobs that failed, were revoked or have expired; the others stay as they are. See `AsyncResult.retry`.
   *
   * @returns how many it sent back
   * @throws UnknownJobError when one of them is nowhere; NotRetriedError (FSQ_KEY_TAKEN) when another job has its key. The others are sent back
   */
  retry(): Promise<number> {
    return AsyncResult.retryAll(this.results);
  }
}
