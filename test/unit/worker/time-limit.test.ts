/** A run with a limit: what its supervisor does when the time has come, and what it makes of messages that cross that. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { LimitedRun } from '../../../src/app/execute.ts';
import { Overtime } from '../../../src/worker/time-limit.ts';

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
    pardon: () => done.push('pardon'),
    onOver: ({ id }) => done.push(`over ${id}`),
  });
  const tick = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  return { overtime, done, tick };
}

test('a run that does not end is killed when, after its limit, nothing more is heard of it', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN, 0);

  tick(1_000);
  assert.deepEqual(done, []);
  tick(10);
  assert.deepEqual(done, ['over a']);
  assert.equal(overtime.verdict(true), RUN);
});

test('a run that ended in time is no reason for anything, and neither is the job after it', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN, 0);
  tick(999);

  overtime.ended('a', false);
  tick(5_000);

  assert.deepEqual(done, []);
  assert.equal(overtime.verdict(true), null);
});

test('an end in time that is heard of late lets the child live on, and the next run has all of its time', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN, 0);
  tick(1_000);

  overtime.ended('a', false);
  overtime.begin({ ...RUN, id: 'b' }, 0);
  tick(1_000);
  tick(9);

  assert.deepEqual(done, []);
  tick(1);
  assert.deepEqual(done, ['over b']);
});

test('a run that ended late is pardoned, unless it is killed already', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN, 0);
  tick(1_000);
  tick(5);
  overtime.ended('a', true);
  assert.deepEqual(done, ['pardon']);
  assert.equal(overtime.verdict(true), null);

  overtime.begin({ ...RUN, id: 'b' }, 0);
  tick(1_000);
  tick(10);
  overtime.ended('b', true);

  assert.deepEqual(done, ['pardon', 'over b']);
  assert.equal(overtime.verdict(true)?.id, 'b');
});

test('a child that was killed after the deadline, by its own watchdog, died of the run; one killed before did not', (t) => {
  const { overtime, tick } = watched(t);
  overtime.begin(RUN, 0);

  assert.equal(overtime.verdict(true), null);
  tick(1_000);
  assert.equal(overtime.verdict(false), null, 'it ended in another way');
  assert.equal(overtime.verdict(true), RUN);
});

test('where the run is heard of late, the child has died of it when its own time is over, and is killed no sooner', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN, 1_000);

  assert.deepEqual(overtime.verdict(true), RUN);
  tick(1_000);
  assert.deepEqual(done, []);
  tick(10);
  assert.deepEqual(done, ['over a']);
});

test('nothing is done to a process that has ended', (t) => {
  const { overtime, done, tick } = watched(t);
  overtime.begin(RUN, 0);

  overtime.close();
  tick(5_000);

  assert.deepEqual(done, []);
});
