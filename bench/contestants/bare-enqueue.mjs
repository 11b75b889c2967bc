/**
 * The limit of enqueueing: create in tmp/, write, close, rename to pending/, in a bare loop. With `isJson` each job is made
 * JSON of, which the bare loop spares itself.
 */
import { closeSync, constants, openSync, renameSync, writeSync } from 'node:fs';
import { baseOf, jobName, makeSpool } from '../limit/spool.mjs';
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { print, readOptions } from './project.mjs';

const { dir, jobs, bytes: size = 0, isJson = false } = readOptions();
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
makeSpool(dir);
const base = baseOf(size);
const job = JSON.parse(base);
const ready = Buffer.from(base);

for (let i = 0; i < Math.min(WARM_UP_JOBS, jobs); i++) enqueue(i);
const startedAt = performance.now();
for (let i = 0; i < jobs; i++) enqueue(WARM_UP_JOBS + i);
print({ jobs, seconds: (performance.now() - startedAt) / 1_000 });

function enqueue(i) {
  const draft = `${dir}/tmp/${i}`;
  const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  const bytes = isJson ? Buffer.from(JSON.stringify(job)) : ready;
  writeSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
  renameSync(draft, `${dir}/pending/${jobName(i)}`);
}
