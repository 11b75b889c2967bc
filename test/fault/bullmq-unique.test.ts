/** The same on BullMQ, and the ways in which a key comes free there. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { StandIn } from '../../src/broker/new-job.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import { claimNext } from '../conformance/parts.ts';
import { until } from '../support/conditions.ts';
import { job, returned, RUN } from '../support/factory.ts';
import { REPOSITORY } from '../support/project.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { ASKING, assertRace, CALLS, KEYS, produce } from '../support/unique-race.ts';

function srcUrl(path: string): string {
  return JSON.stringify(pathToFileURL(join(REPOSITORY, 'src', path)).href);
}

const PRODUCER = `
import { writeSync } from 'node:fs';
const { openBullBroker } = await import(${srcUrl('bullmq/bull-broker.ts')});
const { parseBrokerAddress } = await import(${srcUrl('broker/broker-address.ts')});
const [address, keys] = process.argv.slice(1);
const broker = await openBullBroker({ address: parseBrokerAddress(address) });
${ASKING}
await broker.close();
`;

interface Scene {
  readonly broker: Broker;
  readonly prefix: string;
  readonly connection: { readonly host: string; readonly port: number };
  readonly url: string;
}

const HOUR_MS = 3_600_000;
const DEBOUNCE = { waitMs: HOUR_MS, mostMs: null } as const;

let tests = 0;

async function scene(t: TestContext): Promise<Scene> {
  const server = await redisServer();
  const prefix = `unique_${++tests}`;
  const url = server.url(prefix);
  const broker = await openBullBroker({ address: parseBrokerAddress(url) });
  t.after(() => broker.close());
  return { broker, prefix, url, connection: { host: '127.0.0.1', port: server.port } };
}

/** Sends a job with the key 'a'; its id, or null where another stands for it. */
async function send(broker: Broker): Promise<string | null> {
  const sent = job({ id: broker.nextId(), options: { key: 'a' } });
  const { id, isDuplicate } = await broker.enqueueUnique(sent, { key: 'a', until: 'ended' });
  return isDuplicate ? null : id;
}

describe('keys on BullMQ', { skip: lacksRedis }, () => {
  test(`6 processes ask for ${KEYS} keys ${CALLS} times`, async (t) => {
    const { broker, url } = await scene(t);
    const node = ['--import', 'tsx', '--input-type=module', '--eval', PRODUCER];
    const producers = Array.from({ length: 6 }, (_, n) => produce(t, n + 1, node, url));

    await assertRace(t, broker, producers);
  });

  const ends: Readonly<Record<string, (scene: Scene, id: string, t: TestContext) => Promise<void>>> = {
    'is revoked while it waits': async ({ broker }, id) => void (await broker.revoke([id])),
    'ends, and is forgotten': async ({ broker }, id, t) => {
      await (await claimNext(t, broker)).settle(returned(1), RUN);
      await broker.forget([id]);
    },
    'is removed in a dashboard': async ({ connection, prefix }, id) => {
      const queue = new Queue('default', { connection, prefix });
      await queue.remove(id);
      await queue.close();
    },
    'is failed by a worker of BullMQ': async ({ broker, connection, prefix }, id) => {
      const worker = new Worker('default', () => Promise.reject(new Error('no')), { connection, prefix });
      await until(async () => (await broker.find(id))?.state === 'failed', 'it has failed');
      await worker.close();
    },
  };
  for (const [how, end] of Object.entries(ends))
    test(`a key is free when its job ${how}`, async (t) => {
      const at = await scene(t);
      const first = (await send(at.broker)) ?? assert.fail('the key is taken');
      assert.equal(await send(at.broker), null);

      await end(at, first, t);

      assert.notEqual(await send(at.broker), null);
    });

  test('a debounced call sends a job of its own beside one that cannot be read', async (t) => {
    const { broker, connection, prefix } = await scene(t);
    const redis = new Redis({ ...connection });
    t.after(() => redis.disconnect());
    const call = async (): Promise<{ readonly id: string; readonly answer: StandIn }> => {
      const sent = job({ id: broker.nextId(), options: { key: 'a' } });
      const uniqueness = { key: 'a', until: 'started', debounce: DEBOUNCE } as const;
      return { id: sent.job.id, answer: await broker.enqueueUnique(sent, uniqueness) };
    };
    const first = await call();
    await redis.hset(`${prefix}:default:${first.id}`, 'data', '{"v":99,"args":[1]}');

    const second = await call();
    const third = await call();

    assert.deepEqual(second.answer, { id: second.id, isDuplicate: false });
    assert.deepEqual(third.answer, { id: second.id, isDuplicate: true });
  });

  for (const aheadMs of [-HOUR_MS, HOUR_MS])
    test(`a key with a time goes by the clock of the server, and not by one that is ${aheadMs} ms off`, async (t) => {
      const { broker, url } = await scene(t);
      const off = await openBullBroker({
        address: parseBrokerAddress(url),
        nowMs: () => Date.now() + aheadMs,
      });
      t.after(() => off.close());
      const send = async (by: Broker, key: string): Promise<boolean> => {
        const sent = job({ id: by.nextId(), options: { key } });
        const { isDuplicate } = await by.enqueueUnique(sent, { key, until: { ms: HOUR_MS / 2 } });
        if (!isDuplicate) await broker.revoke([sent.job.id]);
        return !isDuplicate;
      };

      const mine = [await send(broker, 'a'), await send(off, 'a')];
      const theirs = [await send(off, 'b'), await send(broker, 'b')];
      const { keys } = await off.tidy();

      assert.deepEqual([mine, theirs, keys], [[true, false], [true, false], 0]);
    });

  test('what stands for nothing is removed, and what stands for something is left', async (t) => {
    const { broker } = await scene(t);
    const ids = new Map<string, string>();
    for (const key of ['ended', 'waits', 'timed']) {
      const until = key === 'timed' ? { ms: 3_600_000 } : 'ended';
      const sent = job({ id: broker.nextId(), options: { key } });
      ids.set(key, (await broker.enqueueUnique(sent, { key, until })).id);
    }
    await broker.revoke([ids.get('ended') ?? '', ids.get('timed') ?? '']);

    assert.equal((await broker.tidy({ dryRun: true })).keys, 1);
    assert.equal((await broker.tidy()).keys, 1);
    assert.equal((await broker.tidy()).keys, 0);

    for (const key of ['waits', 'timed']) {
      const sent = job({ id: broker.nextId(), options: { key } });
      assert.equal((await broker.enqueueUnique(sent, { key, until: { ms: 1 } })).id, ids.get(key));
    }
  });
});
