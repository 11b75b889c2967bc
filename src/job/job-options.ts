/** The options of a job as its file keeps them: their meaning, their readers, and which one counts where several places set it. */
import { type Edges, readAfter, readIds, readShape, readTakes } from './edges.ts';
import { type FsqErrorCode, refuse, UsageError } from './errors.ts';
import { type Lasting, readResultTtlMs } from './ended/result-ttl.ts';
import { format, knownInstead } from './text.ts';
import { type Duration, durationMs, LONGEST_MS } from './units.ts';
import { isOptions, isRecord } from './values/realm.ts';

/** The options that the producer wrote; each key is absent unless the task or the call gave it. */
export interface JobOptions extends Lasting, Edges {
  /** Not before this time, Unix ms. */
  readonly etaMs?: number;
  /** Not started after this time, Unix ms. */
  readonly expiresAtMs?: number;
  /** Runs after one that failed; 0 when absent. */
  readonly retries?: number;
  /** How long it waits before each of them. */
  readonly backoff?: Backoff;
  /** Whether it runs again when its process has died; 'rerun' when absent. */
  readonly onCrash?: 'rerun' | 'fail';
  /** Longest run before it is killed, ms. */
  readonly timeLimitMs?: number;
  /** Longest run before its signal is aborted, ms. */
  readonly softTimeLimitMs?: number;
  /** Its key among the jobs of its task when it was sent. */
  readonly key?: string;
  /** With which other jobs of its task it shares a limit: those of the same text. */
  readonly limitKey?: string;
}

/** How long a job waits before each retry. */
export interface Backoff {
  /** Before the first, ms. */
  readonly initialMs: number;
  /** What each wait is multiplied by for the next one, 1 or more. */
  readonly factor: number;
  /** No wait is longer, ms. */
  readonly maxMs: number;
  /** True: anything from nothing to the whole wait, at random, so that jobs that failed together do not come back together. */
  readonly jitter: boolean;
}

/** Its parts hold where a backoff leaves them out. */
export const DEFAULT_BACKOFF: Backoff = { initialMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: true };

/** A backoff as a task or a call writes it. */
export interface BackoffOptions {
  /** Before the first retry. Default 1 s. */
  readonly initial?: Duration;
  /** What each wait is multiplied by for the next one: 1 or more. Default 2. */
  readonly factor?: number;
  /** No wait is longer. Default 1 h, or `initial` where that is more. */
  readonly max?: Duration;
  /** Wait a random part of the time instead of all of it. Default true. */
  readonly jitter?: boolean;
}

/** No options: nearly every job has none. */
export const NO_OPTIONS: JobOptions = {};

/** Most retries a job may have: each leaves an entry in its file, and its attempts are counted in nine digits. */
export const MAX_RETRIES = 1_000;

type Readers = { readonly [K in keyof JobOptions]-?: (value: unknown) => JobOptions[K] | undefined };

const READERS: Readers = {
  etaMs: timeOf,
  expiresAtMs: timeOf,
  retries: (value) => (isRetries(value) ? value : undefined),
  backoff: readBackoff,
  onCrash: (value) => (isOnCrash(value) ? value : undefined),
  timeLimitMs: limitOf,
  softTimeLimitMs: limitOf,
  key: (value) => (isKey(value) ? value : undefined),
  limitKey: (value) => (isKey(value) ? value : undefined),
  resultTtlMs: (value) => readResultTtlMs(value, true),
  ignoreResult: (value) => (typeof value === 'boolean' ? value : undefined),
  after: readAfter,
  takes: readTakes,
  shape: readShape,
  next: readIds,
};

/** The options in `value` that are known and sound; {} when there are none. */
export function readJobOptions(value: unknown): JobOptions {
  if (!isRecord(value)) return {};
  const options: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(READERS, key)) continue;
    const known = READERS[key as keyof JobOptions](value[key]);
    if (known !== undefined) options[key] = known;
  }
  return options as JobOptions; // Each reader returns its own key's type.
}

export function isOnCrash(value: unknown): value is 'rerun' | 'fail' {
  return value === 'rerun' || value === 'fail';
}

/** True for a whole number of retries within the limit. */
export function isRetries(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_RETRIES;
}

/** Parts that are missing or make no sense are those of DEFAULT_BACKOFF. */
function readBackoff(value: unknown): Backoff | undefined {
  if (!isRecord(value)) return undefined;
  const { initialMs, factor, maxMs, jitter } = value;
  const initial = isAtLeast(initialMs, 0) ? initialMs : DEFAULT_BACKOFF.initialMs;
  return {
    initialMs: initial,
    factor: isAtLeast(factor, 1) ? factor : DEFAULT_BACKOFF.factor,
    maxMs: isAtLeast(maxMs, initial) ? maxMs : Math.max(initial, DEFAULT_BACKOFF.maxMs),
    jitter: typeof jitter === 'boolean' ? jitter : DEFAULT_BACKOFF.jitter,
  };
}

const BACKOFF_PARTS = ['initial', 'factor', 'max', 'jitter'];
/** A larger factor reaches any `max` with the second retry. */
const MAX_FACTOR = 1_000;

/** A task's or a call's `backoff`, each part answered. @throws UsageError */
export function toBackoff(backoff: unknown): Backoff {
  const parts = isOptions(backoff) ? backoff : { initial: backoff };
  const unknown = Object.keys(parts).find((key) => !BACKOFF_PARTS.includes(key));
  if (unknown !== undefined)
    throw new UsageError(`Unknown part ${format(unknown)} of \`backoff\`${knownInstead(unknown, BACKOFF_PARTS)}`);
  const { initial, factor = DEFAULT_BACKOFF.factor, max, jitter = DEFAULT_BACKOFF.jitter } = parts;
  const name = isOptions(backoff) ? 'backoff.initial' : 'backoff';
  const initialMs = initial === undefined ? DEFAULT_BACKOFF.initialMs : durationMs(initial, name);
  const maxMs = max === undefined ? Math.max(initialMs, DEFAULT_BACKOFF.maxMs) : durationMs(max, 'backoff.max');
  const wanted = `a number from 1 to ${MAX_FACTOR}, so that no wait is shorter than the one before it`;
  if (!isAtLeast(factor, 1) || factor > MAX_FACTOR) return refuse('`backoff.factor`', wanted, factor);
  const both = `${maxMs} ms and ${initialMs} ms`;
  if (maxMs < initialMs)
    throw new UsageError(`Expected \`backoff.max\` to be at least \`backoff.initial\`, got ${both}`);
  if (typeof jitter !== 'boolean') return refuse('`backoff.jitter`', 'true or false', jitter);
  return { initialMs, factor, maxMs, jitter };
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function limitOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function isAtLeast(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= least;
}

/** A job's own options, and its task's for those that it leaves out. */
export function withDefaults(options: JobOptions, defaults: JobOptions = NO_OPTIONS): JobOptions {
  return defaults === NO_OPTIONS ? options : { ...defaults, ...options };
}

/** The two limits of a run: its signal is aborted at one, its process is killed at the other. Each null where there is none. */
export interface TimeLimits {
  /** After this long the process of the run and all it started are killed, ms. */
  readonly timeLimitMs: number | null;
  /** After this long the run's signal is aborted, ms. */
  readonly softTimeLimitMs: number | null;
}

/** A job, a task or a worker that may set the limits: absent and null set none. */
type TimeLimitSource = { readonly [K in keyof TimeLimits]?: TimeLimits[K] | undefined };

/** Each limit as the first source says that has it; null where none has any. */
export function timeLimitsFrom(...sources: readonly (TimeLimitSource | undefined)[]): TimeLimits | null {
  let timeLimitMs: number | null = null;
  let softTimeLimitMs: number | null = null;
  for (const source of sources) {
    timeLimitMs ??= source?.timeLimitMs ?? null;
    softTimeLimitMs ??= source?.softTimeLimitMs ?? null;
  }
  if (timeLimitMs === null && softTimeLimitMs === null) return null;
  const bounded = (ms: number | null): number | null => (ms === null ? null : Math.min(ms, LONGEST_MS));
  return { timeLimitMs: bounded(timeLimitMs), softTimeLimitMs: bounded(softTimeLimitMs) };
}

/**
 * @param names of the two, as they were given
 * @throws UsageError when a run would be killed before it is asked to end
 */
export function checkTimeLimits(
  { softTimeLimitMs: softMs, timeLimitMs: hardMs }: TimeLimitSource,
  [soft, hard]: readonly [string, string] = ['`softTimeLimit`', '`timeLimit`'],
  code: FsqErrorCode = 'FSQ_USAGE',
): void {
  if (softMs === undefined || softMs === null || hardMs === undefined || hardMs === null || softMs < hardMs) return;
  const why = `got ${softMs} ms and ${hardMs} ms: a job would be killed before it is asked to end`;
  throw new UsageError(`Expected ${soft} to be shorter than ${hard}, ${why}`, code);
}

/**
 * How long a job keeps others of its key out: until it starts, until it has an outcome, or for a time from its sending on. Or how the
 * calls of a burst become one job.
 */
export type Unique = 'while-pending' | 'while-unfinished' | Duration | DebounceOptions;

/** Calls of one key are one job until it begins: it waits anew after each call, and gets the arguments of the last. */
export interface DebounceOptions {
  /** How long after the last call the job begins. */
  readonly debounce: Duration;
  /** How long after the first call it begins at the latest, however many follow. Default: any time. */
  readonly maxWait?: Duration;
}

/** The same, checked. */
export interface Uniqueness {
  readonly key: string;
  readonly until: 'started' | 'ended' | { readonly ms: number };
  /** A job that stands for the key and has not begun gets the new call's arguments. Absent: it keeps its own. */
  readonly debounce?: Debounce;
}

export interface Debounce {
  /** From the last call to the start, ms. */
  readonly waitMs: number;
  /** From the first call to the start, ms; null: any time. */
  readonly mostMs: number | null;
}

/** Longest key, bytes of UTF-8: room for a URL or a hash of anything longer. */
const MAX_KEY_BYTES = 1_024;
/** Half of a pair: two such texts could be one key on disk. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** True for what can be a key. */
export function isKey(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_KEY_BYTES) return false;
  return Buffer.byteLength(value) <= MAX_KEY_BYTES && !LONE_SURROGATE.test(value);
}

/** @param name what it is, for the message. @throws UsageError */
export function checkKey(value: unknown, name: string = '`key`'): string {
  if (isKey(value)) return value;
  const wanted = `Expected ${name} to be a text of 1 to ${MAX_KEY_BYTES} bytes of UTF-8`;
  if (typeof value !== 'string') throw new UsageError(`${wanted}, got ${format(value)}`);
  if (value === '') throw new UsageError(`${wanted}, got an empty one; leave it out for none`);
  if (LONE_SURROGATE.test(value)) throw new UsageError(`${wanted}, got one with half a character in it`);
  throw new UsageError(`${wanted}, got ${Buffer.byteLength(value)} bytes: use a hash of it as the key`);
}

/** @throws UsageError */
export function checkUnique(value: unknown): Omit<Uniqueness, 'key'> {
  if (value === 'while-pending') return { until: 'started' };
  if (value === 'while-unfinished') return { until: 'ended' };
  if (isOptions(value)) return { until: 'started', debounce: toDebounce(value) };
  const ms = isDurationLike(value) ? durationMs(value, 'unique') : 0;
  if (ms > 0) return { until: { ms } };
  const wanted = "'while-pending', 'while-unfinished', a duration of more than 0, such as '1h', or { debounce: '5s' }";
  return refuse('`unique`', wanted, value);
}

const DEBOUNCE_PARTS = ['debounce', 'maxWait'];

function toDebounce(parts: Readonly<Record<string, unknown>>): Debounce {
  const unknown = Object.keys(parts).find((part) => !DEBOUNCE_PARTS.includes(part));
  if (unknown !== undefined)
    throw new UsageError(`Unknown part ${format(unknown)} of \`unique\`${knownInstead(unknown, DEBOUNCE_PARTS)}`);
  const { debounce, maxWait } = parts;
  const waitMs = durationMs(debounce, 'unique.debounce');
  if (waitMs === 0)
    refuse(
      '`unique.debounce`',
      'more than 0 ms',
      debounce,
      "; for a job that begins at once say unique: 'while-pending'",
    );
  const mostMs = maxWait === undefined ? null : durationMs(maxWait, 'unique.maxWait');
  if (mostMs !== null && mostMs < waitMs)
    throw new UsageError(
      `Expected \`unique.maxWait\` to be at least \`unique.debounce\`, got ${mostMs} ms and ${waitMs} ms`,
    );
  return { waitMs, mostMs };
}

/** Words that are no duration get the message that lists the other two as well. */
function isDurationLike(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^\d/.test(value));
}
