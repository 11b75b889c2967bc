/**
 * Jobs accepted in a new spool: 'one' waits for each delay(), 'parallel' has 500 (or `atOnce`) under way, 'bulk' is one delayMany().
 * The clock starts when some have been accepted in the same way.
 */
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { makeProject, print, producer, readOptions } from './project.mjs';

const { dir, jobs, mode, fsync = false, atOnce = 500, bytes = 0 } = readOptions();
const { app, noop, echo } = producer(makeProject(dir), { fsync });
const args = bytes > 0 ? ['x'.repeat(bytes)] : [];
const task = bytes > 0 ? echo : noop;
await enqueue(Math.min(WARM_UP_JOBS, jobs));

const startedAt = performance.now();
await enqueue(jobs);
print({ jobs, seconds: (performance.now() - startedAt) / 1_000 });
await app.close();

async function enqueue(count) {
  if (mode === 'bulk') await task.delayMany(Array.from({ length: count }, () => args));
  if (mode === 'one') for (let i = 0; i < count; i++) await task.delay(...args);
  if (mode !== 'parallel') return;
  for (let left = count; left > 0; left -= atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, left) }, () => task.delay(...args)));
}
