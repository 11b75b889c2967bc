/**
 * Steps of jobs that wait for others, come back, or are sent by a schedule, on BullMQ: a process dies before each of its commands to the
 * server, one after the other. Another worker goes on with what it left. No job may wait for ever, run twice for it, or be lost.
 */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import test, { describe, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { Consumer } from '../../src/broker/worker-side.ts';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import { until, within } from '../support/conditions.ts';
import { nextOf } from '../conformance/parts.ts';
import { job, returned, RUN, threw } from '../support/factory.ts';
import { nextWithin } from '../support/next-claim.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { endLocks } from './commands/redis-place.ts';

/** fsq takes a server for gone that has not answered within half of this: on a busy machine everything may stand still for a second or two. */
const LOCK_MS = 6_000;
/** Long enough for a claim before it. */
const SOON_MS = 10_000;
/** A living worker takes for lost what was to come within this. */
const LATER_MS = 20_000;

/** How many commands a process may still send; what comes after is sent no more, and answered never, as if it had died. */
interface Fate {
  left: number;
  died: () => void;
  /** What was sent after it. */
  readonly unanswered: ((error: Error) => void)[];
}
const fates = new AsyncLocalStorage<Fate>();
const send = Redis.prototype.sendCommand;
Redis.prototype.sendCommand = function (...given) {
  const fate = fates.getStore();
  if (fate !== undefined && fate.left-- <= 0) {
    fate.died();
    const unanswered = new Promise((_resolve, reject) => fate.unanswered.push(reject));
    unanswered.catch(() => undefined); // A pipeline hears of its commands in another way.
    return unanswered;
  }
  return send.apply(this, given);
};

/** True when it has ended before it died. */
function dyingAfter(commands: number, fate: Fate, act: () => Promise<unknown>): Promise<boolean> {
  fate.left = commands;
  const death = new Promise<false>((resolve) => (fate.died = () => resolve(false)));
  return fates.run(fate, () => Promise.race([act().then(() => true as const), death]));
}

interface Scene {
  readonly url: string;
  readonly broker: Broker;
  /** The broker of the process that dies, with all that it has begun. */
  readonly dying: Broker;
  readonly fate: Fate;
  /** Of the process that dies. */
  readonly consumers: Consumer[];
  readonly first: NewJob;
  readonly second: NewJob;
}

interface Operation {
  readonly name: string;
  /** What comes before it; gives the operation. */
  readonly prepare: (scene: Scene) => Promise<() => Promise<unknown>>;
  /** After it, whether it has ended or not, while another worker runs. */
  readonly check: (scene: Scene, runs: readonly string[], hasEnded: boolean) => Promise<void>;
}

/** So that nobody runs it before it is revoked. */
function soon(sent: NewJob): NewJob {
  return { ...sent, job: { ...sent.job, options: { ...sent.job.options, etaMs: Date.now() + SOON_MS } } };
}

async function endOf({ broker }: Scene, { job: { id } }: NewJob): Promise<string> {
  const sighting = await until(async () => {
    const found = await broker.find(id);
    return found === null || found.endedAtMs === null ? null : found;
  }, `the end of ${id}`);
  return sighting.state;
}

function count(runs: readonly string[], { job: { id } }: NewJob): number {
  return runs.filter((run) => run === id).length;
}

const INSTANT = { schedule: 'tick', atMs: 1_000, pattern: 'every second' };

const OPERATIONS: readonly Operation[] = [
  {
    name: 'sending a job and one after it, in another queue',
    prepare:
      async ({ dying, first, second }) =>
      () =>
        dying.enqueue([second, first]),
    async check(scene, runs, hasEnded) {
      const { broker, first, second } = scene;
      const there = [await broker.find(first.job.id), await broker.find(second.job.id)];
      if (hasEnded) assert.ok(!there.includes(null));
      if (there[0] !== null) assert.equal(await endOf(scene, first), 'succeeded');
      if (there[1] !== null) assert.equal(await endOf(scene, second), there[0] === null ? 'failed' : 'succeeded');
      assert.ok(count(runs, first) <= 1 && count(runs, second) <= 1);
    },
  },
  ...[returned(1), threw('no')].map((settlement): Operation => ({
    name: `the end of a job that ${settlement.kind === 'publish' ? settlement.outcome.state : ''}`,
    async prepare({ dying, consumers, first, second }) {
      await dying.enqueue([first, second]);
      const consumer = await dying.consumer({ queues: null, tasks: [] });
      consumers.push(consumer);
      const claim = await nextOf(consumer);
      return async () => claim.settle(settlement, RUN);
    },
    async check(scene, runs) {
      const { first, second } = scene;
      const end = await endOf(scene, first);
      assert.equal(await endOf(scene, second), end);
      assert.equal(count(runs, second), end === 'succeeded' ? 1 : 0);
    },
  })),
  {
    name: 'revoking a job before another',
    async prepare({ dying, first, second }) {
      await dying.enqueue([soon(first), second]);
      return () => dying.revoke([first.job.id]);
    },
    async check(scene, runs, hasEnded) {
      const { first, second } = scene;
      const end = await endOf(scene, first);
      if (hasEnded) assert.equal(end, 'revoked');
      assert.equal(await endOf(scene, second), end === 'revoked' ? 'failed' : 'succeeded');
      assert.equal(count(runs, first), end === 'revoked' ? 0 : 1);
    },
  },
  {
    name: 'a claim of a job whose predecessor was sent back',
    async prepare(scene) {
      const { dying, consumers, first, second } = scene;
      await dying.enqueue([soon(first)]);
      await dying.revoke([first.job.id]);
      await dying.enqueue([second]);
      await dying.retry([first.job.id]);
      const consumer = await dying.consumer({ queues: ['two'], tasks: [] });
      consumers.push(consumer);
      return async () => assert.equal(await nextWithin(consumer, 300), null);
    },
    async check(scene, runs) {
      const { first, second } = scene;
      assert.deepEqual([await endOf(scene, first), await endOf(scene, second)], ['succeeded', 'succeeded']);
      assert.deepEqual(runs, [first.job.id, second.job.id]);
    },
  },
  {
    name: 'sending a job back',
    async prepare({ dying, first }) {
      await dying.enqueue([soon(first)]);
      await dying.revoke([first.job.id]);
      return async () => assert.deepEqual([...(await dying.retry([first.job.id])).values()], [null]);
    },
    async check(scene, runs, hasEnded) {
      const { broker, first } = scene;
      if (hasEnded) assert.equal(await endOf(scene, first), 'succeeded');
      const state = await until(async () => {
        const now = (await broker.find(first.job.id))?.state;
        return now === 'revoked' || now === 'succeeded' ? now : null;
      }, 'it rests');
      assert.equal(count(runs, first), state === 'succeeded' ? 1 : 0);
    },
  },
  {
    name: 'sending the job of an instant',
    prepare:
      async ({ dying, first }) =>
      () =>
        dying.schedules.send(INSTANT, first),
    async check(scene, runs) {
      const { broker, second } = scene;
      const other = job({ id: second.job.id, queue: second.queue });
      await broker.schedules.send(INSTANT, other);
      await broker.schedules.send(INSTANT, other);
      await until(async () => (await broker.counts()).results > 0, 'the job of the instant has ended');
      const { pending, running, results } = await broker.counts();
      assert.deepEqual([pending + running, results, runs.length], [0, 1, 1]);
    },
  },
];

let places = 0;

async function scene(t: TestContext): Promise<Scene> {
  const url = (await redisServer()).url(`edges_${++places}`);
  const address = parseBrokerAddress(url);
  const broker = await openBullBroker({ address, lockMs: LOCK_MS, nowMs: () => Date.now() + LATER_MS });
  const fate: Fate = { left: Number.POSITIVE_INFINITY, died: () => undefined, unanswered: [] };
  const dying = await fates.run(fate, () => openBullBroker({ address, lockMs: LOCK_MS }));
  t.after(() => broker.close());
  const consumers: Consumer[] = [];
  // So that nothing of the dead keeps the process of this file alive.
  t.after(async () => {
    fate.left = Number.POSITIVE_INFINITY;
    for (const reject of fate.unanswered) reject(new Error('It is dead.'));
    for (const consumer of consumers) await consumer.close();
    await dying.close();
  });
  const [one, two] = [dying.nextId(), dying.nextId()];
  return {
    url,
    broker,
    dying,
    fate,
    consumers,
    first: job({ id: one, options: { retries: 1, next: [two] }, queue: 'one' }),
    second: job({ id: two, options: { after: one, takes: 'value' }, queue: 'two' }),
  };
}

/** A worker that runs whatever there is: the ids of the jobs whose runs it began. */
async function worker(t: TestContext, broker: Broker): Promise<readonly string[]> {
  const keeper = await broker.keeper({ queues: null });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const over = new AbortController();
  const runs: string[] = [];
  const running = (async () => {
    for (let claim = await consumer.next(over.signal); claim !== null; claim = await consumer.next(over.signal)) {
      runs.push(claim.job.id);
      await claim.settle(returned(1), RUN);
    }
  })();
  t.after(async () => {
    over.abort();
    await running;
    await consumer.close();
    await keeper.close();
  });
  return runs;
}

describe('a process that dies before one of its commands', { skip: lacksRedis, concurrency: 1 }, () => {
  for (const { name, prepare, check } of OPERATIONS) {
    test(`${name}: another worker goes on from there`, async (t) => {
      let hasEnded = false;
      let points = 0;
      while (!hasEnded) {
        // Some at a time: each waits for the worker to find what the dead one held.
        const some = Array.from({ length: 6 }, (_, i) => points + i);
        const ended = await Promise.all(
          some.map(async (commands) => {
            const place = await scene(t);
            const act = await fates.run(place.fate, () => prepare(place));
            const isOver = await dyingAfter(commands, place.fate, act);
            place.fate.left = 0;
            await endLocks(place.url);
            await within(check(place, await worker(t, place.broker), isOver), `after ${commands} commands`);
            return isOver;
          }),
        );
        points += ended.includes(true) ? ended.indexOf(true) : some.length;
        hasEnded = ended.includes(true);
      }
      t.diagnostic(`${points} points`);
      assert.ok(points > 0, 'it dies somewhere');
    });
  }
});
