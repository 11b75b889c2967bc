/** What tasks and calls ask of their jobs, checked and turned into what a job's file keeps. */
import { type Backoff, DEFAULT_BACKOFF, isRetries, type JobOptions, MAX_RETRIES } from '../job/job-options.ts';
import { type Duration, durationMs } from '../job/units.ts';
import { UsageError } from '../job/errors.ts';
import { format, suggest } from '../job/text.ts';
import { isDate, isRecord } from '../job/values/realm.ts';

/** How long a job waits before each retry. */
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
}

/** When a call wants its job run. */
export interface StartOptions {
  readonly countdown?: Duration;
  readonly eta?: Date | number;
}

export const LIFE_OPTIONS = ['retries', 'backoff', 'expires', 'onCrash', 'timeLimit', 'softTimeLimit'] as const;

const ALL = [...LIFE_OPTIONS, 'countdown', 'eta'] as const;
const NONE: JobOptions = {};
/** A number of milliseconds over thirty years is a point in time, not a duration. */
const UNIX_TIME_FROM_MS = 1e12;

/**
 * What the job's file keeps of `options`.
 *
 * @throws UsageError
 */
export function toJobOptions(options: LifeOptions & StartOptions): JobOptions {
  if (ALL.every((key) => options[key] === undefined)) return NONE; // Nearly every call.
  const { retries, backoff, expires, onCrash, timeLimit, softTimeLimit, countdown, eta } = options;
  const nowMs = Date.now();
  const found: JobOptions = {
    ...part('etaMs', etaOf(countdown, eta, nowMs)),
    ...part('expiresAtMs', expiresAtOf(expires, nowMs)),
    ...part('retries', retries === undefined ? undefined : checkRetries(retries)),
    ...part('backoff', backoff === undefined ? undefined : toBackoff(backoff)),
    ...part('onCrash', onCrash === undefined ? undefined : checkOnCrash(onCrash)),
    ...part('timeLimitMs', timeLimit === undefined ? undefined : limitMs(timeLimit, 'timeLimit')),
    ...part('softTimeLimitMs', softTimeLimit === undefined ? undefined : limitMs(softTimeLimit, 'softTimeLimit')),
  };
  checkTogether(found);
  return found;
}

/** What holds for a job: its own options, and those of its task's registration for what they leave out. */
export function withDefaults(options: JobOptions, defaults: JobOptions = NONE): JobOptions {
  return defaults === NONE ? options : { ...defaults, ...options };
}

function part<K extends keyof JobOptions>(key: K, value: JobOptions[K] | undefined): Pick<JobOptions, K> | object {
  return value === undefined ? {} : { [key]: value };
}

function checkTogether({ etaMs, expiresAtMs, timeLimitMs, softTimeLimitMs }: JobOptions): void {
  if (etaMs !== undefined && expiresAtMs !== undefined && expiresAtMs <= etaMs) {
    throw new UsageError(
      `Expected \`expires\` to lie after the time at which the job may start, got ${shown(expiresAtMs)} and ${shown(etaMs)}: it could never run`,
    );
  }
  if (timeLimitMs !== undefined && softTimeLimitMs !== undefined && softTimeLimitMs >= timeLimitMs) {
    throw new UsageError(
      `Expected \`softTimeLimit\` to be shorter than \`timeLimit\`, got ${softTimeLimitMs} ms and ${timeLimitMs} ms: the job would be killed before it is asked to end`,
    );
  }
}

function shown(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

function etaOf(countdown: unknown, eta: unknown, nowMs: number): number | undefined {
  if (countdown !== undefined && eta !== undefined) throw new UsageError('Expected `countdown` or `eta`, got both');
  if (countdown !== undefined) return nowMs + durationMs(countdown, 'countdown');
  if (eta === undefined) return undefined;
  const ms = isDate(eta) ? eta.getTime() : eta;
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms;
  throw new UsageError(`Expected \`eta\` to be a valid Date or Unix time in ms, got ${format(eta)}`);
}

function expiresAtOf(expires: unknown, nowMs: number): number | undefined {
  if (expires === undefined) return undefined;
  if (isDate(expires)) {
    const atMs = expires.getTime();
    if (Number.isFinite(atMs)) return atMs;
    throw new UsageError('Expected `expires` to be a valid Date or a duration, got an invalid Date');
  }
  const ms = limitMs(expires, 'expires');
  if (ms < UNIX_TIME_FROM_MS) return nowMs + ms;
  throw new UsageError(
    `Expected \`expires\` to be a duration or a Date, got ${format(expires)}: for a Unix time pass new Date(${format(expires)})`,
  );
}

function checkRetries(retries: unknown): number {
  if (isRetries(retries)) return retries;
  throw new UsageError(`Expected \`retries\` to be a whole number from 0 to ${MAX_RETRIES}, got ${format(retries)}`);
}

function checkOnCrash(onCrash: unknown): 'rerun' | 'fail' {
  if (onCrash === 'rerun' || onCrash === 'fail') return onCrash;
  throw new UsageError(`Expected \`onCrash\` to be 'rerun' or 'fail', got ${format(onCrash)}`);
}

/** Of a time after which something ends: nothing could be done in no time. */
function limitMs(limit: unknown, name: string): number {
  const ms = durationMs(limit, name);
  if (ms > 0) return ms;
  throw new UsageError(`Expected \`${name}\` to be more than 0 ms, got ${format(limit)}; leave it out for none`);
}

const BACKOFF_PARTS = ['initial', 'factor', 'max', 'jitter'];

function toBackoff(backoff: unknown): Backoff {
  const parts = isRecord(backoff) && !isDate(backoff) ? backoff : { initial: backoff };
  const unknown = Object.keys(parts).find((key) => !BACKOFF_PARTS.includes(key));
  if (unknown !== undefined) {
    const near = suggest(unknown, BACKOFF_PARTS);
    throw new UsageError(
      `Unknown part ${format(unknown)} of \`backoff\`${near === null ? `; known are ${BACKOFF_PARTS.join(', ')}` : `; did you mean ${near}?`}`,
    );
  }
  const { initial, factor = DEFAULT_BACKOFF.factor, max, jitter = DEFAULT_BACKOFF.jitter } = parts;
  const name = isRecord(backoff) ? 'backoff.initial' : 'backoff';
  const initialMs = initial === undefined ? DEFAULT_BACKOFF.initialMs : durationMs(initial, name);
  const maxMs = max === undefined ? Math.max(initialMs, DEFAULT_BACKOFF.maxMs) : durationMs(max, 'backoff.max');
  if (typeof factor !== 'number' || !(factor >= 1 && factor <= MAX_FACTOR)) {
    throw new UsageError(
      `Expected \`backoff.factor\` to be a number from 1 to ${MAX_FACTOR}, so that no wait is shorter than the one before it, got ${format(factor)}`,
    );
  }
  if (maxMs < initialMs) {
    throw new UsageError(
      `Expected \`backoff.max\` to be at least \`backoff.initial\`, got ${maxMs} ms and ${initialMs} ms`,
    );
  }
  if (typeof jitter !== 'boolean')
    throw new UsageError(`Expected \`backoff.jitter\` to be true or false, got ${format(jitter)}`);
  return { initialMs, factor, maxMs, jitter };
}

/** A larger factor reaches any `max` with the second retry. */
const MAX_FACTOR = 1_000;
