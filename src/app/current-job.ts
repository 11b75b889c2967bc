/** What a task may know of the job it runs for. */
import { type Duration, durationMs } from '../job/units.ts';
import { RetryError, UsageError } from '../job/errors.ts';
import { isRecord } from '../job/values/realm.ts';
import { format } from '../job/text.ts';
import { registry } from './registry.ts';

/** The job that is running in this asynchronous context. */
export interface CurrentJob {
  readonly id: string;
  readonly task: string;
  /** 1 in the first run. Pass it on with `id` where a side effect must not happen twice. */
  readonly attempt: number;
  readonly queue: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Aborted when the run should end: its job was revoked, its `softTimeLimit` has come, or its worker is stopped by force. Its
   * `reason` is an error that says which.
   */
  readonly signal: AbortSignal;
  /** When the run is killed, Unix ms; null where it has no `timeLimit`. */
  readonly deadline: number | null;
  /**
   * Ends this run and has the job run again; it counts as one of the job's retries. When none is left the job fails.
   *
   * @throws RetryError always: that is how the run ends
   */
  retry(options?: RetryOptions): never;
}

export interface RetryOptions {
  /** How long the job waits. Default: as its backoff says. */
  readonly countdown?: Duration;
  /** The error that made it necessary, for the job's record. */
  readonly cause?: unknown;
}

/** `currentJob().retry`. */
export function retry(options: RetryOptions = {}): never {
  if (!isRecord(options)) throw new UsageError(`Expected options of retry() to be an object, got ${format(options)}`);
  const { countdown, ...rest } = options;
  const unknown = Object.keys(rest).find((key) => key !== 'cause');
  if (unknown !== undefined)
    throw new UsageError(`Unknown option ${format(unknown)} of retry(); known are countdown, cause`);
  throw new RetryError(countdown === undefined ? null : durationMs(countdown, 'countdown'), rest);
}

/**
 * The job this code runs for, also deep inside what the task awaits. In `task.run()` it is a stand-in with a fresh id.
 *
 * @throws UsageError outside of any task
 */
export function currentJob(): CurrentJob {
  const job = registry().current.getStore();
  if (job === undefined)
    throw new UsageError('currentJob() was called outside of a task: it tells of the job that is running');
  return job;
}
