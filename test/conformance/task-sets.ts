/** What any broker promises where workers with different tasks share queues. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import type { Keeper, KeeperOptions, TaskElsewhere } from '../../src/broker/worker-side.ts';
import { returned, RUN } from '../support/factory.ts';
import { until } from '../support/conditions.ts';
import { consumer, hintsOf, keeper, newJob, nextOf, type OpenBroker } from './parts.ts';

const PARKED = { kind: 'park', delayMs: 50_000, parked: { reason: 'unknown', sinceMs: 1 } } as const;

export function taskSets(open: OpenBroker): void {
  test('jobs of a task that only another living worker knows are left to it, and no longer when it has gone', async (t) => {
    const broker = await open(t);
    const mine = await worker(t, broker, ['mine']);
    const other = await worker(t, broker, ['other'], { queues: ['default'] });
    await until(() => mine.left().length > 0, 'the first worker has heard of the other');
    await broker.enqueue([newJob(broker, { task: 'other' }), newJob(broker, { task: 'other', queue: 'else' })]);

    assert.deepEqual(mine.left(), [{ task: 'other', queues: ['default'] }]);
    assert.deepEqual(mine.queuesGiven(10), ['else']);
    assert.deepEqual(other.queuesGiven(10), ['default']);
    await other.keeper.close();
    await until(() => mine.left().length === 0, 'the first worker has heard that the other has ended');
    assert.deepEqual(await until(() => either(mine.queuesGiven(10)), 'the job is given out'), ['default', 'else']);
  });

  test('a worker whose tasks are all known to the others, and one that has not said its tasks, leaves nothing', async (t) => {
    const broker = await open(t);
    const [first, second] = [await worker(t, broker, ['a', 'b']), await worker(t, broker, ['a'])];
    const silent = await keeper(t, broker);
    await until(() => second.left().length > 0, 'the second has heard of the first');

    await broker.enqueue([newJob(broker, { task: 'a' }), newJob(broker, { task: 'b' })]);

    assert.deepEqual(first.left(), []);
    assert.equal(first.queuesGiven(10).length, 2);
    assert.equal(second.queuesGiven(10).length, 1);
    assert.equal(silent.isIdle(), false);
  });

  test('what is left to others does not keep a worker from being idle', async (t) => {
    const broker = await open(t);
    const mine = await worker(t, broker, ['mine']);
    await worker(t, broker, ['other']);
    await until(() => mine.left().length > 0, 'the first worker has heard of the other');

    await broker.enqueue([newJob(broker, { task: 'other' })]);
    const before = mine.keeper.isIdle();
    await broker.enqueue([newJob(broker, { task: 'mine' })]);

    assert.deepEqual([before, mine.keeper.isIdle()], [true, false]);
  });

  test('a job that is parked although a living worker knows its task is ready at once', async (t) => {
    const broker = await open(t);
    await worker(t, broker, ['other'], { queues: ['default'] });
    const jobs = [newJob(broker, { task: 'other' }), newJob(broker, { task: 'other', queue: 'else' })];
    await broker.enqueue(jobs);
    const each = await consumer(t, broker);

    const claims = [await nextOf(each), await nextOf(each)];
    for (const claim of claims) await claim.settle(PARKED, null);

    const found = await Promise.all(jobs.map(({ job }) => broker.find(job.id)));
    assert.deepEqual(
      found.map((sighting) => [sighting?.state, sighting?.standing.attempt]),
      [
        ['pending', 0],
        ['delayed', 0],
      ],
    );
  });

  test('a job that was parked behind thousands is ready as soon as a worker comes that knows its task', async (t) => {
    const broker = await open(t);
    await broker.enqueue([newJob(broker, { task: 'other' })]);
    const claim = await nextOf(await consumer(t, broker));
    await claim.settle(PARKED, null);
    const soon = Array.from({ length: 3_000 }, () => newJob(broker, { etaMs: Date.now() + 40_000 }));
    await broker.enqueue(soon);

    await worker(t, broker, ['other']);

    await until(async () => (await broker.find(claim.job.id))?.state === 'pending', 'it is ready');
    assert.equal((await broker.counts()).delayed, soon.length);
  });

  test('a lookout leaves what is for others, and takes what is not', async (t) => {
    const broker = await open(t);
    const hints = hintsOf();
    const each = await consumer(t, broker, { hints });
    hints.tell({ type: 'elsewhere', tasks: [{ task: 'other', queues: null }] });
    hints.tell({ type: 'lookout', isPosted: true });
    const next = nextOf(each);

    await broker.enqueue([newJob(broker, { task: 'other' })]);
    await broker.enqueue([newJob(broker, { task: 'mine' })]);

    const claim = await next;
    assert.equal(claim.job.task, 'mine');
    assert.equal((await broker.counts()).pending, 1);
    await claim.settle(returned(1), RUN);
  });
}

interface OneWorker {
  readonly keeper: Keeper;
  /** What it leaves to others, as far as it has told. */
  readonly left: () => readonly TaskElsewhere[];
  /** The queues of the names that it gives out, sorted. */
  readonly queuesGiven: (max: number) => readonly string[];
}

async function worker(
  t: TestContext,
  broker: Broker,
  tasks: readonly string[],
  options: Partial<KeeperOptions> = {},
): Promise<OneWorker> {
  let left: readonly TaskElsewhere[] = [];
  const each = await keeper(t, broker, {
    ...options,
    onInstruction: (instruction) => instruction.type === 'elsewhere' && (left = instruction.tasks),
  });
  each.know(tasks);
  const given = (max: number): string[] => {
    const names: string[] = [];
    for (let more = each.take(max); more.length > 0; more = each.take(max)) names.push(...more);
    return names.map((name) => name.split('.')[2] ?? '').toSorted();
  };
  return { keeper: each, left: () => left, queuesGiven: given };
}

/** All of what was given out before counts too: names that nobody takes come again. */
function either(queues: readonly string[]): readonly string[] | null {
  return queues.length === 2 ? queues : null;
}
