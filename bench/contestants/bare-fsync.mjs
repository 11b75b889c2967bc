/**
 * The limit of durable enqueueing: 64 (or `atOnce`) files are created and written, fsynced side by side, renamed; then one
 * fsync of the directory they were renamed into. `UV_THREADPOOL_SIZE` is how many of the fsyncs run at a time.
 */
import { closeSync, fsync, openSync, renameSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { BASE, jobName, makeSpool } from '../limit/spool.mjs';
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { print, readOptions } from './project.mjs';

const { dir, jobs, atOnce = 64 } = readOptions();
const sync = promisify(fsync);
makeSpool(dir);
const pending = openSync(`${dir}/pending`, 'r');
const bytes = Buffer.from(BASE);

await batch(0, WARM_UP_JOBS);
const startedAt = performance.now();
for (let i = 0; i < jobs; i += atOnce) await batch(WARM_UP_JOBS + i, WARM_UP_JOBS + Math.min(jobs, i + atOnce));
print({ jobs, seconds: (performance.now() - startedAt) / 1_000 });

async function batch(from, to) {
  const files = [];
  for (let i = from; i < to; i++) {
    const fd = openSync(`${dir}/tmp/${i}`, 'wx', 0o600);
    writeSync(fd, bytes, 0, bytes.length, 0);
    files.push(fd);
  }
  await Promise.all(files.map((fd) => sync(fd)));
  for (const fd of files) closeSync(fd);
  for (let i = from; i < to; i++) renameSync(`${dir}/tmp/${i}`, `${dir}/pending/${jobName(i)}`);
  await sync(pending);
}
