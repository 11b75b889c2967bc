/** The caller's handle on a job: its state, and its outcome when there is one. */
import type { Revocation, RevokeOptions, Sighting } from '../broker/broker.ts';
import { type Duration, durationMs } from '../job/units.ts';
import { refuse, SpoolError, TimeoutError, UnknownJobError, UsageError } from '../job/errors.ts';
import { toError } from '../job/failure.ts';
import { format } from '../job/text.ts';
import { endedAtMs, type JobRecord, type JobState } from '../job/job.ts';
import type { LogLine } from '../job/values/log-lines.ts';
import { type EventsOptions, jobEvents } from './following/events.ts';
import type { JobEvent } from './following/story.ts';
import { type LogsOptions, logLines } from './following/log-reader.ts';
import { isAbortSignal, isOptions } from '../job/values/realm.ts';
import type { OutcomeSource } from './registry.ts';
import { abortAfter, throwIfAborted } from './timers.ts';
import { standstillAt, TELL_AFTER_MS, tellWhileWaiting } from './telling/standstill.ts';
import { outcomeOf } from './following/waiting.ts';

export interface GetOptions {
  /** How long to wait; default: as long as it takes. 0 looks once. */
  readonly timeout?: Duration;
  /** Stops the waiting: `get()` rejects with the signal's reason. The job goes on. */
  readonly signal?: AbortSignal;
}

/** Codes of jobs that `retryAll` leaves as they are. */
const STAYS: readonly string[] = ['FSQ_SUCCEEDED', 'FSQ_NOT_ENDED'];

/**
 * A job's result to come. Not a promise: `await add.delay(1, 2)` gives the handle at once, `await handle.get()` the value.
 */
export class AsyncResult<T = unknown> {
  readonly id: string;
  /** True when the call that gave this handle sent nothing: the job, which has its key, was there already. */
  readonly isDuplicate: boolean;
  readonly #source: () => Promise<OutcomeSource>;
  /** Until it is seen ended: from then on it may be forgotten. */
  #isSurelyThere: boolean;
  /** Success never changes, so it is read once. What ended otherwise may be sent back, by any process. */
  #succeeded: JobRecord | null = null;

  /** Handles come from `delay()` and `result(id)`; there is no need to construct one. */
  constructor(id: string, source: () => Promise<OutcomeSource>, isSurelyThere: boolean, isDuplicate = false) {
    this.id = id;
    this.isDuplicate = isDuplicate;
    this.#source = source;
    this.#isSurelyThere = isSurelyThere;
  }

  /** True once the job has an outcome, good or bad. */
  async ready(): Promise<boolean> {
    return (await this.#outcome()) !== null;
  }

  /** True if the task returned; false also while it has not ended. */
  async successful(): Promise<boolean> {
    return (await this.#outcome())?.outcome?.state === 'succeeded';
  }

  /** True if the job ended without a value; false also while it has not ended. */
  async failed(): Promise<boolean> {
    const state = (await this.#outcome())?.outcome?.state;
    return state !== undefined && state !== 'succeeded';
  }

  /** Where the job is in its life; 'unknown' when no job has this id. */
  async state(): Promise<JobState> {
    const ended = await this.#outcome();
    if (ended?.outcome) return ended.outcome.state;
    return (await this.info())?.state ?? 'unknown';
  }

  /** All that is known of the job now: its record, attempts and place. Null when no job has this id. */
  async info(): Promise<Sighting | null> {
    return (await this.#source()).find(this.id);
  }

  /**
   * What the job's runs have printed, line by line; nothing where they have printed nothing. With `follow`, also what they print from
   * now on, until the job has ended.
   *
   * @throws UnknownJobError when no job has this id; UsageError where nothing is kept of it (alwaysEager)
   */
  logs(options: LogsOptions = {}): AsyncIterable<LogLine> {
    return logLines(this.id, this.#source, options);
  }

  /**
   * What happens to the job, from its acceptance to its outcome, which is the last; what has happened before comes first.
   *
   * @throws UnknownJobError when no job has this id
   */
  events(options: EventsOptions = {}): AsyncIterable<JobEvent> {
    return jobEvents({ id: this.id, source: this.#source, isSurelyThere: this.#isSurelyThere }, options);
  }

  /**
   * The task's value. Waits for it, as long as `timeout` says; may be called again after a TimeoutError.
   *
   * @throws TimeoutError, and whatever became of the job: TaskError, WorkerLostError, RevokedError, ExpiredError, UnknownJobError
   */
  async get(timeout?: Duration | GetOptions): Promise<T> {
    const { timeoutMs, signal } = readGetOptions(timeout);
    const record = this.#succeeded ?? (await this.#wait(timeoutMs, signal));
    const { outcome } = record;
    if (outcome === null) throw new UnknownJobError(this.id, (await this.#source()).place);
    if (outcome.state !== 'succeeded') throw toError(this.id, outcome, record.attempts.at(-1)?.attempt ?? 0);
    return outcome.value as T; // Typed by the task; it came through JSON as delay() promises.
  }

  /**
   * Stops the job, from any process, also with no worker running. What waits never starts: `revoked`. What runs gets the abort
   * of `currentJob().signal`, or with `terminate` its process is killed with all it has started: `requested`, which is durable
   * when this resolves. A job that had ended before stays as it is: `ended`.
   *
   * @throws UnknownJobError when no job has this id
   */
  async revoke(options: RevokeOptions = {}): Promise<Revocation> {
    const [revocation] = await AsyncResult.revokeAll([this], options);
    return revocation ?? 'ended';
  }

  /**
   * Sends the job back to where it waits, with its history, after it has failed, was revoked or has expired. Its retries and crashes are
   * counted anew, and it does not expire any more; `get()` waits for the new outcome then. When this resolves, it is as durable as a job
   * that was just sent.
   *
   * @throws UnknownJobError; NotRetriedError when it has not ended, has succeeded, or another job has its key by now
   */
  async retry(): Promise<void> {
    const source = await this.#source();
    const answer = (await source.retry([this.id])).get(this.id);
    if (answer === undefined) throw new UnknownJobError(this.id, source.place);
    if (answer !== null) throw answer;
  }

  /**
   * Revokes all of `results`, those of one place together.
   *
   * @param needed those that must be there
   * @throws UnknownJobError naming the first of these that is nowhere; the others are revoked
   */
  static async revokeAll(
    results: readonly AsyncResult[],
    options: RevokeOptions = {},
    needed: readonly AsyncResult[] = results,
  ): Promise<readonly Revocation[]> {
    const checked = checkRevokeOptions(options);
    const found = await AsyncResult.#ofAll(results, needed, (source, ids) => source.revoke(ids, checked));
    return results.map(({ id }) => found.get(id) ?? 'ended');
  }

  /**
   * Sends back those of `results` that failed, were revoked or have expired; those that have succeeded, wait or run stay as they are.
   *
   * @param needed those that must be there
   * @returns how many it sent back
   * @throws what `retry` of the first throws that is nowhere, or cannot be sent back; the others are
   */
  static async retryAll(results: readonly AsyncResult[], needed: readonly AsyncResult[] = results): Promise<number> {
    const found = await AsyncResult.#ofAll(results, needed, (source, ids) => source.retry(ids));
    const answers = [...found.values()];
    const wrong = answers.find((answer) => answer !== null && !STAYS.includes(answer.code));
    if (wrong) throw wrong;
    return answers.filter((answer) => answer === null).length;
  }

  /** When the job of `result` ended, Unix ms, as soon as it has. Null when `signal` aborts first. @throws UnknownJobError, SpoolError */
  static async endOf(result: AsyncResult, signal: AbortSignal): Promise<number | null> {
    const source = await result.#source();
    const record = await outcomeOf(source, result.id, signal, result.#isSurelyThere);
    return record === null ? null : (endedAtMs(result.#keep(record)) ?? 0);
  }

  /** Looks once for all of `results` whether there are such jobs, so that waiting for one after the other needs no look for each. */
  static async confirm(results: readonly AsyncResult[]): Promise<void> {
    const confirmOne = async (result: AsyncResult): Promise<void> => {
      // An error comes again, from what is to be done with that one.
      const atMs = await AsyncResult.endOf(result, AbortSignal.abort()).catch(() => 0);
      if (atMs === null) result.#isSurelyThere = true;
    };
    await Promise.all(results.filter((one) => !one.#isSurelyThere && one.#succeeded === null).map(confirmOne));
  }

  /** The place where the job of `result` is. */
  static sourceOf(result: AsyncResult): Promise<OutcomeSource> {
    return result.#source();
  }

  /** The answers for the jobs of `results`, those of one place together. @throws UnknownJobError naming the first needed that is nowhere */
  static async #ofAll<A>(
    results: readonly AsyncResult[],
    needed: readonly AsyncResult[],
    ask: (source: OutcomeSource, ids: readonly string[]) => Promise<ReadonlyMap<string, A>>,
  ): Promise<ReadonlyMap<string, A>> {
    const ids = new Map<OutcomeSource, string[]>();
    for (const { id, source } of await Promise.all(
      results.map(async (one) => ({ id: one.id, source: await one.#source() })),
    )) {
      const known = ids.get(source);
      if (known === undefined) ids.set(source, [id]);
      else known.push(id);
    }
    const found = new Map<string, A>();
    for (const [source, own] of ids) for (const [id, answer] of await ask(source, own)) found.set(id, answer);
    const missing = needed.find(({ id }) => !found.has(id));
    if (missing !== undefined) throw new UnknownJobError(missing.id, (await missing.#source()).place);
    return found;
  }

  /**
   * Forgets the outcome of the job, with all that is kept beside it, now and not when its time is over. Then no job has this id.
   *
   * @throws UnknownJobError when no job has this id; UsageError (FSQ_NOT_ENDED) while it has not ended; SpoolError (FSQ_NOT_FORGOTTEN) when
   * the outcome stays, because another process is about to bring it to the disk and takes long for that
   */
  async forget(): Promise<void> {
    const source = await this.#source();
    const forgetting = (await source.forget([this.id])).get(this.id);
    this.#succeeded = null;
    this.#isSurelyThere = false;
    switch (forgetting) {
      case 'forgotten':
        return;
      case undefined:
        throw new UnknownJobError(this.id, source.place);
      case 'unfinished':
        throw new UsageError(
          `Expected job ${this.id} to have ended: only an outcome can be forgotten. Wait for it, or revoke the job`,
          'FSQ_NOT_ENDED',
        );
      case 'recorded':
        throw new SpoolError(
          'FSQ_NOT_FORGOTTEN',
          `The outcome of job ${this.id} was not forgotten: another process still brings it to the disk. Call forget() again.`,
        );
    }
  }

  async #wait(timeoutMs: number | null, signal: AbortSignal | undefined): Promise<JobRecord> {
    throwIfAborted(signal);
    const source = await this.#source();
    const limit = abortAfter(timeoutMs, signal);
    const isLong = timeoutMs === null || timeoutMs > TELL_AFTER_MS;
    const beQuiet = isLong ? tellWhileWaiting(source, this.id) : null;
    try {
      const record = await outcomeOf(source, this.id, limit.signal, this.#isSurelyThere);
      if (record !== null) return this.#keep(record);
      throwIfAborted(signal);
      // A timeout of 0 asks for one look, and gets no more than that.
      throw new TimeoutError(this.id, timeoutMs ?? 0, timeoutMs === 0 ? null : await standstillAt(source, this.id));
    } finally {
      beQuiet?.();
      limit.cancel();
    }
  }

  async #outcome(): Promise<JobRecord | null> {
    const record = this.#succeeded ?? (await (await this.#source()).outcome(this.id));
    return record === null ? null : this.#keep(record);
  }

  #keep(record: JobRecord): JobRecord {
    this.#isSurelyThere = false;
    if (record.outcome?.state === 'succeeded') this.#succeeded = record;
    return record;
  }
}

/** @throws UsageError */
export function readGetOptions(options: unknown): {
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | undefined;
} {
  const { timeout, signal, ...rest } = isOptions(options) ? options : { timeout: options, signal: undefined };
  const extra = isAbortSignal(options) ? 'a signal' : Object.keys(rest).map(format)[0];
  if (extra !== undefined)
    throw new UsageError(`Expected a duration, or { timeout, signal }, to wait with, got ${extra}`);
  if (signal !== undefined && !isAbortSignal(signal)) return refuse('`signal`', 'an AbortSignal', signal);
  return { timeoutMs: timeout === undefined ? null : durationMs(timeout, 'timeout'), signal };
}

/** @throws UsageError */
function checkRevokeOptions(options: unknown): RevokeOptions {
  const known = isOptions(options) ? options : null;
  const extra = Object.keys(known ?? {}).find((key) => key !== 'terminate');
  const terminate = known?.['terminate'] ?? false;
  if (known === null || extra !== undefined || typeof terminate !== 'boolean')
    throw new UsageError(`Expected { terminate: true } or nothing to revoke with, got ${format(options)}`);
  return { terminate };
}
