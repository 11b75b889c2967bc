/** `fsq worker` that has run some jobs and now has none, or `perSecond`: what it and its children use for `minutes`. */
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { idleFigures, SETTLE_MS } from './idle.mjs';
import { makeProject, outcomes, ownersIn, print, producer, readOptions, startWorker } from './project.mjs';
import { setTimeout as wait } from 'node:timers/promises';

const { dir, children, minutes, perSecond = 0, fsync = false, settleMs = SETTLE_MS } = readOptions();
const project = makeProject(dir);
const { app, noop } = producer(project, { fsync });
const worker = await startWorker(project, [], { children, fsync });
await noop.delayMany(Array.from({ length: WARM_UP_JOBS }, () => []));
await outcomes(project, WARM_UP_JOBS);
await wait(settleMs);

const owners = ownersIn(project).filter((pid) => pid !== process.pid && pid !== worker.pid);
const sending = perSecond > 0 ? setInterval(() => void noop.delay(), 1_000 / perSecond) : undefined;
print(await idleFigures(worker.pid, owners, minutes));
clearInterval(sending);
await app.close();
await worker.stop();
