/**
 * A producer and a worker at the same time. The worker has run some jobs and is idle; the clock runs from the first
 * delayMany() of 500 to the last outcome in results/.
 */
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { lastOutcomeMs, makeProject, now, outcomes, print, producer, readOptions, startWorker } from './project.mjs';

const { dir, jobs, children, fsync = false, chunk = 500 } = readOptions();
const project = makeProject(dir);
const { app, noop } = producer(project, { fsync });
const worker = await startWorker(project, [], { children, fsync });
await enqueue(WARM_UP_JOBS);
await outcomes(project, WARM_UP_JOBS);

const startedMs = now();
await enqueue(jobs);
const enqueuedMs = now();
await outcomes(project, WARM_UP_JOBS + jobs);
print({
  jobs,
  seconds: (lastOutcomeMs(project) - startedMs) / 1_000,
  enqueueRate: (jobs / (enqueuedMs - startedMs)) * 1_000,
});
await worker.stop();
await app.close();

async function enqueue(count) {
  for (let left = count; left > 0; left -= chunk)
    await noop.delayMany(Array.from({ length: Math.min(chunk, left) }, () => []));
}
