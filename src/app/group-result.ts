/** The caller's handle on many jobs that were sent together. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Revocation, RevokeOptions } from '../broker/broker.ts';
import { peek } from '../job/values/realm.ts';
import type { Duration } from '../job/units.ts';
import { AsyncResult, type GetOptions, readGetOptions } from './async-result.ts';
import { inOrderOfEnds } from './canvas/completion.ts';
import type { AnyPart, ArrivingAll, CompositionOptions, Fitting, HandleOf } from './canvas/fit.ts';
import { carriedBy, type Given } from './canvas/part.ts';
import { type EventsOptions, groupEvents } from './following/events.ts';
import type { JobEvent } from './following/story.ts';
import { tellWhileWaiting } from './telling/standstill.ts';

/** Results read before other work of this process gets its turn. */
const YIELD_EVERY = 256;

/** Codes of what `get()` throws for a job that has no value and gets none. */
const NO_VALUE: readonly unknown[] = [
  'FSQ_TASK_FAILED',
  'FSQ_TIME_LIMIT',
  'FSQ_WORKER_LOST',
  'FSQ_REVOKED',
  'FSQ_EXPIRED',
  'FSQ_UNKNOWN_JOB',
];

/** How far a group is. */
export interface GroupProgress {
  readonly total: number;
  /** Of these, those that have ended in any way. */
  readonly done: number;
  readonly succeeded: number;
  /** Those that failed, were revoked or have expired. */
  readonly failed: number;
}

/** What each result of a group can do; a group in a group can do it too. */
type Member = Pick<AsyncResult, 'ready' | 'get' | 'events'>;

/** How a member of a group ended: with its value, or with what its `get()` throws. */
type Settled<V extends readonly unknown[]> = { -readonly [K in keyof V]: PromiseSettledResult<V[K]> };

/** Any group, also with groups in it. */
export type AnyGroup = GroupResult<unknown, unknown[], readonly unknown[]>;

/**
 * Many results, in the order of their arguments; iterable. `V` are their values, and `H` the results themselves: that of a group in a
 * group is a `GroupResult` too.
 */
export class GroupResult<
  T = unknown,
  V extends readonly unknown[] = T[],
  H extends readonly unknown[] = readonly AsyncResult<T>[],
> {
  readonly results: Readonly<H>;

  /** A group that was sent before is made again of handles by their ids: `new GroupResult(ids.map((id) => add.result(id)))`. */
  constructor(results: Readonly<H> & readonly Pick<AsyncResult<T>, 'get'>[]) {
    this.results = results;
  }

  get length(): number {
    return this.results.length;
  }

  /** The jobs whose values those of the group are, also of groups in it. */
  get jobs(): readonly AsyncResult[] {
    return this.#members.flatMap((one) => ('jobs' in one ? one.jobs : [one]));
  }

  [Symbol.iterator](): Iterator<H[number]> {
    return this.results[Symbol.iterator]();
  }

  /**
   * The results in the order in which their jobs end, each as soon as it has ended, well or not: `get()` of it waits for nothing.
   *
   * @throws SpoolError
   */
  [Symbol.asyncIterator](): AsyncGenerator<H[number], void, undefined> {
    return this.#inOrderOfEnds();
  }

  async *#inOrderOfEnds(): AsyncGenerator<AsyncResult | AnyGroup, void, undefined> {
    const [first] = this.jobs;
    const beQuiet = first === undefined ? null : tellWhileWaiting(await AsyncResult.sourceOf(first), first.id);
    try {
      yield* inOrderOfEnds(this.#members, endOf);
    } finally {
      beQuiet?.();
    }
  }

  /** True once every job has an outcome. */
  async ready(): Promise<boolean> {
    for (const result of this.#members) if (!(await result.ready())) return false;
    return true;
  }

  /** How many of the group's jobs have ended, and how. One whose outcome is forgotten counts as not done. */
  async progress(): Promise<GroupProgress> {
    const { jobs } = this;
    let [done, succeeded, looked] = [0, 0, 0];
    for (const job of jobs) {
      if (++looked % YIELD_EVERY === 0) await yieldToOthers();
      if (!(await job.ready())) continue;
      done++;
      if (await job.successful()) succeeded++;
    }
    return { total: jobs.length, done, succeeded, failed: done - succeeded };
  }

  /**
   * All values, in order. `timeout` is for the whole group.
   *
   * @throws what the first job in order that has no value throws; the others go on
   */
  async get(timeout?: Duration | GetOptions): Promise<V> {
    return (await this.#each(timeout, (result, options) => result.get(options))) as unknown as V; // Each is its own result's.
  }

  /**
   * How each result ended, in order, once all have: `{ status: 'fulfilled', value }`, or `{ status: 'rejected', reason }` with what its
   * `get()` throws. `timeout` is for the whole group.
   *
   * @throws TimeoutError, SpoolError, or the signal's reason: not all have ended
   */
  async settled(timeout?: Duration | GetOptions): Promise<Settled<V>> {
    const settle = async (result: Member, options: GetOptions): Promise<PromiseSettledResult<unknown>> => {
      try {
        return { status: 'fulfilled', value: await result.get(options) };
      } catch (reason) {
        if (!NO_VALUE.includes(peek(reason, 'code'))) throw reason;
        return { status: 'rejected', reason };
      }
    };
    return (await this.#each(timeout, settle)) as unknown as Settled<V>; // Each is its own result's.
  }

  /** What happens to all jobs, as it happens, until all have ended; see `AsyncResult.events`. @throws UnknownJobError */
  events(options: EventsOptions = {}): AsyncIterable<JobEvent> {
    return groupEvents(this.jobs, options);
  }

  /**
   * Sends what is to run after all jobs of the group: it gets the array of their values as its first argument, as the callback of a chord.
   * No process need wait for that. When one of the jobs does not succeed, it fails with that one's error as the cause, and `onError` runs.
   *
   * @returns its handle
   * @throws UsageError (FSQ_COMPOSITION) when it is no signature, chain, group or chord, or goes to another spool; SpoolError
   */
  async done<C extends AnyPart>(
    next: C & Fitting<ArrivingAll<V>, C>,
    options: CompositionOptions = {},
  ): Promise<HandleOf<C>> {
    const { send } = carriedBy(next, 'what done() is given');
    const places = new Set<string>();
    for (const job of this.jobs) places.add((await AsyncResult.sourceOf(job)).place);
    return (await send({ places, value: this.#given() }, options)) as HandleOf<C>; // As its own delay() gives.
  }

  /**
   * Revokes every job that has not ended, all at once: much faster than one by one. What came of each, in order; see
   * `AsyncResult.revoke`.
   *
   * @throws UnknownJobError when one of them is nowhere: its outcome is forgotten. The others are revoked
   */
  revoke(options: RevokeOptions = {}): Promise<readonly Revocation[]> {
    return AsyncResult.revokeAll(this.jobs, options);
  }

  /**
   * Sends back all jobs that failed, were revoked or have expired; the others stay as they are. See `AsyncResult.retry`.
   *
   * @returns how many it sent back
   * @throws UnknownJobError when one of them is nowhere; NotRetriedError (FSQ_KEY_TAKEN) when another job has its key. The others are sent back
   */
  retry(): Promise<number> {
    return AsyncResult.retryAll(this.jobs);
  }

  get #members(): readonly (AsyncResult | AnyGroup)[] {
    return this.results as unknown as readonly (AsyncResult | AnyGroup)[]; // `H` says the same, each with its own type.
  }

  #given(): Given {
    return this.#members.map((one) => (one instanceof GroupResult ? one.#given() : one.id));
  }

  async #each<E>(timeout: unknown, act: (result: Member, options: GetOptions) => Promise<E>): Promise<readonly E[]> {
    const { timeoutMs, signal } = readGetOptions(timeout);
    const endAt = performance.now() + (timeoutMs ?? 0);
    const found: E[] = [];
    const { jobs } = this;
    for (let i = 0; timeoutMs !== 0 && i < jobs.length; i += YIELD_EVERY) {
      if (i > 0) await yieldToOthers();
      await AsyncResult.confirm(jobs.slice(i, i + YIELD_EVERY));
    }
    // Results that are there are read without a pause between them: others must get their turn.
    for (const result of this.#members) {
      const left = timeoutMs === null ? {} : { timeout: Math.max(0, endAt - performance.now()) };
      found.push(await act(result, { ...left, ...(signal === undefined ? {} : { signal }) }));
      if (found.length % YIELD_EVERY === 0) await yieldToOthers();
    }
    return found;
  }
}

/** What is nowhere comes to no other end. */
async function endOf(result: AsyncResult | AnyGroup, signal: AbortSignal): Promise<number | null> {
  const jobs = 'jobs' in result ? result.jobs : [result];
  let lastMs = 0;
  for (const job of jobs) {
    const atMs = await AsyncResult.endOf(job, signal).catch((error: unknown) => {
      if (peek(error, 'code') === 'FSQ_UNKNOWN_JOB') return 0;
      throw error;
    });
    if (atMs === null) return null;
    lastMs = Math.max(lastMs, atMs);
  }
  return lastMs;
}
