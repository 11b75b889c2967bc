import assert from 'node:assert/strict';
import test from 'node:test';
import {
  countedIn,
  MOST_TASKS,
  OTHERS,
  parseFigures,
  type RunFigures,
  Tally,
  type TaskFigures,
} from '../../../src/broker/statistics.ts';

const run = (parts: Partial<RunFigures> = {}): RunFigures => ({
  queue: 'default',
  task: 'add',
  how: 'succeeded',
  waitMs: 1,
  runMs: 20,
  ...parts,
});

function tallyOf(...runs: readonly Partial<RunFigures>[]): Tally {
  const tally = new Tally();
  for (const parts of runs) tally.addRun(run(parts));
  return tally;
}

const copyOf = (tally: Tally): unknown => JSON.parse(JSON.stringify({ ...tally, tasks: tally.tasks }));

test('runs are counted by queue, task and outcome', () => {
  const { tasks } = tallyOf({}, { how: 'failed', waitMs: null }, { how: 'retried' }, { queue: 'mail' }, { task: 'b' });

  assert.deepEqual(
    tasks.map(({ queue, task }) => [queue, task]),
    [
      ['default', 'add'],
      ['mail', 'add'],
      ['default', 'b'],
    ],
  );
  assert.deepEqual(tasks[0], {
    queue: 'default',
    task: 'add',
    ended: { succeeded: 1, failed: 1, revoked: 0, expired: 0 },
    retried: 1,
    wait: { buckets: [2], sumMs: 2 },
    run: { buckets: [0, 0, 0, 0, 3], sumMs: 60 },
  });
});

test('a job without a run has no run time', () => {
  const { tasks } = tallyOf({ how: 'expired', waitMs: null, runMs: null });

  assert.deepEqual(
    [tasks[0]?.ended.expired, tasks[0]?.run, tasks[0]?.wait],
    [1, { buckets: [], sumMs: 0 }, { buckets: [], sumMs: 0 }],
  );
});

test('of ten thousand tasks two hundred are told apart, and no job is missing', () => {
  const tally = tallyOf(...Array.from({ length: 10_000 }, (_, i) => ({ task: `task-${i}` })));

  assert.equal(tally.tasks.length, MOST_TASKS + 1);
  const others = tally.tasks.find(({ task }) => task === OTHERS);
  assert.deepEqual([others?.queue, others?.ended.succeeded], [OTHERS, 10_000 - MOST_TASKS]);
  assert.equal(countedIn(tally).ended, 10_000);
  assert.ok(JSON.stringify(copyOf(tally)).length < 100_000);
});

test('a name that no queue or task can have is one of the others', () => {
  const { tasks } = tallyOf({ task: 'a"b\n' }, { queue: '../x' }, { task: OTHERS }, { queue: OTHERS });

  assert.deepEqual(
    tasks.map(({ queue, task, ended }) => [queue, task, ended.succeeded]),
    [[OTHERS, OTHERS, 4]],
  );
});

test('tallies add up, and what they come to is the sum of all runs in any order', () => {
  const [one, other] = [tallyOf({}, { how: 'failed' }), tallyOf({ queue: 'mail' }, { runMs: 3_000 })];
  one.addCrash('signal');
  other.addCrash('signal');
  other.restarts = 2;
  const [forth, back] = [new Tally(), new Tally()];
  for (const tally of [one, other]) forth.add(tally);
  for (const tally of [other, one]) back.add(tally);

  const key = ({ queue, task }: TaskFigures): string => `${queue} ${task}`;
  const sorted = (tally: Tally): unknown => tally.tasks.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  assert.deepEqual(sorted(forth), sorted(back));
  assert.deepEqual([forth.crashes, forth.restarts], [{ signal: 2 }, 2]);
  assert.deepEqual(countedIn(forth), { ended: 4, failed: 1, wait: [4], run: [0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1] });
});

test('figures survive JSON, and anything else is refused', () => {
  const tally = tallyOf({}, { task: 'b' });
  tally.addCrash('exit');
  const whole = copyOf(tally) as Record<string, unknown>;
  const [task] = whole['tasks'] as readonly Record<string, unknown>[];
  assert.deepEqual(parseFigures(whole), whole);
  const bad: readonly unknown[] = [
    null,
    [],
    {},
    { ...whole, tasks: 5 },
    { ...whole, restarts: -1 },
    { ...whole, crashes: null },
    { ...whole, crashes: { exit: 'many' } },
    { ...whole, tasks: [{ ...task, queue: '../..' }] },
    { ...whole, tasks: [{ ...task, task: 'a"} 1\n' }] },
    { ...whole, tasks: [{ ...task, ended: { succeeded: 1 } }] },
    { ...whole, tasks: [{ ...task, ended: { ...(task?.['ended'] as object), failed: 1e300 } }] },
    { ...whole, tasks: [{ ...task, run: null }] },
    { ...whole, tasks: Array.from({ length: 300 }, () => task) },
  ];
  for (const one of bad) assert.equal(parseFigures(one), null, JSON.stringify(one));
});

test('a reason for a crash that nobody knows is left out', () => {
  const whole = copyOf(tallyOf({})) as Record<string, unknown>;

  assert.deepEqual(parseFigures({ ...whole, crashes: { exit: 1, '__proto__"': 5 } })?.crashes, { exit: 1 });
});
