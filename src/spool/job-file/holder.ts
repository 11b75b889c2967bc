/**
 * A process that holds jobs: it takes a job by a rename into its directory of running/, and then has to settle it. A child holds a job
 * to run it, a recoverer to send it back, and a process that revokes to end it.
 */
import { FencedError } from '../../job/errors.ts';
import type { JobRecord } from '../../job/job.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { DiskWaiter } from '../disk/disk-wait.ts';
import { jobFileName, type JobName, nextAttempt } from '../layout.ts';
import { renameOverIfThere } from './set-aside.ts';

/** When it gives up waiting for a disk that refuses, what it has taken stays held, and recovery goes on with it. */
export interface Holder extends DiskWaiter {
  /** Its name among owners: only this owner may settle the jobs in `directory`. */
  readonly owner: string;
  /** Absolute path of the directory its jobs lie in. A recoverer renames it to fence the holder: it is gone then. */
  readonly directory: string;
  /** How much of what its runs print is kept of a job, bytes; absent or 0: nothing. */
  readonly logBytes?: number | undefined;
}

/** A waiting job: absolute path of its file, and what its name says. */
export interface Waiting {
  readonly path: string;
  readonly name: JobName;
}

/** A file in the holder's directory that has the name of a job. */
export interface HeldFile {
  readonly holder: Holder;
  readonly path: string;
  readonly name: JobName;
}

/** A waiting job that this process took and has begun nothing with. */
export interface Taken extends HeldFile {
  readonly takenFrom: Waiting;
}

/** A job that was looked at and can be settled. */
export interface Held extends HeldFile {
  readonly record: JobRecord;
  /** The tail was cut off by a death, and entries of the record may be lost with it. */
  readonly torn: boolean;
  /** Bytes of the base, behind which the tail goes. */
  readonly baseBytes: number;
  readonly sizeBytes: number;
  /** When the file had been changed last, as it was read: by the claim, if nothing was written behind the base since. */
  readonly changedAtMs: number;
}

/**
 * Takes the job at `from`, or returns null when another process was faster. To run it, under a `name` with the next attempt.
 *
 * The rename is the claim: of all that try, exactly one succeeds and the others see ENOENT (rename(2)). If we die right
 * after it, our socket refuses connections and recovery sends the job back with one more crash.
 *
 * @throws FencedError when our directory is gone; the system error unchanged when the disk refuses: then it was not taken
 */
export function takeFrom(
  context: SpoolContext,
  holder: Holder,
  from: Waiting,
  name: JobName = nextAttempt(from.name),
): Taken | null {
  const path = `${holder.directory}/${jobFileName(name)}`;
  if (renameOverIfThere(context, from.path, path)) return { holder, path, name, takenFrom: from };
  refuseFenced(context, holder);
  return null;
}

/** @throws FencedError when the holder's directory is gone: a recoverer took it for dead */
export function refuseFenced(context: SpoolContext, { directory, owner }: Holder): void {
  if (!context.files.exists(directory)) throw new FencedError(owner);
}
