/** Accepting jobs: each becomes a job of BullMQ under its own id, so that to send it twice changes nothing. */
import type { JobJson } from 'bullmq';
import type { NewJob } from '../../broker/broker.ts';
import { place, standInLines } from '../after/lines.ts';
import type { Engine } from '../engine.ts';
import { dataOf } from './job-data.ts';
import { AFTER_OTHERS_MS, afterOthersMs } from './raw-sighting.ts';

/** All in as many steps as there are queues. @throws the datastore's error */
export async function enqueue(engine: Engine, jobs: readonly NewJob[]): Promise<void> {
  const byQueue = new Map<string, NewJob[]>();
  for (const one of jobs) {
    const those = byQueue.get(one.queue);
    if (those === undefined) byQueue.set(one.queue, [one]);
    else those.push(one);
  }
  await engine.queues.tell(byQueue.keys());
  const waiting = await standInLines(engine, jobs);
  const nowMs = engine.nowMs();
  await Promise.all(
    [...byQueue].map(([queue, those]) =>
      engine
        .backend(queue)
        .addJobs(those.map((one) => ({ job: jobJson(one, nowMs, waiting.has(one.job.id)), jobId: one.job.id }))),
    ),
  );
  if (waiting.size > 0) await place(engine, [...waiting.values()]);
}

/** As BullMQ keeps it. @param nowMs Unix ms @param waits it is to wait for others */
export function jobJson(sent: NewJob, nowMs: number, waits = false): JobJson {
  const { job, priority } = sent;
  const { id, task, enqueuedAtMs, options } = job;
  const delay = waits ? Math.max(0, afterOthersMs(options) - enqueuedAtMs) : delayOf(sent, nowMs);
  return {
    id,
    name: task,
    data: dataOf(sent),
    // For programs that take it without fsq: they retry it as often.
    opts: { jobId: id, attempts: (options.retries ?? 0) + 1, delay, priority },
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    timestamp: enqueuedAtMs,
    delay,
    priority,
    failedReason: '',
    returnvalue: '',
    stalledCounter: 0,
  };
}

function delayOf({ job: { options, enqueuedAtMs } }: NewJob, nowMs: number): number {
  const { etaMs = 0 } = options;
  // BullMQ counts it from the time of sending that the job says.
  return etaMs > nowMs ? Math.max(1, Math.min(etaMs, AFTER_OTHERS_MS - 1) - enqueuedAtMs) : 0;
}
