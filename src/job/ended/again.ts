/**
 * A job that was sent back after its end runs again: its file goes back to where it waits, with the outcome that it had. Nothing else of it
 * changes, so any program can send a job back by a rename. What that means is told by the attempt in its name. Pure.
 */
import type { JobRecord } from '../job.ts';

/** The attempt that came to the outcome; of an outcome that no run came to, the one under which the job was held for it. */
export function endedAttempt({ attempts, kept }: JobRecord): number {
  // A file that says when it ended, and not under which attempt, has ended for good.
  const unknown = kept.endedAtMs === undefined ? 0 : Number.POSITIVE_INFINITY;
  return kept.attempt ?? (unknown || (attempts.at(-1)?.attempt ?? 0));
}

/**
 * True when the file holds the outcome of the attempt in its name, or one that no run came to: then it must be published and not be run
 * again. Somebody may have read it before a power cut lost the rename.
 */
export function hasOutcomeOf(record: JobRecord, attempt: number): boolean {
  return record.outcome !== null && !isOfEarlierJob(record) && endedAttempt(record) >= attempt;
}

/**
 * The record of a job that waits or runs. Of one that was sent back after its end that outcome is history: the attempts up to then count
 * neither as retries nor as crashes, and it does not expire, for whoever sent it back wants it to run. Any other is as it was.
 */
export function unended(record: JobRecord): JobRecord {
  const { outcome, kept, job } = record;
  if (outcome === null && kept.again === undefined) return record;
  if (isOfEarlierJob(record)) return { ...record, outcome: null, kept: {} };
  const again = outcome === null ? kept.again : endedAttempt(record);
  if (again === undefined || again === 0) return { ...record, outcome: null, kept: {} };
  const { expiresAtMs: _, ...options } = job.options;
  return { ...record, job: { ...job, options }, outcome: null, kept: { again } };
}

/** An end before the job was sent is what an earlier job has left in the file. */
function isOfEarlierJob({ kept, job }: JobRecord): boolean {
  return kept.endedAtMs !== undefined && kept.endedAtMs < job.enqueuedAtMs;
}
