import assert from 'node:assert/strict';
import test from 'node:test';
import { NO_OPTIONS } from '../../../../src/job/job-options.ts';
import type { DeathCause } from '../../../../src/worker/child-process.ts';
import { crashOf, figuresOfEnd, lossOf } from '../../../../src/worker/statistics/child-ends.ts';

const CRASHED = { cause: { kind: 'crashed' }, signal: null, wasReady: true } as const;
const LIMIT: DeathCause = {
  kind: 'over-limit',
  run: { id: '', task: '', startedAtMs: 0, limitMs: 1, defaults: NO_OPTIONS },
};

test('each end of a child against its will has a reason', () => {
  assert.equal(crashOf(CRASHED), 'exit');
  assert.equal(crashOf({ ...CRASHED, signal: 'SIGKILL' }), 'signal');
  assert.equal(crashOf({ ...CRASHED, signal: 'SIGABRT' }), 'abort');
  assert.equal(crashOf({ ...CRASHED, wasReady: false }), 'start');
  assert.equal(crashOf({ ...CRASHED, cause: { kind: 'unborn', error: null } }), 'start');
  assert.equal(crashOf({ ...CRASHED, cause: { kind: 'blamed', id: '' } }), 'job');
  assert.equal(crashOf({ ...CRASHED, signal: 'SIGKILL', cause: LIMIT }), 'time-limit');
});

test('a child that was told to end, or was killed for a job that was revoked, has not crashed', () => {
  for (const kind of ['stopped', 'parted', 'revoked'] as const)
    assert.equal(crashOf({ ...CRASHED, signal: 'SIGKILL', cause: { kind } }), null, kind);
});

test('a child that died, or was killed, is a loss, and one that ended because it was told to is none', () => {
  const why = (kind: 'revoked' | 'fenced' | 'stopped' | 'parted'): unknown => lossOf({ ...CRASHED, cause: { kind } });

  assert.equal(lossOf({ ...CRASHED, signal: 'SIGKILL' }), 'signal');
  assert.equal(lossOf({ ...CRASHED, signal: 'SIGKILL', cause: LIMIT }), 'time-limit');
  assert.deepEqual([why('revoked'), why('fenced'), why('stopped'), why('parted')], ['revoked', 'fenced', null, null]);
});

test('a restart counts where another child takes the place, also of one that did not crash', () => {
  const parted = { ...CRASHED, cause: { kind: 'parted' } } as const;

  assert.deepEqual(figuresOfEnd(CRASHED, true), { tasks: [], crashes: { exit: 1 }, restarts: 1 });
  assert.deepEqual(figuresOfEnd(CRASHED, false), { tasks: [], crashes: { exit: 1 }, restarts: 0 });
  assert.deepEqual(figuresOfEnd(parted, true), { tasks: [], crashes: {}, restarts: 1 });
  assert.equal(figuresOfEnd(parted, false), null);
});
