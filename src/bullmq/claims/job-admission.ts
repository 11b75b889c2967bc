/** What stands between a locked job and its run: limits, the jobs that it comes after, and what an earlier run has kept for it. */
import type { Job } from '../../job/job.ts';
import type { LimitRules } from '../../job/queue-limits.ts';
import type { JsonValue } from '../../job/values/json.ts';
import { checkpointFor } from '../beside/checkpoints.ts';
import { type Leave, limitsOf, takeRoom } from '../limits/job-limits.ts';
import type { Held } from './held-job.ts';
import type { Engine } from '../engine.ts';

export type Admission =
  /** `leave` is called when its run is over; null: nobody has to hear of that. */
  | {
      readonly kind: 'run';
      readonly job: Job;
      readonly checkpoint: JsonValue | undefined;
      readonly leave: Leave | null;
    }
  /** It waits again, or has ended. */
  | { readonly kind: 'dealt-with' };

/** @throws FencedError, the datastore's error: then it is held as before */
export async function admissionOf(engine: Engine, held: Held, rules: LimitRules | undefined): Promise<Admission> {
  const { job } = held.record;
  const checkpoint = await checkpointFor(engine, held);
  // Last: a start that is taken is not given back.
  const limits = limitsOf(held, rules);
  const room = limits === null ? { leave: null } : await takeRoom(engine, held, limits);
  if (room === null) return { kind: 'dealt-with' };
  return { kind: 'run', job, checkpoint, leave: room.leave };
}
