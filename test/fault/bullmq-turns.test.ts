/** Limit keys have no turns on BullMQ, where the age decides: nobody starves all the same. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import type { LimitRules } from '../../src/job/queue-limits.ts';
import { until } from '../support/conditions.ts';
import { job, returned, RUN } from '../support/factory.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';

/** In each of which every producer sends some jobs. */
const ROUNDS = 10;
const RUN_MS = 3;

interface Begun {
  readonly key: string;
  readonly producer: number;
}

for (const concurrency of [null, 2]) {
  const room = concurrency === null ? 'any number' : `at most ${concurrency}`;
  test(`of 3 producers and 2 keys, ${room} at a time, one floods: nobody starves`, { skip: lacksRedis }, async (t) => {
    const server = await redisServer();
    const open = async (): Promise<Broker> => {
      const broker = await openBullBroker({ address: parseBrokerAddress(server.url(`turns_${concurrency}`)) });
      t.after(() => broker.close());
      return broker;
    };
    const producers = await Promise.all([open(), open(), open()]);
    const tasks = new Map([['echo', { concurrency, rate: null, perKey: 1 }]]);
    const workers = await open();
    const keeper = await workers.keeper({ queues: null, limits: { queues: new Map(), tasks } });
    const stop = new AbortController();
    const begun: Begun[] = [];
    const working = Array.from({ length: 4 }, () => work(workers, { queues: new Map(), tasks }, begun, stop.signal));
    t.after(async () => {
      stop.abort();
      await Promise.all(working);
      await keeper.close();
    });

    // The third sends to both keys, and less.
    const send = async (broker: Broker, producer: number): Promise<void> => {
      const keys = producer === 2 ? ['a', 'b'] : ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a'];
      for (let round = 0; round < ROUNDS; round++) {
        const one = (key: string): ReturnType<typeof job> =>
          job({ id: broker.nextId(), args: [key, producer], options: { limitKey: key } });
        await broker.enqueue(keys.map(one));
        await wait(RUN_MS);
      }
    };
    await Promise.all(producers.map(send));
    await until(() => begun.length === 18 * ROUNDS, 'all have begun', 60_000);

    // What is rare comes long before the flood is over, and what came first, whoever sent it, is not passed by all others.
    const lastOf = (is: (one: Begun) => boolean): number => begun.findLastIndex(is) / begun.length;
    assert.ok(lastOf(({ key }) => key === 'b') < 0.8, `the last of b was at ${lastOf(({ key }) => key === 'b')}`);
    for (const producer of [0, 1, 2]) {
      const places = begun.flatMap((one, i) => (one.producer === producer && one.key === 'a' ? [i] : []));
      const longest = Math.max(...places.map((at, i) => at - (places[i - 1] ?? 0)));
      assert.ok(longest < begun.length / 2, `${longest} others came between two of producer ${producer}`);
    }
  });
}

async function work(broker: Broker, limits: LimitRules, begun: Begun[], signal: AbortSignal): Promise<void> {
  const consumer = await broker.consumer({ queues: null, tasks: [], limits });
  for (let claim = await consumer.next(signal); claim !== null; claim = await consumer.next(signal)) {
    const [key, producer] = claim.job.args;
    begun.push({ key: String(key), producer: Number(producer) });
    await wait(RUN_MS);
    await claim.settle(returned(1), RUN);
  }
  await consumer.close();
}
