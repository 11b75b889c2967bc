/**
 * Jobs that wait already and each wait `waitMs` for something else, run by a worker of `children` with `slots` in each. It has run some to
 * warm up. The clock runs from the moment in which their queue is resumed to the last outcome in results/.
 */
import { execFileSync } from 'node:child_process';
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { BIN, lastOutcomeMs, makeProject, outcomes, print, producer, readOptions, startWorker } from './project.mjs';

const { dir, jobs, children, slots, waitMs, fsync = false, isSynced = true } = readOptions();
const project = makeProject(dir);
const { app, noop, sleep } = producer(project, { fsync: false });
const worker = await startWorker(project, ['--slots', String(slots)], { children, fsync });
await noop.delayMany(Array.from({ length: WARM_UP_JOBS }, () => []));
await outcomes(project, WARM_UP_JOBS);
execFileSync(process.execPath, [BIN, 'pause', 'default'], { cwd: project.path, stdio: 'ignore' });
await sleep.delayMany(Array.from({ length: jobs }, () => [waitMs]));
await app.close();
if (isSynced) execFileSync('sync', ['-f', dir]);

const startedMs = performance.timeOrigin + performance.now();
unlinkSync(join(project.spool, 'queues/default.paused'));
await outcomes(project, WARM_UP_JOBS + jobs);
print({ jobs, seconds: (lastOutcomeMs(project) - startedMs) / 1_000 });
await worker.stop();
