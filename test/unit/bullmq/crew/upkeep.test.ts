/** What a keeper, or `tidy`, does for the whole store of BullMQ, and what nobody of fsq has told it. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Broker, NewJob } from '../../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { settlementOf } from '../../../../src/job/lifecycle.ts';
import { nextOf, valueOf } from '../../../conformance/parts.ts';
import { until } from '../../../support/conditions.ts';
import { job, returned, RUN } from '../../../support/factory.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

const DAY_MS = 86_400_000;

let places = 0;

interface Place {
  readonly broker: Broker;
  readonly prefix: string;
  readonly port: number;
  readonly redis: Redis;
  /** The clock of the broker is that much ahead. */
  readonly ahead: { ms: number };
}

async function place(t: TestContext): Promise<Place> {
  const { port, url } = await redisServer();
  const prefix = `upkeep_${++places}`;
  const ahead = { ms: 0 };
  const broker = await openBullBroker({ address: parseBrokerAddress(url(prefix)), nowMs: () => Date.now() + ahead.ms });
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
  t.after(async () => {
    await broker.close();
    redis.disconnect();
  });
  return { broker, prefix, port, redis, ahead };
}

async function runAll(t: TestContext, broker: Broker, jobs: readonly NewJob[]): Promise<void> {
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  for (const _ of jobs) {
    const claim = await nextOf(consumer);
    await claim.settle(settlementOf({ kind: 'returned', value: 1 }, claim, Date.now(), 0), RUN);
  }
}

describe('the upkeep of a store of BullMQ', { skip: lacksRedis, concurrency: 1 }, () => {
  test('a job after one that a worker without fsq has ended starts, with its value', async (t) => {
    const { broker, prefix, redis } = await place(t);
    const first = job({ id: broker.nextId(), queue: 'plain' });
    const second = job({ id: broker.nextId(), options: { after: first.job.id, takes: 'value' } });
    await broker.enqueue([first, second]);
    const keeper = await broker.keeper({ queues: null });
    const consumer = await broker.consumer({ queues: ['default'], tasks: [] });
    t.after(async () => {
      await consumer.close();
      await keeper.close();
    });

    const worker = new Worker('plain', async () => 7, { connection: redis, prefix });
    t.after(() => worker.close());

    const claim = await nextOf(consumer);
    assert.deepEqual([claim.job.id, claim.job.args], [second.job.id, [7]]);
    await claim.settle(returned('taken'), RUN);
    assert.equal(valueOf(await broker.outcome(second.job.id)), 'taken');
  });

  test('a job after one that a person has removed fails, and says so', async (t) => {
    const { broker, prefix, redis, ahead } = await place(t);
    const first = job({ id: broker.nextId(), queue: 'plain' });
    const second = job({ id: broker.nextId(), options: { after: first.job.id } });
    await broker.enqueue([first, second]);
    const queue = new Queue('plain', { connection: redis, prefix });
    t.after(() => queue.close());
    await queue.remove(first.job.id);
    // Until then it might be about to come.
    ahead.ms = 20_000;
    const keeper = await broker.keeper({ queues: null });
    const consumer = await broker.consumer({ queues: ['default'], tasks: [] });
    const over = new AbortController();
    const idle = consumer.next(over.signal);
    t.after(async () => {
      over.abort();
      await idle;
      await consumer.close();
      await keeper.close();
    });

    const record = await broker.waitForOutcome(second.job.id, null, true);

    assert.ok(record?.outcome?.state === 'failed');
    assert.match(record.outcome.error.message, /is nowhere/);
  });

  test('an outcome whose value a job that has not ended may take stays beyond its time, and goes after that', async (t) => {
    const { broker, redis } = await place(t);
    const [one, two] = [broker.nextId(true), broker.nextId()];
    const first = job({ id: one, options: { resultTtlMs: 0, next: [two] } });
    const second = job({ id: two, options: { after: one, takes: 'value', etaMs: Date.now() + DAY_MS } });
    await broker.enqueue([first, second]);
    await runAll(t, broker, [first]);

    assert.equal((await broker.tidy()).outcomes, 0);
    assert.notEqual(await broker.outcome(one), null);
    await broker.revoke([two]);
    await backdate(redis, [first], 61_000);
    assert.equal((await broker.tidy()).outcomes, 1);
    assert.equal(await broker.outcome(one), null);
  });

  test('what a job says of its outcome counts more than the settings, for a shorter time and for a longer one', async (t) => {
    const { broker, ahead, redis } = await place(t);
    const ttls = [60_000, 3 * DAY_MS, undefined] as const;
    const jobs = ttls.map((resultTtlMs) =>
      job({ id: broker.nextId(true), options: resultTtlMs === undefined ? {} : { resultTtlMs } }),
    );
    await broker.enqueue(jobs);
    await runAll(t, broker, jobs);
    const left = async (): Promise<readonly boolean[]> =>
      Promise.all(jobs.map(async (each) => (await broker.outcome(each.job.id)) !== null));

    // A clock alone that is set ahead forgets nothing.
    ahead.ms = 10 * DAY_MS;
    assert.equal((await broker.tidy()).outcomes, 0);
    await backdate(redis, jobs, 61_000);
    assert.deepEqual([(await broker.tidy()).outcomes, await left()], [1, [false, true, true]]);
    await backdate(redis, jobs, 2 * DAY_MS);
    assert.deepEqual([(await broker.tidy()).outcomes, await left()], [1, [false, true, false]]);
    await backdate(redis, jobs, 4 * DAY_MS);
    assert.deepEqual([(await broker.tidy()).outcomes, await left()], [1, [false, false, false]]);
  });

  test('of a hundred thousand outcomes all that are over go, and no others', async (t) => {
    const { broker, redis, prefix } = await place(t);
    const queue = `${prefix}:default`;
    await redis.eval(
      `for i = 1, 100000 do
        local id = 'old' .. i
        local at = tonumber(ARGV[2]) - (i % 2) * 2 * 86400000
        redis.call('HSET', ARGV[1] .. ':' .. id, 'name', 't', 'data', '{}', 'returnvalue', '1', 'timestamp', at, 'finishedOn', at)
        redis.call('ZADD', ARGV[1] .. ':completed', at, id)
      end`,
      0,
      queue,
      Date.now() - 1_000,
    );

    const beganAt = performance.now();
    const { outcomes } = await broker.tidy();

    t.diagnostic(`${Math.round(performance.now() - beganAt)} ms`);
    assert.equal(outcomes, 50_000);
    assert.equal(await redis.zcard(`${queue}:completed`), 50_000);
    assert.equal((await redis.keys(`${queue}:old*`)).length, 50_000);
  });

  test('the record of a dead process goes when it holds no job, and that of a living one stays', async (t) => {
    const { broker, redis, prefix } = await place(t);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    t.after(() => consumer.close());
    const [[, text] = ['', '']] = Object.entries(await redis.hgetall(`${prefix}-fsq:owners`));
    const dead = { ...(JSON.parse(text) as object), seenAtMs: Date.now() - 60_000 };
    await redis.hset(`${prefix}-fsq:owners`, 'dead', JSON.stringify(dead));

    assert.equal((await broker.tidy({ dryRun: true })).owners, 1);
    assert.equal((await broker.tidy()).owners, 1);

    const owners = await until(() => broker.owners(), 'the owners');
    assert.deepEqual(
      owners.map(({ owner }) => owner),
      [consumer.owner],
    );
  });
});

/** As if they had ended before. What was written down for their times was written then. */
async function backdate(redis: Redis, jobs: readonly NewJob[], byMs: number): Promise<void> {
  const prefix = `upkeep_${places}`;
  const endedAtMs = Date.now() - byMs;
  for (const {
    job: { id },
  } of jobs) {
    const base = `${prefix}:default:`;
    if ((await redis.exists(base + id)) === 0) continue;
    await redis.hset(base + id, 'finishedOn', endedAtMs);
    await redis.zadd(`${base}completed`, endedAtMs, id);
  }
  for (const key of await redis.keys(`${prefix}-fsq:over:*`)) {
    for (const [id, text] of Object.entries(await redis.hgetall(key))) {
      const [queue, dueMs] = text.split(' ');
      await redis.hset(key, id, `${queue} ${Number(dueMs) - byMs}`);
    }
    const slice = Math.max(0, Number(key.split(':').at(-1)) - Math.ceil(byMs / 10_000));
    if (slice !== Number(key.split(':').at(-1))) {
      await redis.renamenx(key, `${prefix}-fsq:over:${slice}`);
      await redis.hset(`${prefix}-fsq:over`, String(slice), '1');
    }
  }
}
