/** The options of `task()` and of one call. One table says how each is read, where it may stand, and what a job's file keeps. */
import { refuse, UsageError } from '../job/errors.ts';
import {
  type BackoffOptions,
  checkKey,
  checkTimeLimits,
  checkUnique,
  isOnCrash,
  isRetries,
  type JobOptions,
  MAX_RETRIES,
  NO_OPTIONS,
  toBackoff,
} from '../job/job-options.ts';
import { checkPriority, checkQueue, isId } from '../job/names.ts';
import { checkTaskConcurrency, parseRate, type TaskLimitOptions } from '../job/queue-limits.ts';
import { type ResultTtl, toResultTtlMs } from '../job/ended/result-ttl.ts';
import { format, knownInstead, timeShown } from '../job/text.ts';
import { type Duration, durationMs } from '../job/units.ts';
import { isArray, isBuiltIn, isDate, isLanguageClass, isOptions, isRecord, peek } from '../job/values/realm.ts';
import { nowMs } from './settings/stage.ts';
import type { CallKey, TaskKey, UniqueOptions } from './unique.ts';

/** What a task says of all its jobs, and a call of its own. */
export interface LifeOptions {
  /** How often a run that failed is tried again: 0 to 1,000. Default 0. */
  readonly retries?: number;
  /** How long it waits before each retry; a duration is the `initial` one. Default 1 s, doubling up to 1 h, at random. */
  readonly backoff?: Duration | BackoffOptions;
  /** Not to be started after this: a duration from the call on, or a Date. A job that is too late ends as `expired`. */
  readonly expires?: Duration | Date;
  /** What becomes of a job whose process died: it runs again ('rerun', the default), or fails, because it must not run twice. */
  readonly onCrash?: 'rerun' | 'fail';
  /** Longest run: then it is killed. */
  readonly timeLimit?: Duration;
  /** Longest run before the job's signal is aborted, so that it can end by itself. */
  readonly softTimeLimit?: Duration;
  /** How long the outcome is kept, or by how the job ended: `{ failed: '7d' }`. Default: as the worker's `resultTtl` says. */
  readonly resultTtl?: ResultTtl;
  /** True: what the task returns is not kept, and a success is forgotten after a minute. Failures are kept. Default false. */
  readonly ignoreResult?: boolean;
}

/** A class of errors. */
export type ErrorClass = abstract new (...args: never) => Error;

/** An error class, several of them, or a function that says true for errors to be tried again. */
export type RetryOn = ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean);

/** Where a task's jobs go, and what may become of them, unless the call says otherwise. */
interface SharedOptions extends LifeOptions, UniqueOptions {
  /** Queue name: 1 to 64 of a-z, 0-9, _ and -. Default 'default'. */
  readonly queue?: string;
  /** 0 runs first, 9 last. Default 5. */
  readonly priority?: number;
}

/** What a task says of its jobs; `A` are its arguments. */
export interface TaskOptions<A extends readonly unknown[] = readonly unknown[]>
  extends SharedOptions, TaskKey<A>, TaskLimitOptions<A> {
  /** Which errors are tried again: a class, several, or a function of the error. Default: all but a `PermanentError`. */
  readonly retryOn?: RetryOn;
}

/** What one call may say of its job. */
export interface ApplyOptions extends SharedOptions, CallKey {
  /** Not before this much time has passed. Not together with `eta`. */
  readonly countdown?: Duration;
  /** Not before this time; a number is Unix ms. In the past: at once. */
  readonly eta?: Date | number;
  /** A job or its id, or several: not before they have succeeded. When one ends otherwise, this one fails with its error as the cause. */
  readonly after?: string | { readonly id: string } | readonly (string | { readonly id: string })[];
  /** Text for the task to read with `currentJob().headers`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The options of a task, or those of a call together with its task's. */
export type AnyOptions = Omit<ApplyOptions, 'key'> & TaskOptions<never>;

interface Option {
  /** Checks the option and gives its value, which the job's file keeps as `kept`. @throws UsageError */
  readonly read?: (given: unknown, nowMs: number) => unknown;
  readonly kept?: keyof JobOptions;
  /** Why a call may not have it; absent: it may. */
  readonly notOfCall?: string;
  /** True: only a call may have it. */
  readonly notOfTask?: boolean;
}

const OF_ALL_JOBS = 'it holds for all jobs of a task, not for one';

const OPTIONS: Readonly<Record<keyof AnyOptions, Option>> = {
  queue: { read: checkQueue },
  priority: { read: checkPriority },
  retries: {
    kept: 'retries',
    read: (given) => (isRetries(given) ? given : refuse('`retries`', `a whole number from 0 to ${MAX_RETRIES}`, given)),
  },
  backoff: { kept: 'backoff', read: toBackoff },
  expires: { kept: 'expiresAtMs', read: expiresAtOf },
  onCrash: {
    kept: 'onCrash',
    read: (given) => (isOnCrash(given) ? given : refuse('`onCrash`', "'rerun' or 'fail'", given)),
  },
  timeLimit: { kept: 'timeLimitMs', read: (given) => someTime(given, 'timeLimit') },
  softTimeLimit: { kept: 'softTimeLimitMs', read: (given) => someTime(given, 'softTimeLimit') },
  resultTtl: { kept: 'resultTtlMs', read: toResultTtlMs },
  ignoreResult: {
    kept: 'ignoreResult',
    read: (given) => (typeof given === 'boolean' ? given : refuse('`ignoreResult`', 'true or false', given)),
  },
  key: { read: (given) => (typeof given === 'function' ? given : checkKey(given)) },
  unique: { read: checkUnique },
  concurrency: { notOfCall: OF_ALL_JOBS, read: checkTaskConcurrency },
  rateLimit: { notOfCall: OF_ALL_JOBS, read: (given) => parseRate(given, 'rateLimit') },
  retryOn: { notOfCall: "a function cannot be kept in a job's file", read: toPredicate },
  countdown: { notOfTask: true, kept: 'etaMs', read: (given, nowMs) => nowMs + durationMs(given, 'countdown') },
  eta: { notOfTask: true, kept: 'etaMs', read: etaOf },
  after: { notOfTask: true, kept: 'after', read: afterOf },
  limitKey: { notOfTask: true, kept: 'limitKey', read: (given) => checkKey(given, '`limitKey`') },
  headers: { notOfTask: true },
};

const OF_TASKS = Object.entries(OPTIONS).flatMap(([name, { notOfTask }]) => (notOfTask === true ? [] : [name]));
const OF_CALLS = Object.entries(OPTIONS).flatMap(([name, { notOfCall }]) => (notOfCall === undefined ? [name] : []));

/** The options of a task, each read once for its errors: those show where the task is defined. @throws UsageError */
export function checkTaskOptions(options: unknown): TaskOptions<never> {
  const checked = checkNames(options, OF_TASKS);
  keptOptions(checked);
  return checked;
}

/** The options of a call, and those of its task for what the call leaves out; only their names are checked. @throws UsageError */
export function withTaskOptions(options: unknown, ofTask: TaskOptions<never>): AnyOptions {
  const checked = checkNames(options, OF_CALLS);
  if (typeof checked.key === 'function')
    throw new UsageError(
      'Expected `key` of a call to be a text; a function of the arguments goes in the options of task()',
    );
  const merged: Record<string, unknown> = { ...ofTask };
  for (const [name, value] of Object.entries(checked)) if (value !== undefined) merged[name] = value;
  return merged;
}

function checkNames(options: unknown, known: readonly string[]): AnyOptions {
  if (!isOptions(options)) return refuse('options', 'an object', options);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const why = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof AnyOptions].notOfCall : undefined;
    if (why !== undefined) throw new UsageError(`Expected \`${name}\` in the options of task(): ${why}`);
    throw new UsageError(`Unknown option ${format(name)}${knownInstead(name, known)}`);
  }
  return options;
}

/**
 * What a job's file keeps of `options`, all of which are checked.
 *
 * @throws UsageError
 */
export function keptOptions(options: AnyOptions): JobOptions {
  const names = Object.keys(options) as (keyof AnyOptions)[];
  if (names.length === 0) return NO_OPTIONS; // Nearly every call.
  const atMs = nowMs();
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const given = options[name];
    if (given === undefined) continue;
    const { kept, read } = OPTIONS[name];
    const value = read?.(given, atMs);
    if (kept !== undefined) found[kept] = value;
  }
  checkTogether(options, found);
  return found;
}

function checkTogether(options: AnyOptions, kept: JobOptions): void {
  const { etaMs, expiresAtMs } = kept;
  if (options.unique !== undefined && options.key === undefined)
    throw new UsageError('Expected `key` beside `unique`: it says which jobs count as the same');
  checkDebounce(options, kept);
  if (options.countdown !== undefined && options.eta !== undefined)
    throw new UsageError('Expected `countdown` or `eta`, got both');
  if (etaMs !== undefined && expiresAtMs !== undefined && expiresAtMs <= etaMs) {
    throw new UsageError(
      `Expected \`expires\` to lie after the time at which the job may start, got ${timeShown(expiresAtMs)} and ${timeShown(etaMs)}: it could never run`,
    );
  }
  checkTimeLimits(kept);
}

/** A debounced job has its own time at which it may start. */
function checkDebounce({ unique, countdown, eta }: AnyOptions, { etaMs, expiresAtMs }: JobOptions): void {
  const debounce = unique === undefined ? undefined : checkUnique(unique).debounce;
  if (debounce === undefined) return;
  if (etaMs !== undefined) {
    const other = countdown === undefined ? `\`eta\` (${format(eta)})` : `\`countdown\` (${format(countdown)})`;
    throw new UsageError(`Expected \`unique.debounce\` or ${other}, got both: each says when the job may start`);
  }
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs() + debounce.waitMs)
    throw new UsageError(
      `Expected \`expires\` to lie after \`unique.debounce\`, got ${timeShown(expiresAtMs)} and ${debounce.waitMs} ms: it could never run`,
    );
}

/** A number of milliseconds over thirty years is a point in time, not a duration. */
const UNIX_TIME_FROM_MS = 1e12;

function etaOf(eta: unknown): number {
  const ms = isDate(eta) ? eta.getTime() : eta;
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms;
  return refuse('`eta`', 'a valid Date or Unix time in ms', eta);
}

/** The file of a job that names more jobs could be too large to be read. */
const MOST_AFTER = 100_000;

function afterOf(after: unknown): string | readonly string[] {
  if (!isArray(after)) return idOf(after);
  return after.length <= MOST_AFTER
    ? after.map(idOf)
    : refuse('`after`', `a list of at most ${MOST_AFTER} jobs`, after);
}

function idOf(after: unknown): string {
  const id = isRecord(after) ? after['id'] : after;
  return typeof id === 'string' && isId(id)
    ? id
    : refuse('`after`', "a job's handle or its id, or a list of such", after);
}

function expiresAtOf(expires: unknown, nowMs: number): number {
  if (isDate(expires)) {
    const atMs = expires.getTime();
    if (Number.isFinite(atMs)) return atMs;
    throw new UsageError('Expected `expires` to be a valid Date or a duration, got an invalid Date');
  }
  const ms = someTime(expires, 'expires');
  if (ms < UNIX_TIME_FROM_MS) return nowMs + ms;
  return refuse('`expires`', 'a duration or a Date', expires, `: for a Unix time pass new Date(${format(expires)})`);
}

/** A duration after which something ends. 0 is refused: nothing could be done in no time. */
function someTime(given: unknown, name: string): number {
  return durationMs(given, name) || refuse(`\`${name}\``, 'more than 0 ms', given, '; leave it out for none');
}

/**
 * `retryOn` as a predicate. A class of the language, such as RangeError, stands for that of every realm; any other class matches
 * as `instanceof` does: two classes of one name may mean different things.
 *
 * @throws UsageError
 */
export function toPredicate(retryOn: unknown): (thrown: unknown) => unknown {
  if (typeof retryOn === 'function' && !isErrorClass(retryOn)) return retryOn as (thrown: unknown) => unknown;
  const classes: readonly unknown[] = isArray(retryOn) ? retryOn : [retryOn];
  if (classes.length === 0) throw new UsageError('Expected `retryOn` to name an error class, got an empty array');
  for (const each of classes) {
    if (!isErrorClass(each)) refuse('`retryOn`', 'an error class, an array of such, or a function of the error', each);
  }
  return (thrown) => classes.filter(isErrorClass).some((each) => matches(thrown, each));
}

function matches(thrown: unknown, each: ErrorClass): boolean {
  return thrown instanceof each || (isLanguageClass(each, each.name) && isBuiltIn(thrown, each.name));
}

function isErrorClass(value: unknown): value is ErrorClass {
  return (
    typeof value === 'function' && (isLanguageClass(value, 'Error') || isBuiltIn(peek(value, 'prototype'), 'Error'))
  );
}
