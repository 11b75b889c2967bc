/**
 * The limit of durable enqueueing: `atOnce` files are created, written and renamed, a record of each goes into a file that was
 * filled before, and one fdatasync of that file makes them all durable. Where it is full, its records are written over.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { BASE, jobName, makeSpool } from '../limit/spool.mjs';
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { print, readOptions } from './project.mjs';

const { dir, jobs, atOnce = 1 } = readOptions();
/** What the spool's format says of a segment, and a record: its header, the job's place, and the base. */
const SEGMENT_BYTES = 2 ** 20;
const record = `${'0'.repeat(8)} ${'0'.repeat(10)} ${'0'.repeat(7)} pending/${jobName(0)}\n${BASE}\n`;
makeSpool(dir);
const segment = openSync(`${dir}/segment`, 'w');
writeSync(segment, Buffer.alloc(SEGMENT_BYTES));
fsyncSync(segment);
const base = Buffer.from(BASE);
let end = 0;

enqueue(0, Math.min(WARM_UP_JOBS, jobs));
const startedAt = performance.now();
enqueue(WARM_UP_JOBS, WARM_UP_JOBS + jobs);
print({ jobs, seconds: (performance.now() - startedAt) / 1_000 });

function enqueue(from, to) {
  for (let i = from; i < to; i += atOnce) batch(i, Math.min(to, i + atOnce));
}

function batch(from, to) {
  for (let i = from; i < to; i++) {
    const fd = openSync(`${dir}/tmp/${i}`, 'wx', 0o600);
    writeSync(fd, base, 0, base.length, 0);
    closeSync(fd);
  }
  const records = Buffer.from(record.repeat(to - from));
  if (end + records.length > SEGMENT_BYTES) end = 0;
  writeSync(segment, records, 0, records.length, end);
  end += records.length;
  for (let i = from; i < to; i++) renameSync(`${dir}/tmp/${i}`, `${dir}/pending/${jobName(i)}`);
  fdatasyncSync(segment);
}
