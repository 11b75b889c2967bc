/** A job that is to be accepted, and the job that stands for it then. */
import type { Job } from '../job/job.ts';

/** A job to be accepted. */
export interface NewJob {
  readonly job: Job;
  readonly queue: string;
  readonly priority: number;
}

/** Which job stands for one that was to be accepted. */
export interface StandIn {
  readonly id: string;
  /** True when it was there before: the other was not accepted. */
  readonly isDuplicate: boolean;
}
