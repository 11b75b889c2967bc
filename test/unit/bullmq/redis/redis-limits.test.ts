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
    let next = nextOf(other);
    await until(async () => (await broker.counts()).delayed === 3, 'three are held back');
    await broker.enqueue([newJob(broker, { enqueuedAtMs: atMs + 9 })]);
    const order: string[] = [];

    for (let i = 0; i < 3; i++) {
      await claim.settle(returned(1), RUN);
      claim = await next;
      order.push(claim.job.id);
      if (i < 2) next = nextOf(other);
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
    // A start lies between the question and its answer, which this process may be late to hear.
    const starts: { readonly fromMs: number; readonly toMs: number }[] = [];
    const stop = new AbortController();

    const working = consumers.map(async (each) => {
      for (;;) {
        const fromMs = Date.now();
        const claim = await each.next(stop.signal);
        if (claim === null) return;
        starts.push({ fromMs, toMs: Date.now() });
        await claim.settle(returned(1), RUN);
      }
    });
    await until(async () => (await broker.counts()).results === jobs.length, 'all have run');
    stop.abort();
    await Promise.all(working);

    // Two in each tenth of a second: the first two may come at the end of theirs.
    const mostMs = (from: number, to: number): number => (starts.at(to)?.toMs ?? 0) - (starts[from]?.fromMs ?? 0);
    assert.ok(mostMs(0, -1) >= 380, `${mostMs(0, -1)} ms`);
    for (let i = 4; i < starts.length; i++) assert.ok(mostMs(i - 4, i) >= 20, JSON.stringify(starts));
  });

  test('a worker that ends when nothing is left waits for what a limit holds back, and not for what was revoked', async (t) => {
    const broker = await openOne(t);
    const limits = echo({ concurrency: 1 });
    const jobs = [newJob(broker), newJob(broker), newJob(broker)];
    await broker.enqueue(jobs);
    const each = await consumer(t, broker, { limits });
    const claim = await nextOf(each);
    const enough = new AbortController();
    const none = each.next(enough.signal);
    await until(async () => (await broker.counts()).delayed === 2, 'two are held back');
    enough.abort();
    assert.equal(await none, null);
    const burst = await keeper(t, broker, { isBurst: true, limits });
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
