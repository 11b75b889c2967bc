/** What is left in Redis of jobs of every kind, when all of them have ended, and the time of their outcomes is over: nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Redis } from 'ioredis';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { Claim } from '../../src/broker/worker-side.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import type { LimitRules } from '../../src/job/queue-limits.ts';
import { newJob } from '../conformance/parts.ts';
import { until } from '../support/conditions.ts';
import { returned, RUN, threw } from '../support/factory.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';

/** Jobs of each kind. */
const COUNT = 65;

const CENTURY_MS = 100 * 365 * 86_400_000;

/** What each queue has however many jobs went through it, and the facts that are of no job. */
const LASTING = [
  /:(?:meta|events|id|stalled-check)$/,
  /-fsq:(?:queues|owners|statistics|schedules|round:(?:followers|outcomes|keys|owners|parked))$/,
];

const LIMITS: LimitRules = {
  queues: new Map(),
  tasks: new Map([
    ['keyed', { concurrency: 3, rate: null, perKey: 1 }],
    // The spans of a rate begin at multiples of it: at a full hour an hourly one lets the next job start.
    ['rare', { concurrency: null, rate: { count: 1, periodMs: CENTURY_MS } }],
    ['single', { concurrency: 1, rate: null }],
    ['rated', { concurrency: null, rate: { count: 100, periodMs: 100 } }],
  ]),
};

/** Each gives the jobs of its kind, which are to end by themselves once they are sent. */
const KINDS: Readonly<Record<string, (broker: Broker, i: number) => Promise<readonly NewJob[]>>> = {
  plain: async (broker) => [newJob(broker)],
  'with a priority, in another queue': async (broker, i) => [newJob(broker, { queue: 'other', priority: i % 9 })],
  delayed: async (broker) => [newJob(broker, { options: { etaMs: Date.now() + 300 } })],
  'that fail': async (broker) => [newJob(broker, { task: 'fail' })],
  'that run again': async (broker) => [newJob(broker, { task: 'again' })],
  'with a time of their own': async (broker) => [newJob(broker, { options: { resultTtlMs: 50 } })],
  'that tell, print and keep': async (broker) => [newJob(broker, { task: 'tell' })],
  'with limit keys': async (broker, i) => [newJob(broker, { task: 'keyed', options: { limitKey: `k${i % 20}` } })],
  'with starts': async (broker) => [newJob(broker, { task: 'rated' })],
  'after others': async (broker) => {
    const [first, second] = [newJob(broker), newJob(broker)];
    const { id } = first.job;
    return [first, second, newJob(broker, { options: { after: [id, second.job.id], takes: 'values' } })];
  },
  'after one that fails': async (broker) => {
    const first = newJob(broker, { task: 'fail' });
    return [first, newJob(broker, { options: { after: first.job.id } })];
  },
  'with keys': async (broker, i) => {
    const untils = ['started', 'ended', { ms: 200 }] as const;
    const until = untils[i % 3] ?? 'ended';
    const sent = newJob(broker, { options: { key: `key${i}` } });
    await broker.enqueueUnique(sent, { key: `key${i}`, until });
    await broker.enqueueUnique(newJob(broker), { key: `key${i}`, until });
    return [];
  },
  'that wait for the last call': async (broker, i) => {
    const debounce = { waitMs: 100, mostMs: null };
    for (let call = 0; call < 2; call++)
      await broker.enqueueUnique(newJob(broker, { queue: call === 0 ? 'default' : 'other' }), {
        key: `calls${i}`,
        until: 'started',
        debounce,
      });
    return [];
  },
  'that are parked, and revoked': async (broker) => [newJob(broker, { task: 'parked' })],
  'that wait for a start, and are revoked': async (broker) => [newJob(broker, { task: 'rare' })],
  'that wait for room, and are revoked': async (broker, i) => [newJob(broker, { task: 'single', args: [i] })],
  'that are revoked while they wait for others': async (broker) => {
    const first = newJob(broker, { options: { etaMs: Date.now() + 2_000 } });
    return [first, newJob(broker, { args: ['revoke'], options: { after: first.job.id } })];
  },
};

test(
  'of a thousand jobs of every kind nothing is left after their time',
  { skip: lacksRedis, timeout: 180_000 },
  async (t) => {
    const server = await redisServer();
    const address = parseBrokerAddress(server.url('leavings'));
    const broker = await openBullBroker({ address, resultTtlMs: 1 });
    const redis = new Redis(server.port, server.host);
    const keeper = await broker.keeper({ queues: null, limits: LIMITS });
    const stop = new AbortController();
    const working = Promise.all(Array.from({ length: 4 }, () => work(broker, stop.signal)));
    t.after(async () => {
      letGo();
      stop.abort();
      await working;
      await keeper.close();
      await broker.close();
      redis.disconnect();
    });

    for (const send of Object.values(KINDS)) {
      const jobs = (await Promise.all(Array.from({ length: COUNT }, (_, i) => send(broker, i)))).flat();
      await broker.enqueue(jobs);
      const toRevoke = jobs.filter(({ job }) => job.args[0] === 'revoke');
      await broker.revoke(toRevoke.map(({ job }) => job.id));
    }
    for (const task of ['parked', 'rare', 'single']) {
      const most = task === 'parked' ? COUNT : COUNT - 1;
      await until(async () => (await delayedOf(broker, task)).length === most, `${most} of ${task} wait`, 60_000);
      await broker.revoke(await delayedOf(broker, task));
    }
    letGo();
    await until(async () => (await broker.unended()).length === 0, 'all have ended', 60_000);
    await makeOld(redis);
    await broker.tidy();
    let left: readonly string[] = [];
    const isClean = async (): Promise<boolean> => (left = await leftIn(redis, 'leavings')).length === 0;
    await until(isClean, 'nothing is left', 45_000).catch(() => undefined);

    assert.deepEqual(left, []);
  },
);

async function delayedOf(broker: Broker, task: string): Promise<readonly string[]> {
  const found = await broker.list(['delayed'], 10_000, ({ record }) => record?.job.task === task);
  return found.map(({ id }) => id);
}

/** Whoever waited for others, and is nowhere, is taken for sent after some minutes only. */
async function makeOld(redis: Redis): Promise<void> {
  for (const [id, entry] of Object.entries(await redis.hgetall('leavings-fsq:waiting')))
    await redis.hset('leavings-fsq:waiting', id, entry.replace(/\d+$/, '1'));
}

/** Resolves when the one job may end that keeps the others of its task waiting. */
let letGo: () => void = () => undefined;
const mayEnd = new Promise<void>((resolve) => (letGo = resolve));

async function work(broker: Broker, signal: AbortSignal): Promise<void> {
  const consumer = await broker.consumer({ queues: null, tasks: [], limits: LIMITS, logBytes: 1_000 });
  for (let claim = await consumer.next(signal); claim !== null; claim = await consumer.next(signal)) await run(claim);
  await consumer.close();
}

async function run(claim: Claim): Promise<void> {
  const { task } = claim.job;
  const error = { name: 'Error', message: 'again' };
  if (task === 'fail') return claim.settle(threw('as it should'), RUN);
  if (task === 'again' && claim.standing.attempt === 1)
    return claim.settle({ kind: 'rerun', delayMs: 50, crashes: 0, error }, { ...RUN, error });
  if (task === 'parked')
    return claim.settle({ kind: 'park', delayMs: 3_600_000, parked: { reason: 'unknown', sinceMs: 1 } }, null);
  if (task === 'tell') {
    claim.progress({ value: 0.5 });
    claim.print('stdout', 'a line\n');
    await claim.checkpoint({ at: 1 });
  }
  if (task === 'single') await mayEnd;
  await claim.settle(returned(1), RUN);
}

async function leftIn(redis: Redis, prefix: string): Promise<readonly string[]> {
  const keys = await redis.keys(`${prefix}*`);
  const left = keys.filter((key) => !LASTING.some((lasting) => lasting.test(key))).toSorted();
  const ttls = await Promise.all(left.map((key) => redis.pttl(key)));
  // What goes by itself is no leaving.
  return left.filter((_, i) => ttls[i] === -1);
}
