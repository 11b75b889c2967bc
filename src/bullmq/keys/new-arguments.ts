/**
 * Giving a job that has not begun the arguments of a later call, and the time at which that call lets it begin: one step of the datastore, also
 * where the call names another queue. A claim comes before it or after it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NewJob } from '../../broker/new-job.ts';
import { renewed } from '../../broker/unique/debounced-calls.ts';
import { CorruptJobError } from '../../job/document.ts';
import type { Debounce } from '../../job/job-options.ts';
import type { Job } from '../../job/job.ts';
import type { Engine } from '../engine.ts';
import { recordOf } from '../jobs/job-data.ts';
import { isRevoked } from '../jobs/revoking.ts';
import { jobJson } from '../jobs/send-jobs.ts';
import type { RawJob } from '../store.ts';

/** How long a claim may take that a limit does not let run, ms; a job that lies longer with a process has begun. */
const PATIENCE_MS = 10;

/** How often what was just seen may have changed. */
const TRIES = 50;

/** @returns false when it has begun, or ended, or cannot be read: then it is as it was */
export async function giveArguments(engine: Engine, id: string, call: NewJob, debounce: Debounce): Promise<boolean> {
  let wasActive = false;
  for (let tries = 0; tries < TRIES; tries++) {
    const [raw = null] = await engine.queues.look([id]);
    if (raw === null || hasBegun(raw)) return false;
    if (raw.state === 'active') {
      if (wasActive) return false;
      wasActive = true;
      await wait(PATIENCE_MS);
      continue;
    }
    if (await isRevoked(engine, id)) return false;
    const nowMs = engine.nowMs();
    const job = readable(raw);
    if (job === null) return false;
    const changed = { ...call, job: renewed(job, call.job, debounce, nowMs) };
    const { etaMs = 0 } = changed.job.options;
    const dueAtMs = etaMs > nowMs ? etaMs : null;
    await engine.queues.tell([call.queue]);
    if (await engine.store.renew(raw, call.queue, jobJson(changed, nowMs), dueAtMs)) return true;
  }
  return false;
}

/** Null for one whose data is no job: it ends as such when it is claimed. */
function readable(raw: RawJob): Job | null {
  try {
    return recordOf(raw).job;
  } catch (error) {
    if (error instanceof CorruptJobError) return null;
    throw error;
  }
}

/** A worker has written of it, or has died over it. What a limit has put back has not begun. */
function hasBegun({ state, tail, stalls }: RawJob): boolean {
  return state === 'completed' || state === 'failed' || tail !== null || stalls > 0;
}
