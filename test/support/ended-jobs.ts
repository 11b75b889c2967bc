/** Jobs with an outcome, brought about in this process: no worker has to start for it. */
import { openSpool } from '../../src/spool/spool.ts';
import { type JobParts, job } from './factory.ts';
import type { Settlement } from '../../src/job/lifecycle.ts';
import { nextWithin } from './next-claim.ts';

/** Enqueues a job, claims it and settles it so; resolves with its id. Nothing else may be ready in the spool. */
export async function settledJob(spool: string, parts: JobParts, settlement: Settlement): Promise<string> {
  const broker = openSpool({ path: spool, fsync: false });
  const wanted = job(parts);
  await broker.enqueue([wanted]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  try {
    const claim = await nextWithin(consumer, 10_000);
    if (claim?.job.id !== wanted.job.id) throw new Error(`Expected to claim ${wanted.job.id}, got ${claim?.job.id}`);
    const nowMs = Date.now();
    const error =
      settlement.kind === 'publish' && settlement.outcome.state !== 'succeeded'
        ? { error: settlement.outcome.error }
        : {};
    await claim.settle(settlement, { startedAtMs: nowMs, endedAtMs: nowMs, ...error });
  } finally {
    await consumer.close();
    await broker.close();
  }
  return wanted.job.id;
}

/** Enqueues jobs and leaves them there. */
export async function pendingJobs(spool: string, ...parts: readonly JobParts[]): Promise<readonly string[]> {
  const broker = openSpool({ path: spool, fsync: false });
  const jobs = parts.map(job);
  await broker.enqueue(jobs);
  await broker.close();
  return jobs.map(({ job: { id } }) => id);
}
