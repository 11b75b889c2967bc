/** What any broker promises where workers with different tasks share queues. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import type { Keeper, KeeperOptions } from '../../src/broker/worker-side.ts';
import { returned, RUN } from '../support/factory.ts';
import { until } from '../support/conditions.ts';
import { nextWithin } from '../support/next-claim.ts';
import type { Lacks } from './capabilities.ts';
import { child, consumer, keeper, newJob, nextOf, type OpenBroker } from './parts.ts';

const PARKED = { kind: 'park', delayMs: 50_000, parked: { reason: 'unknown', sinceMs: 1 } } as const;

export function taskSets(open: OpenBroker, lacks: Lacks): void {
  const skip = { skip: lacks('leavesToOthers') };
  test(
    'jobs of a task that only another living worker knows are left to it, and no longer when it has gone',
    skip,
    async (t) => {
      const broker = await open(t);
      const mine = await worker(t, broker, ['mine']);
      const other = await worker(t, broker, ['other'], { queues: ['default'] });
      const left = newJob(broker, { task: 'other' });
      await broker.enqueue([left]);
      await until(() => mine.isIdle(), 'the first worker has heard of the other');
      const elsewhere = newJob(broker, { task: 'other', queue: 'else' });
      await broker.enqueue([elsewhere]);
      const { consumer: working } = await child(t, broker, mine);

      const first = await nextOf(working);
      assert.equal(first.job.id, elsewhere.job.id);
      await first.settle(returned(1), RUN);
      assert.equal(await nextWithin(working, 150), null);
      assert.equal(other.isIdle(), false);
      await other.close();

      const second = await nextOf(working);
      assert.equal(second.job.id, left.job.id);
      await second.settle(returned(2), RUN);
    },
  );

  test(
    'a worker whose tasks are all known to the others, and one that has not said its tasks, leaves nothing',
    skip,
    async (t) => {
      const broker = await open(t);
      const [first, second] = [await worker(t, broker, ['a', 'b']), await worker(t, broker, ['a'])];
      const silent = await keeper(t, broker);
      await broker.enqueue([newJob(broker, { task: 'b' })]);
      await until(() => second.isIdle(), 'the second has heard of the first');

      await broker.enqueue([newJob(broker, { task: 'a' })]);

      await until(() => !first.isIdle() && !silent.isIdle(), 'they have seen the job');
      const [theirs, mine] = [await child(t, broker, second), await child(t, broker, first)];
      assert.equal((await nextOf(theirs.consumer)).job.task, 'a');
      assert.equal((await nextOf(mine.consumer)).job.task, 'b');
    },
  );

  test('what is left to others does not keep a worker from being idle', skip, async (t) => {
    const broker = await open(t);
    const mine = await worker(t, broker, ['mine']);
    await worker(t, broker, ['other']);

    await broker.enqueue([newJob(broker, { task: 'other' })]);
    await until(() => mine.isIdle(), 'the first worker has heard of the other');
    await broker.enqueue([newJob(broker, { task: 'mine' })]);

    await until(() => !mine.isIdle(), 'it has seen the job');
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

  test('a child that waits leaves what is for others, and takes what is not', skip, async (t) => {
    const broker = await open(t);
    const mine = await worker(t, broker, ['mine']);
    await worker(t, broker, ['other']);
    await broker.enqueue([newJob(broker, { task: 'other' })]);
    await until(() => mine.isIdle(), 'the first worker has heard of the other');
    const { consumer: working, member } = await child(t, broker, mine);
    const next = nextOf(working);
    await until(() => member.isIdle, 'the child waits');

    await broker.enqueue([newJob(broker, { task: 'other' })]);
    await broker.enqueue([newJob(broker, { task: 'mine' })]);

    const claim = await next;
    assert.equal(claim.job.task, 'mine');
    assert.equal((await broker.counts()).pending, 2);
    await claim.settle(returned(1), RUN);
  });
}

/** The keeper of a worker that knows these tasks. */
async function worker(
  t: TestContext,
  broker: Broker,
  tasks: readonly string[],
  options: Partial<KeeperOptions> = {},
): Promise<Keeper> {
  const each = await keeper(t, broker, options);
  each.know(tasks);
  return each;
}
