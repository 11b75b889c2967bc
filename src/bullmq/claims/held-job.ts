/** A job that this process holds under a lock of BullMQ, and what its next tail begins with. */
import type { JobRecord, Standing } from '../../job/job.ts';
import type { Counters } from '../jobs/job-data.ts';

export interface Held {
  readonly queue: string;
  readonly id: string;
  /** Of its lock. */
  readonly token: string;
  /** The process that holds it, by its name among owners. */
  readonly owner: string;
  readonly record: JobRecord;
  /** With this run counted. */
  readonly standing: Standing;
  /** The number of this claim among the job's. */
  readonly claims: number;
  /** How often its lock has run out so far. */
  readonly stalls: number;
  /** How often the datastore had been cut off when it was claimed. */
  readonly cuts: number;
  /** For how many retries BullMQ's own counter stands: what other programs show. */
  readonly attemptsAllowed: number;
}

/** When this run is over. */
export function countersAfter({ standing: { attempt, crashes }, stalls }: Held): Counters {
  return { attempt, crashes, stalls };
}
