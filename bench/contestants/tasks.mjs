/** The tasks of the bench; copied into each project as tasks.js. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { task } from 'fsq';

export const noop = task('noop', async () => null);

export const echo = task('echo', async (/** @type {string} */ text) => text);

/** Holds the child until the file `go` is there: so all children begin together, with the jobs already waiting. */
export const gate = task('gate', async (/** @type {string} */ go) => {
  writeFileSync(`${go}.${process.pid}`, '');
  while (!existsSync(go)) await wait(1);
  return null;
});

export const add = task('add', async (/** @type {number} */ a, /** @type {number} */ b) => a + b);
