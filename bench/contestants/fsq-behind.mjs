/**
 * One job that keeps its child busy and 200 short ones right behind it, all sent at once to a worker that is used to quick jobs
 * and so hands out many names at a time. How long did the last of the short ones take?
 */
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { lastOutcomeMs, makeProject, now, outcomes, print, producer, readOptions, startWorker } from './project.mjs';

const SHORT_JOBS = 200;
const { dir, children, busyMs } = readOptions();
const project = makeProject(dir);
const { app, noop, sleep } = producer(project, { fsync: false });
const worker = await startWorker(project, [], { children });
await noop.delayMany(Array.from({ length: WARM_UP_JOBS }, () => []));
await outcomes(project, WARM_UP_JOBS);

const startedMs = now();
const busy = await sleep.delay(busyMs);
await noop.delayMany(Array.from({ length: SHORT_JOBS }, () => []));
await outcomes(project, WARM_UP_JOBS + SHORT_JOBS);
print({ waitedMs: lastOutcomeMs(project) - startedMs });
await busy.get();
await worker.stop();
await app.close();
