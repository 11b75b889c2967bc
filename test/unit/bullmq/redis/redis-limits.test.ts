/** Limits of tasks and keys on a Redis: who waits, in which order they come, and what becomes of those that never do. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import type { LimitRules, QueueLimits } from '../../../../src/job/queue-limits.ts';
import { consumer, keeper, newJob, nextOf } from '../../../conformance/parts.ts';
import { until } from '../../../support/conditions.ts';
import { returned, RUN } from '../../../support/factory.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

let tests = 0;

async function openOne(t: TestContext): Promise<Broker> {
  const address = (await redisServer()).url(`task_limits_${++tests}`);
  const broker = await openBullBroker({ address: parseBrokerAddress(address) });
  t.after(() => broker.close());
  return broker;
}

function echo(limits: Partial<QueueLimits>): LimitRules {
  return { queues: new Map(), tasks: new Map([['echo', { concurrency: null, rate: null, ...limits }]]) };
}

describe('limits of tasks', { skip: lacksRedis }, () => {
  test('what was held back comes by priority and age, before what is sent later', async (t) => {
    const broker = await openOne(t);
    const limits = echo({ concurrency: 1 });
    const atMs = Date.now();
    const [first, second, third, urgent] = [5, 5, 5, 1].map((priority, i) =>
      newJob(broker, { priority, enqueuedAtMs: atMs + i }),
    );
    assert.ok(first !== undefined && second !== undefined && third !== undefined && urgent !== undefined);
    const [one, other] = [await consumer(t, broker, { limits }), await consumer(t, broker, { limits })];
    await broker.enqueue([first]);
    let claim = await nextOf(one);
    await broker.enqueue([third, second, urgent]);
    assert.equal(await nextWithin(other, 300), null);
    await broker.enqueue([newJob(broker, { enqueuedAtMs: atMs + 9 })]);
    const order: string[] = [];

    for (let i = 0; i < 3; i++) {
      await claim.settle(returned(1), RUN);
      claim = await nextOf(other);
      order.push(claim.job.id);
    }

    assert.deepEqual(
      order,
      [urgent, second, third].map(({ job: { id } }) => id),
    );
  });

  test('a job that waits for room has begun no attempt, and others go on', async (t) => {
    const broker = await openOne(t);
    const limits = echo({ perKey: 1 });
    const [ran, waits, free] = [
      newJob(broker, { options: { limitKey: 'ann' } }),
      newJob(broker, { options: { limitKey: 'ann' } }),
      newJob(broker, { options: { limitKey: 'bob' } }),
    ];
    await broker.enqueue([ran, waits, free]);
    const each = await consumer(t, broker, { limits });

    const ids = [(await nextOf(each)).job.id, (await nextOf(each)).job.id];

    assert.deepEqual(ids, [ran.job.id, free.job.id]);
    assert.equal(await nextWithin(each, 100), null);
    const { standing, state, record } = (await broker.find(waits.job.id)) ?? assert.fail('it is nowhere');
    assert.deepEqual([standing.attempt, state, record?.attempts], [0, 'delayed', []]);
  });

  test('the starts of a task are spread evenly, and wait in line', async (t) => {
    const broker = await openOne(t);
    const limits = echo({ rate: { count: 20, periodMs: 1_000 } });
    const jobs = Array.from({ length: 12 }, () => newJob(broker));
    await broker.enqueue(jobs);
    const consumers = [await consumer(t, broker, { limits }), await consumer(t, broker, { limits })];
    const starts: number[] = [];
    const stop = new AbortController();

    const working = consumers.map(async (each) => {
      for (let claim = await each.next(stop.signal); claim !== null; claim = await each.next(stop.signal)) {
        starts.push(Date.now());
        await claim.settle(returned(1), RUN);
      }
    });
    await until(async () => (await broker.counts()).results === jobs.length, 'all have run');
    stop.abort();
    await Promise.all(working);

    // Two in each tenth of a second: the first two may come at the end of theirs.
    const took = (starts.at(-1) ?? 0) - (starts[0] ?? 0);
    assert.ok(took >= 380, `${took} ms`);
    for (let i = 4; i < starts.length; i++) assert.ok((starts[i] ?? 0) - (starts[i - 4] ?? 0) >= 20, starts.join(' '));
  });

  test('a worker that ends when nothing is left waits for what a limit holds back, and not for what was revoked', async (t) => {
    const broker = await openOne(t);
    const limits = echo({ concurrency: 1 });
    const jobs = [newJob(broker), newJob(broker), newJob(broker)];
    await broker.enqueue(jobs);
    const each = await consumer(t, broker, { limits });
    const claim = await nextOf(each);
    assert.equal(await nextWithin(each, 200), null);
    const burst = await keeper(t, broker, { isBurst: true, limits });
    await until(async () => (await broker.counts()).delayed === 2, 'two are held back');
    await new Promise((resolve) => setTimeout(resolve, 500)); // It has looked more than once by then.
    assert.equal(burst.isIdle(), false);

    await broker.revoke(jobs.slice(1).map(({ job }) => job.id));

    await until(() => burst.isIdle(), 'nothing is left');
    await claim.settle(returned(1), RUN);
    const last = newJob(broker);
    await broker.enqueue([last]);
    assert.equal((await nextOf(each)).job.id, last.job.id);
  });
});
