/**
 * Jobs that wait already, run by a worker of `children`. It has run some to warm up, and then a job for each child that holds
 * it at a gate. The clock runs from the moment in which all are let through to the last outcome in results/.
 */
import { execFileSync } from 'node:child_process';
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import {
  atGate,
  lastOutcomeMs,
  makeProject,
  openGate,
  outcomes,
  ownersIn,
  print,
  producer,
  readOptions,
  startWorker,
  until,
} from './project.mjs';
import { usageOf } from './usage.mjs';

const { dir, jobs, children, fsync = false, bytes = 0, isSynced = true } = readOptions();
const project = makeProject(dir);
const { app, noop, echo, gate } = producer(project, { fsync: false });
const worker = await startWorker(project, [], { children, fsync });
await noop.delayMany(Array.from({ length: WARM_UP_JOBS }, () => []));
await outcomes(project, WARM_UP_JOBS);
await gate.delayMany(Array.from({ length: children }, () => [project.go]));
await until(() => atGate(project) >= children, 30_000, 'the children to reach the gate');
await fill();
await app.close();
if (isSynced) execFileSync('sync', ['-f', dir]);

const before = usageOf(ownersIn(project));
const startedMs = openGate(project);
await outcomes(project, WARM_UP_JOBS + children + jobs);
const cpuUs = ((usageOf(ownersIn(project)).cpuMs - before.cpuMs) * 1_000) / jobs;
print({ jobs, seconds: (lastOutcomeMs(project) - startedMs) / 1_000, cpuUs });
await worker.stop();

async function fill() {
  for (let left = jobs; left > 0; left -= 10_000) {
    const count = Math.min(left, 10_000);
    if (bytes > 0) await echo.delayMany(Array.from({ length: count }, () => ['x'.repeat(bytes)]));
    else await noop.delayMany(Array.from({ length: count }, () => []));
  }
}
