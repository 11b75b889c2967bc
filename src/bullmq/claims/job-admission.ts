/** What stands between a locked job and its run: limits, the jobs that it comes after, and what an earlier run has kept for it. */
import { needsPredecessors } from '../../job/ended/predecessors.ts';
import type { Job } from '../../job/job.ts';
import { revoked } from '../../job/lifecycle.ts';
import type { LimitRules } from '../../job/queue-limits.ts';
import type { JsonValue } from '../../job/values/json.ts';
import { checkpointFor } from '../beside/checkpoints.ts';
import { lookAtPredecessors, waitForOthers } from '../after/verdict.ts';
import type { Engine } from '../engine.ts';
import { isRevoked } from '../jobs/revoking.ts';
import { type Leave, limitsOf, takeRoom } from '../limits/job-limits.ts';
import type { Held } from './held-job.ts';
import { endWithoutRun } from './taking.ts';

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
  const { record, standing } = held;
  const { expiresAtMs = Number.POSITIVE_INFINITY } = record.job.options;
  // One that is too late ends as such.
  const isAfter = needsPredecessors(record, standing.attempt) && expiresAtMs >= engine.nowMs();
  const job = isAfter ? await afterOthers(engine, held) : record.job;
  if (job === null) return { kind: 'dealt-with' };
  const checkpoint = await checkpointFor(engine, held);
  // Last: a start that is taken is not given back.
  const limits = limitsOf(held, rules);
  const room = limits === null ? { leave: null } : await takeRoom(engine, held, limits);
  if (room === null) return { kind: 'dealt-with' };
  return { kind: 'run', job, checkpoint, leave: room.leave };
}

/** The job with what it takes from others; null where it does not run for them: it waits, or has ended. */
async function afterOthers(engine: Engine, held: Held): Promise<Job | null> {
  const { id, record, standing } = held;
  const verdict = await lookAtPredecessors(engine, record.job);
  if (verdict !== 'waits' && 'job' in verdict) return verdict.job;
  if (verdict === 'waits') await waitForOthers(engine, held);
  else {
    const settlement = (await isRevoked(engine, id))
      ? revoked({ job: record.job, standing }, false)
      : verdict.settlement;
    await endWithoutRun(engine, held, { settlement, attempt: null });
  }
  return null;
}
