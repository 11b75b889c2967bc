/** The memory of a process: as it tells itself, or as this machine does. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { memoryOf } from '../../../../../src/ui/desk/overview/process-memory.ts';

const MIB = 1_048_576;

test('what a process tells of its memory is shown in whole mebibytes, wherever it runs', () => {
  const far = { pid: process.pid, host: 'db1', verdict: 'alive', memoryBytes: 71.4 * MIB } as const;
  assert.equal(memoryOf(far), 71 * MIB);
  assert.equal(memoryOf({ ...far, verdict: 'dead' }), null);
});

test('of one that does not tell only the machine that it runs on knows', { skip: process.platform !== 'linux' }, () => {
  const here = memoryOf({ pid: process.pid, verdict: 'alive' });
  assert.ok(here !== null && Math.abs(here - process.memoryUsage.rss()) < 64 * MIB, `${here}`);
  assert.equal(memoryOf({ pid: process.pid, host: 'db1', verdict: 'alive' }), null);
  assert.equal(memoryOf({ pid: 2 ** 30, verdict: 'alive' }), null);
});
