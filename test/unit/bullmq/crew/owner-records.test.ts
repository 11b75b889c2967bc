/** Records of processes in a datastore: renewed in time, late or no more, and those of an fsq that tells less. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import type { Broker, OwnerInfo } from '../../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

let places = 0;

interface Place {
  readonly broker: Broker;
  /** Writes a record as a process would have, so long ago. */
  plant(owner: string, agoMs: number, parts?: Readonly<Record<string, unknown>>): Promise<void>;
  told(owner: string): Promise<OwnerInfo | undefined>;
}

async function place(t: TestContext): Promise<Place> {
  const { port, url } = await redisServer();
  const prefix = `owners_${++places}`;
  const broker = await openBullBroker({ address: parseBrokerAddress(url(prefix)) });
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
  t.after(async () => {
    await broker.close();
    redis.disconnect();
  });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const [key = ''] = await keyWith(redis, prefix, consumer.owner);
  await consumer.close();
  return {
    broker,
    plant: async (owner, agoMs, parts = {}) => {
      const record = {
        pid: 7,
        host: 'db1',
        startedAtMs: 1,
        role: 'child',
        parent: null,
        slots: 1,
        queues: null,
        tasks: [],
      };
      const text = JSON.stringify({ ...record, ...parts, seenAtMs: Date.now() - agoMs });
      await redis.hset(key, owner, text);
    },
    told: async (owner) => (await broker.owners()).find((one) => one.owner === owner),
  };
}

/** The hash that holds the record of this owner. */
async function keyWith(redis: Redis, prefix: string, owner: string): Promise<readonly string[]> {
  const keys = await redis.keys(`${prefix}*`);
  const has = await Promise.all(
    keys.map(async (key) => (await redis.type(key)) === 'hash' && (await redis.hexists(key, owner)) === 1),
  );
  return keys.filter((_, i) => has[i]);
}

describe('the record of a process in a datastore', { skip: lacksRedis, concurrency: 1 }, () => {
  test('that was renewed in time tells how late the process was for it', async (t) => {
    const { plant, told } = await place(t);
    await plant('a', 100, { delayMs: 4_200 });

    assert.deepEqual((await told('a'))?.pulse, { delayMs: 4_200, isBlocked: false });
  });

  test('tells the memory of its process, where it is a number of bytes', async (t) => {
    const { broker, plant, told } = await place(t);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    await plant('a', 100, { memoryBytes: 81_000_000 });
    await plant('older', 100);
    await plant('broken', 100, { memoryBytes: -1 });

    const own = (await told(consumer.owner))?.memoryBytes ?? 0;
    assert.ok(own > 10_000_000 && own < 10_000_000_000, `${own}`);
    assert.equal((await told('a'))?.memoryBytes, 81_000_000);
    assert.equal((await told('older'))?.memoryBytes, undefined);
    assert.equal((await told('broken'))?.memoryBytes, undefined);
    await consumer.close();
  });

  test('that is overdue shows for how long at least the event loop of its process has not turned', async (t) => {
    const { plant, told } = await place(t);
    await plant('a', 17_000, { delayMs: 0 });
    await plant('older', 17_000);

    for (const owner of ['a', 'older']) {
      const { verdict, pulse } = (await told(owner)) ?? {};
      assert.deepEqual([verdict, pulse?.isBlocked], ['alive', true]);
      assert.ok(pulse !== undefined && pulse.delayMs >= 12_000 && pulse.delayMs < 20_000, `${pulse?.delayMs} ms`);
    }
  });

  test('of a child that was not renewed for a minute is of one that is blocked while its worker lives, and of a dead one after that', async (t) => {
    const { plant, told } = await place(t);
    await plant('worker', 100, { role: 'supervisor' });
    await plant('child', 60_000, { parent: 'worker' });
    await plant('orphan', 60_000, { parent: 'gone' });
    const whileItLives = await told('child');

    await plant('worker', 60_000, { role: 'supervisor' });

    assert.deepEqual([whileItLives?.verdict, whileItLives?.pulse?.isBlocked], ['alive', true]);
    assert.deepEqual([(await told('child'))?.verdict, (await told('orphan'))?.verdict], ['dead', 'dead']);
  });

  test('of an older fsq tells nothing of these, and is read all the same', async (t) => {
    const { plant, told } = await place(t);
    await plant('worker', 100, { role: 'supervisor' });

    const { pid, verdict, restarts, pulse } = (await told('worker')) ?? {};

    assert.deepEqual([pid, verdict, restarts, pulse], [7, 'alive', undefined, undefined]);
  });
});
