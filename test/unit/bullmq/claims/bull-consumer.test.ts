/** What a child of a worker takes from Redis, whatever its worker has told it so far. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Redis } from 'ioredis';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { consumer, enqueueOne, keeper, nextOf, silentLine } from '../../../conformance/parts.ts';
import { until } from '../../../support/conditions.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

test(
  'a job that was revoked while it ran, and whose process died, is not run by a child that has not heard of it',
  { skip: lacksRedis },
  async (t) => {
    const { port, url } = await redisServer();
    const broker = await openBullBroker({ address: parseBrokerAddress(`${url('unheard')}&lock=4s`) });
    t.after(() => broker.close());
    const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
    t.after(() => redis.disconnect());
    const { id } = (await enqueueOne(broker)).job;
    await nextOf(await consumer(t, broker, { line: silentLine() }));
    assert.equal((await broker.revoke([id], { terminate: true })).get(id), 'requested');
    // Its process has died, and the lock has run out: a keeper puts it back.
    await redis.del(`unheard:default:${id}:lock`);
    await keeper(t, broker);
    const child = await consumer(t, broker, { line: silentLine() });
    const stop = new AbortController();
    t.after(() => stop.abort());

    const first = await Promise.race([
      Promise.resolve(child.next(stop.signal)).then(() => 'claimed'),
      until(async () => (await broker.find(id))?.record?.outcome, 'the job has ended').then(() => 'ended'),
    ]);

    assert.equal(first, 'ended');
    assert.equal((await broker.find(id))?.state, 'revoked');
  },
);

test(
  'what its worker tells of revoked jobs counts also for a consumer that does not want to hear of them itself',
  { skip: lacksRedis },
  async (t) => {
    const { port, url } = await redisServer();
    const broker = await openBullBroker({ address: parseBrokerAddress(url('told')) });
    t.after(() => broker.close());
    const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
    t.after(() => redis.disconnect());
    const { id } = (await enqueueOne(broker)).job;
    let tell: (word: unknown) => void = () => undefined;
    const child = await consumer(t, broker, {
      line: { say: () => undefined, listen: (hear) => (tell = hear) },
    });
    const stop = new AbortController();
    t.after(() => stop.abort());

    // Somebody revokes it in the moment in which it is taken: then the flag is there, and the job has not ended.
    await redis.hset('told-fsq:revoked', id, 'ask');
    tell({ t: 'revoked', ids: [id] });
    const first = await Promise.race([
      Promise.resolve(child.next(stop.signal)).then(() => 'claimed'),
      until(async () => (await broker.find(id))?.record?.outcome, 'the job has ended').then(() => 'ended'),
    ]);

    assert.equal(first, 'ended');
    assert.equal((await broker.find(id))?.state, 'revoked');
  },
);
