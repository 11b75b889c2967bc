/** Bare files where a spool has jobs: the same names, sizes and places, without fsq. */
import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What fsq writes for a job without arguments: 125 bytes. */
export const BASE = `{"v":1,"id":"01a202d1-1e2b-7000-ac9a-ee557d7c1aea","task":"noop","args":[],"enqueuedAtMs":1795343588907,"options":{},"headers":{}\n}`;
/** And what it adds when the job has run. */
export const TAIL = `\n,"attempts":[{"attempt":1,"startedAtMs":1795343595713,"endedAtMs":1795343595715,"owner":"12063-4dd237315fb37d10"}],"state":"succeeded","value":null}`;

/** The same with an argument of so many bytes. */
export function baseOf(bytes) {
  return bytes > 0 ? BASE.replace('[]', `["${'x'.repeat(bytes)}"]`) : BASE;
}

export function makeSpool(dir) {
  for (const name of ['tmp', 'pending', 'running', 'running/0', 'running/1', 'results']) mkdirSync(join(dir, name));
}

/** The name of the i-th job: as long as fsq's. */
export function jobName(i) {
  return `5.01a202d1-1e2b-7000-ac9a-${String(i).padStart(12, '0')}.default.0.0.json`;
}

export function numberOf(name) {
  return Number(name.slice(26, 38));
}

/** Makes jobs wait, as an enqueue does: written in tmp/, then renamed. */
export function fill(dir, jobs, base = BASE) {
  const bytes = Buffer.from(base);
  for (let i = 0; i < jobs; i++) {
    const draft = join(dir, 'tmp', String(i));
    const fd = openSync(draft, 'wx', 0o600);
    writeSync(fd, bytes);
    closeSync(fd);
    renameSync(draft, join(dir, 'pending', jobName(i)));
  }
}
