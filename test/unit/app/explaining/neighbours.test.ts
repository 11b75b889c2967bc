import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Neighbours, neighboursOf } from '../../../../src/app/explaining/neighbours.ts';
import type { Broker, Sighting } from '../../../../src/broker/broker.ts';
import { nextId } from '../../../support/factory.ts';
import { sighting } from '../../../support/sighting.ts';

function store(...jobs: readonly Sighting[]): Pick<Broker, 'changed'> {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return {
    changed: async (seen) =>
      new Map(
        [...seen.keys()].flatMap((id) => {
          const found = byId.get(id);
          return found === undefined ? [] : [[id, { mark: '', atMs: 0, sighting: found }] as const];
        }),
      ),
  };
}

const [A, B, C, D] = [nextId(), nextId(), nextId(), nextId()];
const BOOM = { name: 'TypeError', message: 'boom' };
const NOT_RUN = { name: 'PredecessorError', message: 'not run', code: 'FSQ_PREDECESSOR' };

function row(neighbours: Neighbours): readonly string[] {
  return neighbours.row.map(({ task, state }) => `${task} ${state}`);
}

test('a row of jobs is told from its first to its last, with the failure that began a row of failures', async () => {
  const a = sighting({ id: A }, { task: 'a', options: { next: [B] }, outcome: { state: 'failed', error: BOOM } });
  const b = sighting(
    { id: B },
    { task: 'b', options: { after: A, next: [C] }, outcome: { state: 'failed', error: NOT_RUN } },
  );
  const c = sighting(
    { id: C },
    { task: 'c', options: { after: B, next: [D] }, outcome: { state: 'failed', error: NOT_RUN } },
  );

  const of = await Promise.all([a, b, c].map((job) => neighboursOf(store(a, b, c), job)));

  for (const each of of) assert.deepEqual(row(each), ['a failed', 'b failed', 'c failed', 'null unknown']);
  assert.deepEqual(
    of.map(({ root }) => root?.id ?? null),
    [null, A, A],
  );
  assert.deepEqual(of[2]?.root, { id: A, task: 'a', state: 'failed', error: BOOM });
});

test('many neighbours are listed and counted, and make no row', async () => {
  const after = Array.from({ length: 300 }, () => nextId());
  const callback = sighting({ id: A, state: 'delayed' }, { options: { after } });

  const { after: told, afterCount, row: none } = await neighboursOf(store(callback), callback);

  assert.deepEqual(
    [told.length, afterCount, told[0], none],
    [200, 300, { id: after[0], task: null, state: 'unknown' }, []],
  );
});

test('a circle ends the walk, also one of failures; a job alone has no row; an unreadable one nothing', async () => {
  const a = sighting(
    { id: A },
    { task: 'a', options: { after: B, next: [B] }, outcome: { state: 'failed', error: NOT_RUN } },
  );
  const b = sighting(
    { id: B },
    { task: 'b', options: { after: A, next: [A] }, outcome: { state: 'failed', error: NOT_RUN } },
  );

  const circle = await neighboursOf(store(a, b), a);
  const alone = await neighboursOf(store(), sighting());
  const unreadable = await neighboursOf(store(), sighting({}, null));

  assert.deepEqual([row(circle), circle.root], [['b failed', 'a failed', 'b failed'], null]);
  assert.deepEqual([alone.row, unreadable.row], [[], []]);
});
