/** Which jobs move together, and which stay. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { groupsOf, planOf, type PlannedJob } from '../../../../src/app/migrating/plan.ts';

const NONE: ReadonlySet<string> = new Set();

function job(id: string, parts: Partial<PlannedJob> = {}): PlannedJob {
  return { id, isRunning: false, after: [], ...parts };
}

test('jobs that have nothing to do with each other fill batches, in their order', () => {
  const jobs = Array.from({ length: 1_201 }, (_, i) => job(`j${i}`));

  const { batches, held } = planOf(jobs, NONE);

  assert.deepEqual(
    batches.map(({ length }) => length),
    [500, 500, 201],
  );
  assert.deepEqual(
    batches.flat().map(({ id }) => id),
    jobs.map(({ id }) => id),
  );
  assert.deepEqual(held, []);
});

test('jobs that hang together are in one batch, however many they are', () => {
  const chain = Array.from({ length: 700 }, (_, i) => job(`c${i}`, i === 0 ? {} : { after: [`c${i - 1}`] }));
  const others = Array.from({ length: 700 }, (_, i) => job(`o${i}`));
  const mixed = chain.flatMap((each, i) => [each, ...others.slice(i, i + 1)]);

  const { batches } = planOf(mixed, NONE);

  assert.equal(batches.filter((batch) => batch.some(({ id }) => id.startsWith('c'))).length, 1);
  assert.equal(batches.flat().length, 1_400);
});

test('what hangs together with a running job stays, on both sides of it, and all else moves', () => {
  const jobs = [
    job('before'),
    job('running', { isRunning: true, after: ['before'] }),
    job('behind', { after: ['running'] }),
    job('last', { after: ['behind', 'ended'] }),
    job('free', { after: ['ended'] }),
  ];

  assert.deepEqual(planOf(jobs, NONE), { batches: [[jobs[4]]], held: ['before', 'behind', 'last'] });
});

test('what hangs together with a job that cannot be moved stays, and that one is not told twice', () => {
  const jobs = [job('taken'), job('behind', { after: ['taken'] }), job('free')];

  assert.deepEqual(planOf(jobs, new Set(['taken'])), { batches: [[jobs[2]]], held: ['behind'] });
});

test('a circle, a job after itself, and two that come after one that has ended', () => {
  const ids = (jobs: readonly PlannedJob[]): readonly (readonly string[])[] =>
    groupsOf(jobs).map((group) => group.map(({ id }) => id));

  assert.deepEqual(ids([job('a', { after: ['b'] }), job('b', { after: ['a'] })]), [['a', 'b']]);
  assert.deepEqual(ids([job('a', { after: ['a'] })]), [['a']]);
  assert.deepEqual(ids([job('a', { after: ['ended'] }), job('b', { after: ['ended'] })]), [['a'], ['b']]);
});

test('ten thousand members and their callback are one group, found soon', () => {
  const members = Array.from({ length: 10_000 }, (_, i) => job(`m${i}`));
  const callback = job('callback', { after: members.map(({ id }) => id) });

  const startedAt = performance.now();
  const groups = groupsOf([...members, callback]);

  assert.deepEqual([groups.length, groups[0]?.length], [1, 10_001]);
  assert.ok(performance.now() - startedAt < 5_000, 'no longer than a few steps for each');
});
