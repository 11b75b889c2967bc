import assert from 'node:assert/strict';
import { test } from 'node:test';
import { circleIn, factsOf, type FactSource } from '../../../../src/app/explaining/facts.ts';
import { NO_HISTORY } from '../../../../src/broker/figures/history.ts';
import type { Sighting } from '../../../../src/broker/broker.ts';
import { owner } from '../../../support/owner-info.ts';
import { sighting } from '../../../support/sighting.ts';

/** A broker that holds these jobs. */
function store(...jobs: readonly Sighting[]): FactSource {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return {
    place: '/srv/spool',
    owners: async () => [owner({ tasks: ['add'] })],
    paused: async () => ['slow'],
    restoring: async () => null,
    unfinishedMove: async () => null,
    find: async (id) => byId.get(id) ?? null,
    changed: async (seen) =>
      new Map(
        [...seen.keys()].flatMap((id) => {
          const found = byId.get(id);
          return found === undefined ? [] : [[id, { mark: '', atMs: 0, sighting: found }] as const];
        }),
      ),
    statistics: async () => ({
      tasks: [],
      crashes: {},
      restarts: 0,
      sinceMs: null,
      history: { ...NO_HISTORY, seconds: [{ at: 0, ended: 7, failed: 0, wait: [], run: [] }] },
    }),
    list: async () => jobs.filter(({ state }) => state === 'running'),
    unended: async () =>
      jobs.map(({ id, state, standing: { queue, priority, attempt } }) => ({
        id,
        queue,
        priority,
        attempt,
        state: state === 'running' || state === 'delayed' ? state : 'pending',
        dueAtMs: null,
        owner: null,
      })),
  };
}

function waits(after: readonly string[], id = sighting().id): Sighting {
  return sighting({ id, state: 'delayed' }, { options: { after } });
}

test('a circle is found however far it is, and told without what leads to it', () => {
  const needs = new Map<string, readonly string[]>([
    ['a', ['x', 'b']],
    ['x', []],
    ['b', ['c']],
    ['c', ['d', 'b']],
    ['d', []],
  ]);

  assert.deepEqual(circleIn(needs, 'a'), ['b', 'c']);
  assert.deepEqual(circleIn(new Map([['a', ['a']]]), 'a'), ['a']);
  assert.equal(
    circleIn(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
        ['c', []],
      ]),
      'a',
    ),
    null,
  );
});

test('a row of a thousand jobs is gone through', () => {
  const needs = new Map(Array.from({ length: 1_000 }, (_, i) => [`${i}`, [`${(i + 1) % 1_000}`]] as const));

  assert.equal(circleIn(needs, '0')?.length, 1_000);
});

test('jobs that come after one another have a circle, also one that a run closes, and rows have none', async () => {
  const [a, b] = [sighting().id, sighting().id];
  const runs = sighting({ id: b, state: 'running', awaits: [a] });

  const circle = await factsOf(store(waits([b], a), waits([a], b)), waits([b], a), 1);
  const closed = await factsOf(store(waits([b], a), runs), waits([b], a), 1);
  const row = await factsOf(store(waits([b], a), waits([], b)), waits([b], a), 1);

  assert.deepEqual([circle.circle, closed.circle, row.circle], [[a, b], [a, b], null]);
});

test('which move it is on is asked for a job on its way alone', async () => {
  const move = { from: '/srv/spool', to: '/srv/other', isGoing: true, ids: [] };
  const there = { ...store(), unfinishedMove: async () => move };
  const waiting = sighting({ state: 'delayed' });

  const [onItsWay, other] = await Promise.all([
    factsOf(there, { ...waiting, isOnItsWay: true }, 1),
    factsOf(there, waiting, 1),
  ]);

  assert.deepEqual([onItsWay.move, other.move], [move, null]);
});

test('the others that a job comes after are known in its order, and one that is nowhere is', async () => {
  const [first, last] = [sighting(), sighting()];
  const missing = sighting().id;

  const { others } = await factsOf(store(last, first), waits([first.id, missing, last.id]), 1);

  assert.deepEqual(
    [...others].map(([id, other]) => [id, other?.id ?? null]),
    [
      [first.id, first.id],
      [missing, null],
      [last.id, last.id],
    ],
  );
});

test('before a ready job come the more urgent and the older ones of the queues of its workers', async () => {
  const older = sighting();
  const ready = sighting();
  const urgent = sighting({ standing: { queue: 'mail', priority: 1, attempt: 0, crashes: 0 } });
  const [later, running] = [sighting(), sighting({ state: 'running' })];
  const all = store(older, ready, urgent, later, running);

  const { ahead, endedInAMinute, running: found } = await factsOf(all, ready, 1);
  const alone = await factsOf({ ...all, owners: async () => [owner({ queues: ['default'] })] }, ready, 1);

  assert.deepEqual([ahead, endedInAMinute, found.length], [{ all: 2, inQueue: 1 }, 7, 1]);
  assert.deepEqual(alone.ahead, { all: 1, inQueue: 1 });
});

test('jobs of a paused queue do not come before a ready job of another', async () => {
  const urgent = sighting({ standing: { queue: 'mail', priority: 1, attempt: 0, crashes: 0 } });
  const ready = sighting();

  const { ahead } = await factsOf({ ...store(urgent, ready), paused: async () => ['mail'] }, ready, 1);

  assert.deepEqual(ahead, { all: 0, inQueue: 0 });
});

test('of a job that has ended nobody asks for workers', async () => {
  const source = { ...store(), owners: () => Promise.reject(new Error('asked')) };

  const facts = await factsOf(source, sighting({}, { outcome: { state: 'succeeded', value: 1 } }), 1);

  assert.deepEqual(facts.owners, []);
});
