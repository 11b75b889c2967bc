/** The spool when nothing runs (I14): nobody is registered, nothing is held, no draft is left. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Expected {
  readonly results?: number;
  readonly pending?: number;
  readonly delayed?: number;
  readonly corrupt?: number;
}

export function assertAtRest(spool: string, expected: Expected = {}): void {
  const count = (name: string): number => readdirSync(join(spool, name)).length;
  const found = {
    running: readdirSync(join(spool, 'running')),
    workers: readdirSync(join(spool, 'workers')),
    tmp: readdirSync(join(spool, 'tmp')),
    results: count('results'),
    pending: count('pending'),
    delayed: count('delayed'),
    corrupt: count('corrupt'),
  };
  assert.deepEqual(found, {
    running: [],
    workers: [],
    tmp: [],
    results: 0,
    pending: 0,
    delayed: 0,
    corrupt: 0,
    ...expected,
  });
}
