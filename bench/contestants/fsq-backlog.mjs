/**
 * The first `jobs` of a `backlog`. The clock runs from their first outcome to their last: how long the worker needs to list
 * the backlog is told apart, as `firstMs`.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import {
  atGate,
  list,
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

const { dir, jobs, backlog, children } = readOptions();
const project = makeProject(dir);
const { app, noop, gate } = producer(project, { fsync: false });
const worker = await startWorker(project, [], { children });
await noop.delayMany(Array.from({ length: WARM_UP_JOBS }, () => []));
await outcomes(project, WARM_UP_JOBS);
await gate.delayMany(Array.from({ length: children }, () => [project.go]));
await until(() => atGate(project) >= children, 30_000, 'the children to reach the gate');
const pids = ownersIn(project);
const idle = usageOf(pids);
for (let left = backlog; left > 0; left -= 10_000)
  await noop.delayMany(Array.from({ length: Math.min(left, 10_000) }, () => []));
await app.close();
execFileSync('sync', ['-f', dir]);

const startedMs = openGate(project);
await enough();
const { peakMb } = usageOf(pids);
await worker.stop();
const ends = list(`${project.spool}/results`)
  .map((name) => statSync(`${project.spool}/results/${name}`).ctimeMs)
  .filter((ms) => ms > startedMs)
  .toSorted((a, b) => a - b)
  .slice(children, children + jobs);
const [firstMs = startedMs] = ends;
print({
  jobs,
  seconds: ((ends.at(-1) ?? Number.NaN) - firstMs) / 1_000,
  firstMs: firstMs - startedMs,
  grownMb: peakMb - idle.rssMb,
});

/** Until there are as many outcomes as wanted; of a long backlog the worker will have run some more. */
async function enough() {
  const wanted = WARM_UP_JOBS + children + jobs;
  await until(() => list(`${project.spool}/results`).length >= wanted, 600_000, `${wanted} outcomes`, 200);
}
