import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Sighting } from '../../../../../src/broker/broker.ts';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { matchingIds, pageOf } from '../../../../../src/ui/desk/index/pages-of-jobs.ts';
import { matcherOf } from '../../../../../src/ui/desk/index/row-matcher.ts';
import type { JobPage, JobQuery } from '../../../../../src/ui/wire.ts';
import { nextId } from '../../../../support/factory.ts';
import { sighting } from '../../../../support/sighting.ts';

interface Scene {
  readonly index: JobIndex;
  page(query: JobQuery, before?: string | null): Promise<JobPage>;
  /** All that match are looked at, as before an act on them. */
  countAll(query: JobQuery): Promise<number>;
  /** How many jobs were read since this was asked last. */
  readSince(): number;
}

/** Jobs with these arguments, of which the last fourth has failed; a look at some takes a fifth of a second. */
function scene(t: TestContext, args: readonly string[]): Scene {
  let [nowMs, read] = [1_000, 0];
  t.mock.method(performance, 'now', () => nowMs);
  const index = new JobIndex();
  const jobs = new Map<string, Sighting>();
  for (const [i, arg] of args.entries()) {
    const id = nextId();
    const isFailed = i >= (args.length * 3) / 4;
    const job = sighting({ id, state: isFailed ? 'failed' : 'pending' }, { id, args: [arg] });
    jobs.set(id, job);
    index.put(job);
  }
  index.isComplete = true;
  const source: Parameters<typeof pageOf>[0] = {
    find: async () => null,
    changed: async (seen) => {
      [nowMs, read] = [nowMs + 200, read + seen.size];
      const found = [...seen.keys()].flatMap((id) => jobs.get(id) ?? []);
      return new Map(found.map((job) => [job.id, { mark: '', atMs: nowMs, sighting: job }]));
    },
  };
  const matcher = (query: JobQuery): ReturnType<typeof matcherOf> => matcherOf(query, 0, false);
  return {
    index,
    page: (query, before = null) => pageOf(source, { index, matcher: matcher(query), before, hidesArguments: false }),
    countAll: async (query) => (await matchingIds(source, index, matcher(query), Number.POSITIVE_INFINITY)).length,
    readSince: () => {
      const last = read;
      read = 0;
      return last;
    },
  };
}

const thousand = (textOf: (i: number) => string): readonly string[] =>
  Array.from({ length: 1_000 }, (_, i) => textOf(i));

describe('a text in the arguments of jobs', () => {
  test('is looked for in some of them in one answer; who asks again gets more, and each is read once', async (t) => {
    const { page, readSince } = scene(
      t,
      thousand((i) => (i % 100 === 7 ? 'anna' : 'otto')),
    );

    const answers = [await page({ text: 'anna' }), await page({ text: 'anna' }), await page({ text: 'anna' })];

    assert.deepEqual(
      answers.map(({ jobs, total, isComplete, search }) => [jobs.length, total, isComplete, search]),
      [
        [4, null, false, { read: 400, of: 1_000 }],
        [8, null, false, { read: 800, of: 1_000 }],
        [10, 10, true, { read: 1_000, of: 1_000 }],
      ],
    );
    assert.deepEqual([answers[0]?.next === null, answers[2]?.next], [false, null]);
    assert.equal(readSince(), 1_000 + 4 + 8 + 10, 'all once, and those that are shown once more');
    await page({ text: 'anna' });
    assert.equal(readSince(), 10);
  });

  test('that many have fills the page, whose total is known once all were counted', async (t) => {
    const { page, countAll } = scene(
      t,
      thousand(() => 'anna'),
    );
    const first = await page({ text: 'anna' });
    assert.deepEqual([first.jobs.length, first.total, first.isComplete], [100, null, true]);
    const second = await page({ text: 'anna' }, first.next);
    assert.equal(new Set([...first.jobs, ...second.jobs].map(({ id }) => id)).size, 200);

    assert.equal(await countAll({ text: 'anna' }), 1_000);

    const again = await page({ text: 'anna' });
    assert.deepEqual([again.total, again.states?.failed, again.states?.pending], [1_000, 250, 750]);
    assert.equal((await page({ text: 'anna', states: ['failed'] })).total, 250);
  });

  test('is looked for anew in a job that waited for the values of others, or was gone', async (t) => {
    const { page, index } = scene(t, ['anna', 'anna']);
    assert.equal((await page({ text: 'otto' })).total, 0);
    const [id = ''] = [...index.rows()].map((row) => row.id);

    index.put(sighting({ id, state: 'delayed' }));
    index.put(sighting({ id, state: 'pending' }, { id, args: ['otto'] }));

    assert.equal(index.texts.of('otto').has(id), false);
    index.texts.of('otto').set(id, true);
    index.drop(id);
    assert.equal(index.texts.of('otto').has(id), false);
  });

  test('is looked for anew in a job that was sent back, and has waited for others without being seen', async (t) => {
    const { index } = scene(t, ['anna']);
    const [id = ''] = [...index.rows()].map((row) => row.id);
    index.put(sighting({ id, state: 'failed' }));
    index.texts.of('otto').set(id, false);

    index.put(sighting({ id, state: 'running', owner: '1-a' }, { id, args: ['otto'] }));

    assert.equal(index.texts.of('otto').has(id), false);
  });
});

describe('a look at jobs that takes its time', () => {
  /** A page of one job that is pending, of which something else comes to the index while it is looked at. */
  async function pageDuring(found: Sighting | null, meanwhile: (index: JobIndex) => void): Promise<JobIndex> {
    const index = new JobIndex();
    index.put(sighting({ id: ID }, { id: ID }));
    index.isComplete = true;
    const source: Parameters<typeof pageOf>[0] = {
      find: async () => found,
      changed: async () => {
        meanwhile(index);
        return new Map(found === null ? [] : [[ID, { mark: '', atMs: 0, sighting: found }]]);
      },
    };
    await pageOf(source, { index, matcher: matcherOf({}, 0, false), before: null, hidesArguments: false });
    return index;
  }
  const ID = nextId();
  const running = sighting({ id: ID, state: 'running', owner: '1-a' }, { id: ID });
  const over = sighting({ id: ID, state: 'succeeded', endedAtMs: 1 }, { id: ID });

  test('leaves what has come to the index since, of which nobody tells again', async () => {
    const index = await pageDuring(running, (index) => void index.put(over));

    assert.equal(index.get(ID)?.state, 'succeeded');
    assert.deepEqual([index.tallies.states.running, index.tallies.states.succeeded], [0, 1]);
  });

  test('brings back no job that is gone since, and takes none away that has come back', async () => {
    assert.equal((await pageDuring(over, (index) => index.drop(ID))).size, 0);
    assert.equal((await pageDuring(null, (index) => void index.put(running))).size, 1);
  });

  test('is taken where nothing has come since', async () => {
    assert.equal((await pageDuring(running, () => undefined)).get(ID)?.state, 'running');
    assert.equal((await pageDuring(null, () => undefined)).size, 0);
  });
});

test('how many jobs are in each state is told of those that match, whatever states are asked for', async (t) => {
  const { page } = scene(
    t,
    thousand((i) => (i % 100 === 7 ? 'anna' : 'otto')),
  );

  for (const states of [[], ['failed'], ['failed', 'pending']] as const) {
    const { states: counts } = await page({ states, tasks: ['none'] });
    assert.deepEqual([counts?.failed, counts?.pending], [0, 0]);
    const all = await page({ states });
    assert.deepEqual([all.states?.failed, all.states?.pending], [250, 750]);
  }
  assert.equal((await page({ states: ['failed'] })).total, 250);
  assert.equal((await page({ states: ['failed'], text: 'anna' })).states, null, 'nobody has read the others');
});
