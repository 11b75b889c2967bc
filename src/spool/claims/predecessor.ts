/** The job after which another is to run: a claim looks at it before the first run, and at no other time. */
import { CorruptJobError } from '../../job/document.ts';
import { failureOf } from '../../job/failure.ts';
import type { Outcome } from '../../job/job.ts';
import { withoutPredecessor, type Settlement } from '../../job/lifecycle.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Held } from '../job-file/holder.ts';
import { readJob } from '../job-file/read.ts';
import { endedSpot, locate } from '../locate.ts';

/** True of a job that is to run after another and was never begun since it was sent, or sent back. */
export function needsPredecessor({ name, record }: Held): boolean {
  const { job, attempts, kept } = record;
  return job.options.after !== undefined && attempts.length === 0 && name.attempt - 1 === (kept.again ?? 0);
}

/** Null: it may run; 'waits': the other has not ended; else what becomes of this one. */
export async function lookAtPredecessor(
  context: SpoolContext,
  { record: { job } }: Held,
): Promise<Settlement | 'waits' | null> {
  const { after = '' } = job.options;
  if (after === job.id) return withoutPredecessor(job, null);
  for (;;) {
    const reading = readJob(context, endedSpot(context.layout, after).path, after);
    if (reading.kind !== 'gone') {
      const outcome = reading.kind === 'job' ? reading.document.record.outcome : null;
      if (outcome?.state === 'succeeded') return null;
      return withoutPredecessor(
        job,
        outcome ?? unreadable(reading.kind === 'job' ? 'it has no outcome' : reading.reason),
      );
    }
    const spot = (await locate(context, new Set([after]))).get(after);
    if (spot === undefined) return withoutPredecessor(job, null);
    if (spot.at !== 'results') return 'waits'; // Else it has ended just now.
  }
}

/** What lies in results/ and is no outcome does not become one: to wait for that would take for ever. */
function unreadable(reason: string): Outcome {
  const error = failureOf(new CorruptJobError(`The outcome cannot be read: ${reason}.`));
  return { state: 'failed', error };
}
