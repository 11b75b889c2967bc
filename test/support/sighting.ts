/** Looks at jobs of which a test says only what matters to it. */
import type { Sighting } from '../../src/broker/broker.ts';
import type { JobRecord } from '../../src/job/job.ts';
import { type JobParts, jobRecord } from './factory.ts';

/** A job of task add that waits, unless `parts` say otherwise. @param of its file; null: it cannot be read */
export function sighting(
  parts: Partial<Omit<Sighting, 'record'>> = {},
  of: (JobParts & Partial<Omit<JobRecord, 'job'>>) | null = {},
): Sighting {
  const { attempts = [], outcome = null, parked = null, kept = {}, ...rest } = of ?? {};
  const job = jobRecord({ task: 'add', ...rest });
  return {
    id: job.id,
    state: outcome?.state ?? 'pending',
    standing: { queue: 'default', priority: 5, attempt: attempts.length, crashes: 0 },
    dueAtMs: null,
    owner: null,
    startedAtMs: null,
    endedAtMs: null,
    progress: null,
    location: 'somewhere',
    record: of === null ? null : { job, attempts, outcome, parked, kept },
    ...parts,
  };
}
