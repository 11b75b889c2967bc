/** Why ended jobs are not sent back: what a broker answers of each. Pure. */
import { type FsqError, NotRetriedError, SpoolError } from '../errors.ts';
import type { Job } from '../job.ts';

/** How a job is there that has not ended. */
export type Unfinished = 'runs' | 'waits to run' | 'waits, delayed';

type Named = Pick<Job, 'id' | 'task'>;

export function hasSucceeded({ id, task }: Named): FsqError {
  const text = `Job ${id} (${task}) has succeeded and is not run again. To run it with new arguments: \`fsq retry ${id} --args JSON\`.`;
  return new NotRetriedError('FSQ_SUCCEEDED', id, text);
}

export function hasNotEnded(id: string, how: Unfinished): FsqError {
  return new NotRetriedError('FSQ_NOT_ENDED', id, `Job ${id} has not ended: it ${how}. Nothing was changed.`);
}

/** @param otherId the job that has the key now */
export function hasLostItsKey({ id, task }: Named, key: string, otherId: string): FsqError {
  const text = `Job ${id} (${task}) was not sent back: job ${otherId} has its key ${JSON.stringify(key)} now, and has not ended.`;
  return new NotRetriedError('FSQ_KEY_TAKEN', id, text, otherId);
}

export function isUnreadable(id: string): FsqError {
  const text = `Job ${id} cannot be sent back: its own file could not be read. \`fsq show ${id}\` says why and where it is.`;
  return new SpoolError('FSQ_CORRUPT_JOB', text);
}
