/** The tasks of the bench; copied into each project as tasks.js. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';

export const noop = task('noop', async () => null);

export const add = task('add', async (/** @type {number} */ a, /** @type {number} */ b) => a + b);

export const echo = task('echo', async (/** @type {string} */ text) => text);

export const sleep = task('sleep', async (/** @type {number} */ ms) => wait(ms, null));

/** Holds the child until the file `go` is there: so all children begin together, with the jobs already waiting. */
export const gate = task('gate', async (/** @type {string} */ go) => {
  writeFileSync(`${go}.${process.pid}`, '');
  // A bench that was broken off never opens it: nobody may be left waiting.
  while (!existsSync(go) && process.connected) await wait(1);
  return null;
});

/** Dies in its first run, having noted when; the second returns how many ms have passed since. */
export const phoenix = task('phoenix', async (/** @type {string} */ note) => {
  const now = performance.timeOrigin + performance.now();
  if (currentJob()?.attempt !== 1) return now - Number(readFileSync(note, 'utf8'));
  writeFileSync(note, String(now));
  process.kill(process.pid, 'SIGKILL');
  return wait(10_000, null);
});
