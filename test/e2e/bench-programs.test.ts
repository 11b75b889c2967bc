/** Each program of the bench ends, and with figures: run for so little that the figures mean nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { run } from '../../bench/contest.mjs';
import { tempDir } from '../support/temp-dir.ts';

const PROGRAMS: readonly [program: string, options: Readonly<Record<string, unknown>>, figures: readonly string[]][] = [
  ['bare-enqueue', { jobs: 20 }, ['jobs', 'seconds']],
  ['bare-fsync', { jobs: 64, atOnce: 30 }, ['jobs', 'seconds']],
  ['bare-idle', { children: 1, minutes: 0.001, settleMs: 10 }, ['corePercent', 'childRssMb']],
  ['bare-process', { jobs: 20, children: 4 }, ['jobs', 'seconds', 'cpuUs']],
  ['bare-process', { jobs: 20, language: 'c' }, ['jobs', 'seconds']],
  ['bare-round-trip', { jobs: 20 }, ['medianMs', 'p99Ms']],
  ['fsq-backlog', { jobs: 20, backlog: 50, children: 2 }, ['jobs', 'seconds', 'firstMs', 'grownMb']],
  [
    'fsq-balance',
    { seconds: 16, ttlMs: 5_000, windowMs: 1_000, batch: 20, children: 2 },
    ['jobs', 'balancedRate', 'rateGrowth', 'memoryGrowth'],
  ],
  ['fsq-behind', { children: 2, busyMs: 300 }, ['waitedMs']],
  ['fsq-end-to-end', { jobs: 20, children: 2, fsync: true }, ['jobs', 'seconds']],
  ['fsq-enqueue', { jobs: 20, mode: 'one', bytes: 100 }, ['jobs', 'seconds']],
  ['fsq-enqueue', { jobs: 20, mode: 'parallel' }, ['jobs', 'seconds']],
  ['fsq-enqueue', { jobs: 20, mode: 'bulk', fsync: true }, ['jobs', 'seconds']],
  ['fsq-killed-child', { times: 1, children: 1 }, ['medianMs']],
  ['fsq-process', { jobs: 20, children: 3, bytes: 1_000 }, ['jobs', 'seconds', 'cpuUs']],
  ['fsq-round-trip', { jobs: 20, children: 1, fsync: true }, ['medianMs', 'p99Ms']],
  ['fsq-waiting', { processes: 2, results: 5, settleMs: 10, idleMs: 10 }, ['cpuUs', 'watches']],
  ['start-up', { command: 'burst', times: 1 }, ['ms']],
  ['start-up', { command: 'call', times: 1 }, ['ms']],
];

for (const [program, options, figures] of PROGRAMS) {
  test(`${program} ${JSON.stringify(options)} gives ${figures.join(', ')}`, { timeout: 120_000 }, async (t) => {
    const file = `contestants/${program}.mjs`;

    const said = await run({ name: program, kind: 'fsq', file, options, timeoutMs: 100_000 }, tempDir(t));

    if (said['missing'] === 'no C compiler (cc) was found') return t.skip('no C compiler');
    const bad = figures.filter((figure) => !Number.isFinite(said[figure]));
    assert.deepEqual(bad, [], JSON.stringify(said));
  });
}
