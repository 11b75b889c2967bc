import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Broker } from '../../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { openRedis } from '../../../../src/bullmq/redis/open-redis.ts';
import type { Engine } from '../../../../src/bullmq/engine.ts';
import { until } from '../../../support/conditions.ts';
import { consumer, newJob, nextOf } from '../../../conformance/parts.ts';
import { returned, RUN } from '../../../support/factory.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

/** A broker, and the engine of another opening of the same place. */
async function place(t: TestContext, name: string): Promise<{ broker: Broker; engine: Engine }> {
  const address = parseBrokerAddress((await redisServer()).url(name));
  const broker = await openBullBroker({ address });
  t.after(() => broker.close());
  assert.ok(address.kind === 'redis');
  const engine = await openRedis(address, { address });
  t.after(engine.use());
  return { broker, engine };
}

/** All ids of a state, by pages of this size. */
async function paged(engine: Engine, state: 'waiting' | 'delayed' | 'completed', size: number): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const page = await engine.store.page('default', state, after, size);
    ids.push(...page.jobs.map(({ id }) => id));
    after = page.next;
  } while (after !== null);
  return ids;
}

test(
  'pages of any size give each waiting job once, in the order in which they are to run',
  { skip: lacksRedis },
  async (t) => {
    const { broker, engine } = await place(t, 'pages');
    const jobs = [9, 0, 5].flatMap((priority) => Array.from({ length: 7 }, () => newJob(broker, { priority })));
    await broker.enqueue(jobs);
    const ids = [...jobs.slice(7, 14), ...jobs.slice(14), ...jobs.slice(0, 7)].map(({ job }) => job.id);

    for (const size of [1, 2, 7, 20, 21, 22]) assert.deepEqual(await paged(engine, 'waiting', size), ids, `${size}`);
  },
);

test(
  'a page goes on behind the jobs that are left when the one before it has gone',
  { skip: lacksRedis },
  async (t) => {
    const { broker, engine } = await place(t, 'gone');
    const jobs = Array.from({ length: 9 }, () => newJob(broker, { priority: 0 }));
    await broker.enqueue(jobs);
    const { next } = await engine.store.page('default', 'waiting', null, 3);
    const each = await consumer(t, broker);
    for (let i = 0; i < 3; i++) await (await nextOf(each)).settle(returned(1), RUN);

    const rest = await engine.store.page('default', 'waiting', next, 9);

    const left = jobs.slice(3).map(({ job }) => job.id);
    assert.deepEqual(
      rest.jobs.map(({ id }) => id),
      left,
    );
  },
);

test(
  'jobs that are due in one millisecond, and that ended in one, are each given once',
  { skip: lacksRedis },
  async (t) => {
    const { broker, engine } = await place(t, 'ties');
    const etaMs = Date.now() + 60_000;
    const jobs = Array.from({ length: 25 }, () => newJob(broker, { etaMs }));
    await broker.enqueue(jobs);
    const ended = Array.from({ length: 25 }, () => newJob(broker));
    await broker.enqueue(ended);
    const each = await consumer(t, broker);
    for (let i = 0; i < 25; i++) await (await nextOf(each)).settle(returned(1), RUN);

    for (const size of [1, 4, 25]) {
      assert.deepEqual((await paged(engine, 'delayed', size)).toSorted(), jobs.map(({ job }) => job.id).toSorted());
      assert.deepEqual((await paged(engine, 'completed', size)).toSorted(), ended.map(({ job }) => job.id).toSorted());
    }
  },
);

test(
  'a listing of several queues gives the most urgent first, then those due first, then those that ended last',
  { skip: lacksRedis },
  async (t) => {
    const { broker } = await place(t, 'queues');
    const soonMs = Date.now() + 60_000;
    const [first, second, third] = [newJob(broker, { queue: 'b' }), newJob(broker), newJob(broker, { queue: 'b' })];
    const urgent = newJob(broker, { queue: 'b', priority: 1 });
    const [late, soon] = [newJob(broker, { etaMs: soonMs + 1_000 }), newJob(broker, { queue: 'b', etaMs: soonMs })];
    await broker.enqueue([first, second, third, urgent, late, soon]);

    const ids = async (limit: number): Promise<readonly string[]> =>
      (await broker.list(['pending', 'delayed', 'results'], limit)).map(({ id }) => id);

    const order = [urgent, first, second, third, soon, late].map(({ job }) => job.id);
    assert.deepEqual(await ids(10), order);
    assert.deepEqual(await ids(5), order.slice(0, 5));
    const each = await consumer(t, broker, { queues: ['b'] });
    for (let i = 0; i < 2; i++) {
      await (await nextOf(each)).settle(returned(1), RUN);
      const before = Date.now();
      await until(() => Date.now() > before, 'the next one ends in another millisecond');
    }
    assert.deepEqual(
      await ids(10),
      [second, third, soon, late, first, urgent].map(({ job }) => job.id),
    );
  },
);

test('the backlog tells the oldest of all queues, and how many of each are ready', { skip: lacksRedis }, async (t) => {
  const { broker } = await place(t, 'backlog');
  const empty = await broker.backlog();
  const old = newJob(broker, { queue: 'b', priority: 9 });
  const jobs = [newJob(broker, { priority: 0 }), newJob(broker, { priority: 1 }), newJob(broker, { queue: 'b' })];
  await broker.enqueue([...jobs, old, newJob(broker, { etaMs: Date.now() + 60_000 })]);

  const { oldest, queues, oldestAtMs } = await broker.backlog();

  assert.deepEqual(empty, { oldestAtMs: null, queues: {}, foreign: [] });
  assert.deepEqual(queues, { default: 2, b: 2 });
  assert.equal(oldest?.id, old.job.id);
  assert.ok(Math.abs((oldestAtMs ?? 0) - Date.now()) < 60_000);
});

test(
  'a prefix with characters of a pattern finds nothing, and keys of BullMQ itself are no jobs',
  { skip: lacksRedis },
  async (t) => {
    const { broker } = await place(t, 'pattern');
    const { job } = newJob(broker);
    await broker.enqueue([{ ...newJob(broker), job }]);
    assert.deepEqual([await broker.find('meta'), await broker.find('events')], [null, null]);
    const found = async (prefix: string): Promise<readonly string[]> => broker.idsByPrefix(prefix, 10);

    assert.deepEqual(await found(job.id), [job.id]);
    assert.deepEqual(
      [await found('*'), await found('[0-9a-f]'), await found('meta'), await found('ev')],
      [[], [], [], []],
    );
  },
);

test(
  'a listing may take as long as there are jobs: each of its steps has a time of its own',
  { skip: lacksRedis },
  async (t) => {
    const { broker } = await place(t, 'long');
    const jobs = Array.from({ length: 300 }, () => newJob(broker));
    await broker.enqueue(jobs);
    await broker.counts();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let seen = 0;

    const found = await broker.list(['pending'], Number.MAX_SAFE_INTEGER, () => {
      // Six seconds for each hundred.
      if (++seen % 100 === 0) t.mock.timers.tick(6_000);
      return true;
    });

    assert.equal(found.length, jobs.length);
  },
);
