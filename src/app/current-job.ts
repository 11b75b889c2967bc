/** What a task may know of the job it runs for. */
import { UsageError } from '../job/errors.ts';
import { registry } from './registry.ts';

/** The job that is running in this asynchronous context. */
export interface CurrentJob {
  readonly id: string;
  readonly task: string;
  /** 1 in the first run. Pass it on with `id` where a side effect must not happen twice. */
  readonly attempt: number;
  readonly queue: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the run should end: its `softTimeLimit` has come, or its worker is stopped by force. Its `reason` is an error that says which. */
  readonly signal: AbortSignal;
  /** When the run is killed, Unix ms; null where it has no `timeLimit`. */
  readonly deadline: number | null;
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
