/** A job that is to be accepted, the chance that its id is made of, and the job that stands for it then. */
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

/** Random bytes from a pool: one call of the kernel serves five hundred ids. */
export function pooledRandom(): (n: number) => Uint8Array {
  // Loaded when a broker is opened: to import the library must not cost it.
  const { randomFillSync } = process.getBuiltinModule('node:crypto');
  const pool = new Uint8Array(4096);
  let used = pool.length;
  return (n) => {
    if (used + n > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    return pool.subarray(used, (used += n));
  };
}
