/** A run with a limit: what its supervisor does when the time has come, and what it makes of messages that cross that. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type LimitedRun, Overtime } from '../../../src/worker/overtime.ts';

const RUN: LimitedRun = { id: 'a', task: 'echo', startedAtMs: 1, limitMs: 1_000, defaults: {} };

interface Watched {
  readonly overtime: Overtime;
  readonly done: string[];
  tick(ms: number): void;
}

function watched(t: TestContext): Watched {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const done: string[] = [];
  const overtime = new Overtime({
    freeze: () => done.push('freeze'),
    thaw: () => done.push('thaw'),
    onOver: ({ id }) => done.push(`over ${id}`),
  });
  const tick = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  return { overtime, done, tick };
}

test('a run that does not end is frozen at its limit, and killed when nothing more is heard of it', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN);

  tick(999);
  assert.deepEqual(done, []);
  tick(1);
  assert.deepEqual(done, ['freeze']);
  tick(10);
  assert.deepEqual(done, ['freeze', 'over a']);
  assert.equal(overtime.verdict(true), RUN);
});

test('a run that ended in time is no reason for anything, and neither is the job after it', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN);
  tick(999);

  overtime.ended();
  tick(5_000);

  assert.deepEqual(done, []);
  assert.equal(overtime.verdict(true), null);
});

test('an end that was on its way when the child was frozen lets it live on', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN);
  tick(1_000);

  overtime.ended();
  overtime.begin({ ...RUN, id: 'b' });
  tick(999);

  assert.deepEqual(done, ['freeze', 'thaw']);
  tick(11);
  assert.deepEqual(done, ['freeze', 'thaw', 'freeze']);
});

test('a child that was killed after the deadline, by its own watchdog, died of the run; one killed before did not', (t) => {
  const { overtime, tick } = watched(t);
  overtime.begin(RUN);

  assert.equal(overtime.verdict(true), null);
  tick(1_000);
  assert.equal(overtime.verdict(false), null, 'it ended in another way');
  assert.equal(overtime.verdict(true), RUN);
});

test('nothing is done to a process that has ended', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN);

  overtime.close();
  tick(5_000);

  assert.deepEqual(done, []);
});
