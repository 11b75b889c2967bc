/** Removing a second file of a job: only when its base is byte for byte that of the file which stays. */
import type { SpoolContext } from '../context.ts';
import { hasCode } from '../files.ts';
import { jobFileName } from '../layout.ts';
import { readJob } from '../read.ts';
import type { JobFile } from './visit.ts';

/**
 * Removes `drop` if `keep` is still there and the same job; otherwise everything stays as it is. False then.
 *
 * It is taken into `directory`, which is ours, before it is compared: nobody can start it meanwhile. If we die in between, it
 * is recovered from there and is a duplicate again.
 */
export function dropDuplicate(context: SpoolContext, directory: string, keep: JobFile, drop: JobFile): boolean {
  const { files } = context;
  if (drop.name === null) return false;
  const taken = `${directory}/${jobFileName({ ...drop.name, attempt: drop.name.attempt + 1 })}`;
  try {
    files.rename(drop.location, taken);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false; // A worker has taken it.
    throw error;
  }
  const [kept, dropped] = [keep.location, taken].map((path) => baseOf(context, path, drop.id));
  if (kept === null || dropped === null || kept === undefined || dropped === undefined || !kept.equals(dropped)) {
    files.rename(taken, drop.location);
    return false;
  }
  files.unlink(taken);
  return true;
}

/** The bytes that the producer wrote; null when it is not there, or no job. */
function baseOf(context: SpoolContext, path: string, id: string): Buffer | null {
  const reading = readJob(context, path, id);
  if (reading.kind !== 'job') return null;
  const fd = context.files.open(path, 'read');
  try {
    return context.files.read(fd, reading.baseBytes);
  } finally {
    context.files.close(fd);
  }
}
