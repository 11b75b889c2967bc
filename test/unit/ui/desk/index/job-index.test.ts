import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isOrder } from '../../../../../src/ui/desk/index/index-row.ts';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { nextId } from '../../../../support/factory.ts';
import { sighting } from '../../../../support/sighting.ts';

/** An index of jobs with these ids. */
function indexOf(ids: readonly string[]): JobIndex {
  const index = new JobIndex();
  for (const id of ids) index.put(sighting({ id }));
  return index;
}

function latest(index: JobIndex, before: string | null = null): readonly string[] {
  return Array.from(index.latest(before), ({ id }) => id);
}

describe('the index of jobs', () => {
  test('has each job once, also one that was gone and has come back', () => {
    const ids = [nextId(), nextId(), nextId()];
    const index = indexOf(ids);

    index.drop(ids[1] ?? '');
    assert.deepEqual(latest(index), [ids[2], ids[0]]);
    index.put(sighting({ id: ids[1] ?? '' }));

    assert.deepEqual(latest(index), ids.toReversed());
    assert.deepEqual(latest(index, ids[1]), [ids[0]]);
  });

  test('gives whoever goes through it each job once, while earlier ones are read and others look too', () => {
    const [early, late] = [
      [nextId(), nextId(), nextId()],
      [nextId(), nextId(), nextId()],
    ];
    const index = indexOf(late);
    const seen: string[] = [];

    for (const { id } of index.latest(null)) {
      seen.push(id);
      if (seen.length > 1) continue;
      for (const other of early) index.put(sighting({ id: other }));
      latest(index);
    }

    assert.deepEqual(seen, late.toReversed());
    assert.deepEqual(latest(index), [...early, ...late].toReversed());
  });

  test('gives whoever goes through it each job once, while very many others go', () => {
    const ids = Array.from({ length: 6_000 }, nextId);
    const index = indexOf(ids);
    const seen: string[] = [];

    for (const { id } of index.latest(null)) {
      seen.push(id);
      if (seen.length === 10) for (const gone of ids.slice(100, 5_900)) index.drop(gone);
    }

    assert.deepEqual(seen, [...ids.slice(0, 100), ...ids.slice(-100)].toReversed());
  });

  test('has no queue whose jobs are all gone, and counts those that change', () => {
    const index = new JobIndex();
    const id = nextId();
    const standing = { queue: 'tenant-7', priority: 5, attempt: 1, crashes: 0 };

    index.put(sighting({ id, standing }, { id }));
    index.put(sighting({ id, standing, state: 'succeeded', endedAtMs: 120_000 }, { id }));
    assert.deepEqual([...index.tallies.queues], ['tenant-7']);
    assert.equal(index.tallies.of('tenant-7').succeeded, 1);
    assert.equal(index.tallies.endedByMinute('tenant-7', 120_000).at(-1), 1);
    index.drop(id);

    assert.deepEqual([...index.tallies.queues], []);
    assert.equal(index.tallies.states.succeeded, 0);
  });

  test('finds its way from page to page past a job whose file says an impossible time', () => {
    const id = '11111111-2222-4333-8444-555555555555'; // It tells no time itself.
    const early = nextId();
    const index = indexOf([early]);
    const { order } = index.put(sighting({ id }, { id, enqueuedAtMs: 1e300 }));

    assert.ok(isOrder(order), order);
    assert.deepEqual(latest(index), [id, early]);
    assert.deepEqual(latest(index, order), [early]);
  });

  test('keeps of long errors no more than it shows', () => {
    const index = new JobIndex();
    const collect = garbageCollector();
    const [length, jobs] = [200_000, 200];
    const before = collect();

    for (let i = 0; i < jobs; i++) {
      const error = { name: 'Error', message: JSON.parse(JSON.stringify(`${i} ${'x'.repeat(length)}`)) };
      index.put(sighting({ state: 'failed' }, { id: nextId(), outcome: { state: 'failed', error } }));
    }

    const grown = collect() - before;
    assert.equal(index.size, jobs);
    assert.ok(grown < (length * jobs) / 4, `${grown} bytes are kept`);
  });
});

/** @returns collects what nobody keeps, and tells how many bytes are left */
function garbageCollector(): () => number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return () => {
    if (typeof collect === 'function') collect();
    return process.memoryUsage().heapUsed;
  };
}
