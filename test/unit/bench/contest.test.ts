import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { contest } from '../../../bench/contest.mjs';
import { tempDir } from '../../support/temp-dir.ts';

const CONTESTANTS = ['a', 'b'].map((name) => ({
  name,
  kind: 'limit' as const,
  file: 'contestants/bare-enqueue.mjs',
  options: { jobs: 1 },
}));

for (const isSynced of [true, false])
  test(`the disk is ${isSynced ? '' : 'not '}synced before each run of a scenario`, async (t) => {
    const root = tempDir(t);
    const log = fakeSync(t);

    const results = await contest(CONTESTANTS, { rounds: 2, root, scenario: 'x', budgetMs: Infinity, isSynced });

    assert.deepEqual(
      results.map(({ missing, rounds }) => [missing, rounds.length]),
      [
        [null, 2],
        [null, 2],
      ],
    );
    const calls = existsSync(log) ? readFileSync(log, 'utf8') : '';
    assert.equal(calls, isSynced ? `-f ${root}\n`.repeat(4) : '');
  });

/** In place of sync(1). @returns a file with a line for each call */
function fakeSync(t: TestContext): string {
  const dir = tempDir(t);
  const log = join(dir, 'calls');
  writeFileSync(join(dir, 'sync'), `#!/bin/sh\necho "$*" >> ${log}\n`, { mode: 0o700 });
  const path = process.env['PATH'];
  t.after(() => (process.env['PATH'] = path));
  process.env['PATH'] = `${dir}:${path}`;
  return log;
}
