/** Decides from how an attempt ended what to do with its job. Only this file decides it; brokers carry it out. */
import { EXEC_TASK } from './names.ts';
import { ExpiredError, type Failure, RevokedError, TimeLimitError, WorkerLostError } from './errors.ts';
import { failureOf } from './failure.ts';
import type { Attempt, Job, Outcome, Parked, Standing } from './job.ts';
import { type Backoff, DEFAULT_BACKOFF } from './job-options.ts';
import { isLasting, isValueKept, ownTtlMs } from './ended/result-ttl.ts';
import { timeShown } from './text.ts';
import type { JsonValue } from './values/json.ts';

/** How one attempt ended. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: JsonValue | undefined }
  /** `isFinal`: trying again is of no use. */
  | { readonly kind: 'threw'; readonly error: Failure; readonly isFinal?: boolean }
  /** The task asked for another run; `delayMs` null: as its backoff says. */
  | { readonly kind: 'retry-asked'; readonly error: Failure; readonly delayMs: number | null }
  /** It was too late to begin; nothing was run. */
  | { readonly kind: 'expired' }
  /** No task of that name is registered here; nothing was run. `suggestion` is the nearest name that is. */
  | { readonly kind: 'unknown-task'; readonly suggestion: string | null }
  /** The worker was told to stop at once and ended the run itself. */
  | { readonly kind: 'stopped' }
  /** Its process ran other jobs beside it, and was killed, or died, because of one of them. */
  | { readonly kind: 'interrupted' }
  /** The process that ran it died. */
  | { readonly kind: 'crashed' }
  /** It ran longer than its time limit, and its process was killed for that. */
  | { readonly kind: 'timed-out'; readonly limitMs: number }
  /** Somebody revoked it: while it waited, or while it ran and whatever the run came to. */
  | { readonly kind: 'revoked'; readonly hadBegun: boolean };

/** What becomes of the job. */
export type Settlement =
  /**
   * It has ended. `ttlMs`: how long the outcome is kept; absent: as the settings of workers say. `crashes`: with the one that ended it;
   * absent: as before.
   */
  | { readonly kind: 'publish'; readonly outcome: Outcome; readonly ttlMs?: number; readonly crashes?: number }
  /** It runs again after `delayMs`; `error` says why, for the record of its attempts. `uncounted`: it has lost neither a retry nor a crash. */
  | {
      readonly kind: 'rerun';
      readonly delayMs: number;
      readonly crashes: number;
      readonly error: Failure;
      readonly uncounted?: true;
    }
  /** It waits `delayMs` for a worker that knows its task; the attempt does not count. */
  | { readonly kind: 'park'; readonly delayMs: number; readonly parked: Parked }
  /** It is ready again at once; the attempt counts. */
  | { readonly kind: 'requeue' };

/** How often a job that killed its process is started again before it is given up. */
export const MAX_CRASHES = 3;

/**
 * True of a job that has lost its process more than once: it may be what kills them. Of the jobs that a process ran when it died nobody
 * knows which one it was, so each counts a crash; from the second on each runs alone, and only the guilty one goes on to lose processes.
 */
export function isSuspect({ crashes }: Pick<Standing, 'crashes'>): boolean {
  return crashes > 1;
}

/** A job whose attempt ended, and its attempts before that one. */
export interface AttemptedJob {
  /** With its task's options for those that its file leaves out. */
  readonly job: Job;
  readonly standing: Standing;
  readonly attempts: readonly Attempt[];
  /** Of a job that was sent back after its end: the attempts up to this one count no more. Absent: it was not. */
  readonly again?: number;
}

/**
 * Decides what becomes of a job whose attempt ended.
 *
 * @param random from 0 to 1, for the backoff
 */
export function settlementOf(ending: Ending, run: AttemptedJob, nowMs: number, random: number): Settlement {
  return lasting(decide(ending, run, nowMs, random), run.job);
}

function decide(ending: Ending, run: AttemptedJob, nowMs: number, random: number): Settlement {
  const { job } = run;
  switch (ending.kind) {
    case 'returned':
      return {
        kind: 'publish',
        outcome: { state: 'succeeded', value: isValueKept(job.options) ? ending.value : undefined },
      };
    case 'threw':
      return (ending.isFinal === true ? null : retry(run, ending.error, null, nowMs, random)) ?? failed(ending.error);
    case 'retry-asked':
      return retry(run, ending.error, ending.delayMs, nowMs, random) ?? failed(inVain(ending.error, run));
    case 'expired':
      return { kind: 'publish', outcome: { state: 'expired', error: expiry(job) } };
    case 'unknown-task': {
      const near = ending.suggestion === null ? '' : `; did you mean ${ending.suggestion}?`;
      const hint = job.task === EXEC_TASK ? '; one that was started with --allow-exec does' : near;
      const reason = `no worker here knows task ${job.task}${hint}`;
      return { kind: 'park', delayMs: parkBackoffMs(nowMs - job.enqueuedAtMs), parked: { reason, sinceMs: nowMs } };
    }
    case 'stopped':
      return job.options.onCrash === 'fail' ? lostForGood(run, 'was stopped by force') : { kind: 'requeue' };
    case 'interrupted':
      return job.options.onCrash === 'fail' ? lostForGood(run, 'ended because of another job') : besides(run);
    case 'crashed':
      if (job.options.onCrash === 'fail') return died(run);
      return afterCrash(run);
    case 'timed-out': {
      const error = failureOf(hardLimitError(job.id, job.task, ending.limitMs));
      return retry(run, error, null, nowMs, random) ?? failed(error);
    }
    case 'revoked':
      return revoked(run, ending.hadBegun);
  }
}

/** What becomes of a job that is revoked. */
export function revoked({ job, standing }: Pick<AttemptedJob, 'job' | 'standing'>, hadBegun: boolean): Settlement {
  const when = hadBegun ? `while attempt ${standing.attempt} ran` : 'before it ran';
  const error = new RevokedError(`Job ${job.id} (${job.task}) was revoked ${when}.`);
  return lasting({ kind: 'publish', outcome: { state: 'revoked', error: failureOf(error) } }, job);
}

/** The same, with the time that the job says its outcome is kept: nearly none says any. */
export function lasting(settlement: Settlement, { options }: Job): Settlement {
  if (settlement.kind !== 'publish' || !isLasting(options)) return settlement;
  const ttlMs = ownTtlMs(options, settlement.outcome.state);
  return ttlMs === undefined ? settlement : { ...settlement, ttlMs };
}

/** How many of a job's runs before this one were followed by a retry. */
export function retriesUsed({ standing: { attempt, crashes }, attempts, again = 0 }: AttemptedJob): number {
  // Each left an entry, and a run that was stopped by force left none. But a process that dies while it writes tears the
  // entries off: once one has died, the counters in the name are held to, which take a stopped run for a retry.
  const before = attempts.filter((run) => run.attempt < attempt && run.attempt > again);
  const uncounted = before.filter((run) => run.uncounted === true).length;
  return crashes === 0 ? before.length - uncounted : Math.max(0, attempt - 1 - again - crashes - uncounted);
}

/** Null when no retry is left, or when it would come too late. */
function retry(
  run: AttemptedJob,
  error: Failure,
  askedMs: number | null,
  nowMs: number,
  random: number,
): Settlement | null {
  const { retries = 0, backoff = DEFAULT_BACKOFF, expiresAtMs = Number.POSITIVE_INFINITY } = run.job.options;
  const used = retriesUsed(run);
  if (used >= retries) return null;
  const delayMs = askedMs ?? retryBackoffMs(backoff, used + 1, random);
  if (nowMs + delayMs > expiresAtMs) return null;
  return { kind: 'rerun', delayMs, crashes: run.standing.crashes, error };
}

function failed(error: Failure): Extract<Settlement, { kind: 'publish' }> {
  return { kind: 'publish', outcome: { state: 'failed', error } };
}

function inVain(error: Failure, run: AttemptedJob): Failure {
  const { retries = 0 } = run.job.options;
  const why =
    retries === 0
      ? 'its task allows none: set `retries`'
      : retriesUsed(run) < retries
        ? 'it would expire before that'
        : `its retries (${retries}) are used up`;
  return { ...error, message: `${error.message}, but ${why}` };
}

function expiry({ id, task, options: { expiresAtMs = 0 } }: Job): Failure {
  return failureOf(
    new ExpiredError(`Job ${id} (${task}) could not be started before it expired, at ${timeShown(expiresAtMs)}.`),
  );
}

function lostForGood({ job, standing }: AttemptedJob, what: string): ReturnType<typeof failed> {
  const message = `The process that ran attempt ${standing.attempt} of job ${job.id} (${job.task}) ${what}; the job is not started again, as its onCrash is 'fail'.`;
  return failed(failureOf(new WorkerLostError(message)));
}

/** The entry in its record says that this attempt does not count. */
function besides({ standing: { attempt, crashes } }: AttemptedJob): Settlement {
  const message = `The process that ran attempt ${attempt} was ended because of another job that it ran; the attempt does not count.`;
  return { kind: 'rerun', delayMs: 0, crashes, error: failureOf(new WorkerLostError(message)), uncounted: true };
}

function died(run: AttemptedJob): Settlement {
  return { ...lostForGood(run, 'died'), crashes: run.standing.crashes + 1 };
}

function afterCrash({ job, standing }: AttemptedJob): Settlement {
  const crashes = standing.crashes + 1;
  if (crashes > MAX_CRASHES) {
    const message = `Job ${job.id} (${job.task}) lost its process ${crashes} times; it is not started again.`;
    return { ...failed(failureOf(new WorkerLostError(message))), crashes };
  }
  const error = failureOf(new WorkerLostError(`The process that ran attempt ${standing.attempt} died.`));
  return { kind: 'rerun', delayMs: crashBackoffMs(crashes), crashes, error };
}

/** Why a run's process was killed. */
function hardLimitError(id: string, task: string, limitMs: number): TimeLimitError {
  return new TimeLimitError(
    `Job ${id} (${task}) ran longer than its timeLimit of ${shown(limitMs)}; its process and all it had started were killed.`,
  );
}

/** Why a run's signal was aborted. */
export function softLimitError(id: string, task: string, limitMs: number): TimeLimitError {
  return new TimeLimitError(`Job ${id} (${task}) has run for its softTimeLimit of ${shown(limitMs)}: it should end.`);
}

function shown(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}

/**
 * How long a job waits before a retry, ms.
 *
 * @param retry 1 for the first
 * @param random from 0 to 1; with jitter, the part of the whole wait (Brooker, "Exponential Backoff And Jitter", AWS 2015:
 * of the ways to add chance, full jitter spreads jobs that failed together best)
 */
function retryBackoffMs({ initialMs, factor, maxMs, jitter }: Backoff, retry: number, random: number): number {
  const wholeMs = Math.min(maxMs, initialMs * factor ** (retry - 1));
  return Math.round(jitter ? random * wholeMs : wholeMs);
}

/** Longest time a parked job waits before a worker looks at it again, ms. */
const PARK_MAX_MS = 60_000;
const PARK_MIN_MS = 1_000;

/**
 * How long a job whose process died waits, ms. The first time not at all: most crashes are a deploy or an
 * out-of-memory kill that hit a harmless job. Then 0.5 s and 2 s, so that a poison job cannot take the worker with it.
 *
 * @param crashes deaths so far, 1 or more
 */
export function crashBackoffMs(crashes: number): number {
  return crashes <= 1 ? 0 : 500 * 4 ** Math.min(crashes - 2, 6);
}

/**
 * How long a job with an unknown task waits, ms: as long as it has waited already, from 1 s to 1 min. Doubling thus needs
 * no counter on disk.
 */
export function parkBackoffMs(ageMs: number): number {
  return Math.min(PARK_MAX_MS, Math.max(PARK_MIN_MS, ageMs));
}
