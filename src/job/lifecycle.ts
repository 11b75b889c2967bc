/** How one attempt ended, turned into what to do with the job: the only place that decides it. Brokers are told. */
import { crashBackoffMs, parkBackoffMs } from './backoff.ts';
import { type Failure, WorkerLostError } from './errors.ts';
import { failureOf } from './failure.ts';
import type { Job, Outcome, Parked, Standing } from './job.ts';
import type { JsonValue } from './json.ts';
import { hardLimitError } from './time-limits.ts';

/** How one attempt ended. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: JsonValue | undefined }
  | { readonly kind: 'threw'; readonly error: Failure }
  /** No task of that name is registered here; nothing was run. `suggestion` is the nearest name that is. */
  | { readonly kind: 'unknown-task'; readonly suggestion: string | null }
  /** The worker was told to stop at once and ended the run itself. */
  | { readonly kind: 'stopped' }
  /** The process that ran it died. */
  | { readonly kind: 'crashed' }
  /** It ran longer than its time limit, and its process was killed for that. */
  | { readonly kind: 'timed-out'; readonly limitMs: number };

/** What becomes of the job. */
export type Settlement =
  /** It has ended. */
  | { readonly kind: 'publish'; readonly outcome: Outcome }
  /** It runs again after `delayMs`; `error` says why, for the record of its attempts. */
  | { readonly kind: 'rerun'; readonly delayMs: number; readonly crashes: number; readonly error: Failure }
  /** It waits `delayMs` for a worker that knows its task; the attempt does not count. */
  | { readonly kind: 'park'; readonly delayMs: number; readonly parked: Parked }
  /** It is ready again at once; the attempt counts. */
  | { readonly kind: 'requeue' };

/** How often a job that killed its process is started again before it is given up. */
export const MAX_CRASHES = 3;

/** Decides what becomes of a job whose attempt ended. `standing` is that of the attempt. */
export function settlementOf(ending: Ending, job: Job, standing: Standing, nowMs: number): Settlement {
  switch (ending.kind) {
    case 'returned':
      return { kind: 'publish', outcome: { state: 'succeeded', value: ending.value } };
    case 'threw':
      return { kind: 'publish', outcome: { state: 'failed', error: ending.error } };
    case 'unknown-task': {
      const hint = ending.suggestion === null ? '' : `; did you mean ${ending.suggestion}?`;
      const reason = `no worker here knows task ${job.task}${hint}`;
      return { kind: 'park', delayMs: parkBackoffMs(nowMs - job.enqueuedAtMs), parked: { reason, sinceMs: nowMs } };
    }
    case 'stopped':
      return { kind: 'requeue' };
    case 'crashed':
      return afterCrash(job, standing);
    case 'timed-out': {
      const error = failureOf(hardLimitError(job.id, job.task, ending.limitMs));
      return { kind: 'publish', outcome: { state: 'failed', error } };
    }
  }
}

function afterCrash(job: Job, standing: Standing): Settlement {
  const crashes = standing.crashes + 1;
  if (crashes > MAX_CRASHES) {
    const message = `Job ${job.id} (${job.task}) lost its process ${crashes} times; it is not started again.`;
    return { kind: 'publish', outcome: { state: 'failed', error: failureOf(new WorkerLostError(message)) } };
  }
  const error = failureOf(new WorkerLostError(`The process that ran attempt ${standing.attempt} died.`));
  return { kind: 'rerun', delayMs: crashBackoffMs(crashes), crashes, error };
}
