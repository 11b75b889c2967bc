/** One job after another: delay(), then get(), with a worker that has nothing else to do. */
import { quantile } from '../figures.mjs';
import { makeProject, print, producer, readOptions, startWorker } from './project.mjs';

const { dir, jobs: trips, children, fsync = false } = readOptions();
const project = makeProject(dir);
const { app, noop } = producer(project, { fsync });
const worker = await startWorker(project, [], { children, fsync });
for (let i = 0; i < 100; i++) await (await noop.delay()).get(); // Caches, watches and compiled code.

const times = [];
for (let i = 0; i < trips; i++) {
  const startedAt = performance.now();
  await (await noop.delay()).get();
  times.push(performance.now() - startedAt);
}
print({ trips, medianMs: quantile(times, 0.5), p99Ms: quantile(times, 0.99) });
await worker.stop();
await app.close();
