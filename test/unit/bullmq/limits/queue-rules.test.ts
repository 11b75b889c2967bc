/** Limits of queues, as BullMQ has them. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { Queue } from 'bullmq';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { LimitRules, QueueLimits } from '../../../../src/job/queue-limits.ts';
import { until } from '../../../support/conditions.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

let tests = 0;

interface Scene {
  /** @param aheadMs the clock of its machine before that of the server */
  readonly open: (aheadMs?: number) => Promise<Broker>;
  readonly queue: Queue;
  /** What BullMQ, and so any program that knows it, takes for the limits of the queue. */
  readonly seen: () => Promise<readonly unknown[]>;
}

async function scene(t: TestContext): Promise<Scene> {
  const server = await redisServer();
  const prefix = `rules_${++tests}`;
  const queue = new Queue('mail', { connection: { host: '127.0.0.1', port: server.port }, prefix });
  t.after(() => queue.close());
  return {
    queue,
    open: async (aheadMs = 0) => {
      const address = parseBrokerAddress(server.url(prefix));
      const broker = await openBullBroker({ address, nowMs: () => Date.now() + aheadMs });
      t.after(() => broker.close());
      return broker;
    },
    seen: async () => [await queue.getGlobalConcurrency(), await queue.getGlobalRateLimit()],
  };
}

function mail(limits: QueueLimits): LimitRules {
  return { queues: new Map([['mail', limits]]), tasks: new Map() };
}

describe('limits of queues', { skip: lacksRedis }, () => {
  test('a worker makes the limits of its settings BullMQ\u2019s', async (t) => {
    const { open, seen } = await scene(t);
    const broker = await open();
    const rate = { count: 25, periodMs: 1_000 };
    const keeper = await broker.keeper({ queues: null, limits: mail({ concurrency: 4, rate }) });
    t.after(() => keeper.close());

    // Spread evenly: three in 120 ms.
    assert.deepEqual(await seen(), [4, { max: 3, duration: 120 }]);
  });

  test('of several workers the strictest limit holds while its worker lives, and goes with the last that has one', async (t) => {
    const { open, seen } = await scene(t);
    const broker = await open();
    const rules = (concurrency: number): LimitRules => mail({ concurrency, rate: null });
    const lax = await broker.keeper({ queues: null, limits: rules(9) });
    const strict = await broker.keeper({ queues: null, limits: rules(2) });
    assert.deepEqual(await seen(), [2, null]);

    await strict.close();
    const third = await broker.keeper({ queues: null });
    assert.deepEqual(await seen(), [9, null]);
    await lax.close();
    const fourth = await broker.keeper({ queues: null });

    assert.deepEqual(await seen(), [null, null]);
    await Promise.all([third.close(), fourth.close()]);
  });

  for (const [mine, other] of [
    [-60_000, 0],
    [0, 60_000],
    [40_000, -40_000],
  ] as const) {
    test(`clocks that are ${mine / 1_000} s and ${other / 1_000} s ahead make no limit of a living worker go`, async (t) => {
      const { open, seen } = await scene(t);
      const limited = await (await open(mine)).keeper({ queues: null, limits: mail({ concurrency: 2, rate: null }) });
      t.after(() => limited.close());
      const elsewhere = await open(other);

      const keeper = await elsewhere.keeper({ queues: null });
      t.after(() => keeper.close());

      assert.deepEqual(await seen(), [2, null]);
      assert.equal((await elsewhere.tidy()).owners, 0);
      assert.deepEqual(
        (await elsewhere.owners()).map(({ verdict }) => verdict),
        ['alive', 'alive'],
      );
    });
  }

  test('a limit that settings have no more goes while a worker without it lives', { timeout: 60_000 }, async (t) => {
    const { open, seen } = await scene(t);
    const broker = await open();
    const keeper = await broker.keeper({ queues: null });
    t.after(() => keeper.close());
    const limited = await broker.keeper({ queues: null, limits: mail({ concurrency: 1, rate: null }) });
    assert.deepEqual(await seen(), [1, null]);

    await limited.close();

    await until(async () => (await seen())[0] === null, 'a round has found it');
  });

  test('limits that another program has set stay where no settings have any', async (t) => {
    const { open, seen, queue } = await scene(t);
    await queue.setGlobalConcurrency(7);
    await queue.setGlobalRateLimit(100, 60_000);
    const broker = await open();

    const keeper = await broker.keeper({ queues: null, limits: { queues: new Map(), tasks: new Map() } });
    await keeper.close();

    assert.deepEqual(await seen(), [7, { max: 100, duration: 60_000 }]);
  });

  test('a pause is BullMQ\u2019s, whoever pauses', async (t) => {
    const { open, queue } = await scene(t);
    const broker = await open();

    assert.equal(await broker.pause('mail'), true);
    assert.equal(await queue.isPaused(), true);
    await queue.resume();
    assert.deepEqual(await broker.paused(), []);
    await queue.pause();
    assert.deepEqual(await broker.paused(), ['mail']);
    assert.equal(await broker.resume('mail'), true);
    assert.equal(await queue.isPaused(), false);
  });
});
