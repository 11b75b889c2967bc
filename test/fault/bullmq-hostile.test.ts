/** Jobs of other programs that are not as fsq would send them: each runs, ends with a clear failure, or waits where people see it. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { FlowProducer, type JobsOptions, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Broker } from '../../src/broker/broker.ts';
import { until } from '../support/conditions.ts';
import { nextWithin } from '../support/next-claim.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { drain, openAt } from './commands/worker.ts';

const skip = lacksRedis;
let places = 0;

interface Place {
  readonly broker: Broker;
  readonly queue: Queue;
  readonly redis: Redis;
  /** What the names of the keys of queues begin with. */
  readonly prefix: string;
  readonly connection: { readonly host: string; readonly port: number };
}

async function place(t: TestContext): Promise<Place> {
  const server = await redisServer();
  const prefix = `hostile${++places}`;
  const connection = { host: server.host, port: server.port };
  const queue = new Queue('default', { prefix, connection });
  const redis = new Redis(connection);
  const broker = await openAt(server.url(prefix), { lockMs: 4_000 });
  t.after(async () => {
    await broker.close();
    await queue.close();
    redis.disconnect();
  });
  return { broker, queue, redis, prefix, connection };
}

/** How a worker leaves this job. */
async function leftOf(
  { broker }: Place,
  id: string,
): Promise<{ readonly state: string; readonly text: string; readonly runs: number }> {
  const isOver = async (): Promise<boolean> => (await broker.find(id))?.endedAtMs !== null;
  const { runs } = await drain(broker, { dead: null, isOver, limitMs: 20_000 });
  const sighting = await broker.find(id);
  // Who asks for the outcome of one that cannot be read is told that.
  const outcome = await broker.outcome(id).then((record) => record?.outcome ?? null, String);
  const text = typeof outcome === 'string' ? outcome : outcome?.state === 'failed' ? outcome.error.message : '';
  return { state: sighting?.state ?? 'nowhere', text, runs: runs.filter((run) => run.id === id).length };
}

const ODD: Readonly<
  Record<string, { readonly name?: string; readonly data?: unknown; readonly options?: JobsOptions }>
> = {
  'data of 4 MB': { data: { args: ['x'.repeat(4_000_000)] } },
  'no data': { data: null },
  'a number as data': { data: 7 },
  'arguments that are no list': { data: { args: 'a' } },
  'an id of fsq’s in its data that is not its own': {
    data: { v: 1, id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', task: 'other', args: [] },
  },
  'an odd id': { options: { jobId: 'ä ö/../%00~\n*?[x]' } },
  'an id of 3,000 characters': { options: { jobId: 'i'.repeat(3_000) } },
  'no attempts': { options: { attempts: 0 } },
  'fewer attempts than none': { options: { attempts: -3 } },
  'a priority beyond those of fsq': { options: { priority: 2_000_000 } },
  'a name that no task can have': { name: 'a b\n../c' },
  'a backoff that fsq does not know': { options: { attempts: 3, backoff: { type: 'mine' } } },
  'to be removed when it ends': { options: { removeOnComplete: false, removeOnFail: true } },
};

for (const [what, { name = 'echo', data = { args: [1] }, options = {} }] of Object.entries(ODD)) {
  test(`a job with ${what} runs, or fails for a reason that is told`, { skip }, async (t) => {
    const at = await place(t);
    const { id = '' } = await at.queue.add(name, data, { jobId: `odd-${places}`, ...options });

    const { state, text, runs } = await leftOf(at, id);

    assert.match(state, /^(succeeded|failed)$/);
    if (state === 'succeeded') assert.equal(runs, 1);
    else assert.match(text, /./);
  });
}

/** What a program that writes keys by itself may leave in a job. */
const BROKEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'data that is no JSON': { data: '{"args": [1' },
  'data with a torn base of fsq': { data: '{"v":1,"id":"x"\n}' },
  'a version that nobody knows': { data: '{"v":99,"args":[]}' },
  'options that are none': { data: '{"v":1,"args":[],"options":{"retries":"many"}}' },
  'a tail that is none': { fsq: 'garbage\u0000{' },
  'counters beyond all': { fsq: '999999999999 99999999 9999999' },
  'counters that are no numbers': { ats: 'x', stc: 'y', priority: 'z', timestamp: 'now' },
  'times that are no numbers': { stc: 'y', priority: 'z', timestamp: 'now' },
  'a progress that is no JSON': { progress: '{{', fsqReport: '}' },
  'options of BullMQ that are no JSON': { opts: '{' },
  'a failure that others have left to it': { defa: 'given up' },
  'a parent that is no JSON': { parent: '{"id": "p' },
  'a parent that is no object': { parent: '7' },
  'a parent of no queue': { parent: '{"id":"p"}' },
  'an empty parent': { parent: '' },
  'a key of a parent that is none': { parentKey: 'parent' },
  'a count of attempts that is no number': { atm: 'many' },
  'a count of attempts that is no whole number': { atm: '1.5' },
};

/** What such a job is to do cannot be told: it has no run. */
const UNREADABLE = ['data with a torn base of fsq', 'a version that nobody knows'];

for (const [what, fields] of Object.entries(BROKEN)) {
  test(`a job with ${what} ends, and the next one runs`, { skip }, async (t) => {
    const at = await place(t);
    const { id = '' } = await at.queue.add('echo', { args: [1] }, { jobId: 'broken' });
    await at.redis.hset(`${at.prefix}:default:broken`, fields);
    await at.queue.add('echo', { args: [2] }, { jobId: 'next' });

    const left = await leftOf(at, id);
    const next = await leftOf(at, 'next');

    assert.match(left.state, UNREADABLE.includes(what) ? /^failed$/ : /^(succeeded|failed)$/);
    if (left.state === 'failed') assert.match(left.text, /./);
    assert.equal(left.runs, left.state === 'failed' ? 0 : 1);
    assert.equal(next.state, 'succeeded');
  });
}

/** What keeps BullMQ from ending a job, where its run fails. */
const UNENDABLE = [
  'a parent that is no JSON',
  'a parent of no queue',
  'a count of attempts that is no number',
] as const;

for (const what of UNENDABLE) {
  for (const retries of [0, 1]) {
    test(`a job with ${what} of which a run fails ${retries === 0 ? 'ends' : 'runs again'}`, { skip }, async (t) => {
      const at = await place(t);
      const { id = '' } = await at.queue.add('echo', { args: [1], options: { retries } }, { jobId: 'broken' });
      await at.redis.hset(`${at.prefix}:default:broken`, BROKEN[what] ?? {});
      const consumer = await at.broker.consumer({ queues: null, tasks: ['echo'] });
      const claim = await nextWithin(consumer, 10_000);
      assert.ok(claim);
      const error = { name: 'Error', message: 'the run failed' };

      if (retries === 0) await claim.settle({ kind: 'publish', outcome: { state: 'failed', error } }, null);
      else
        await claim.settle({ kind: 'rerun', crashes: 0, delayMs: 0, error }, { startedAtMs: 1, endedAtMs: 2, error });
      await consumer.close();
      const { state, text, runs } = await leftOf(at, id);

      assert.deepEqual([state, text, runs], retries === 0 ? ['failed', 'the run failed', 0] : ['succeeded', '', 1]);
    });
  }
}

test('a job that cannot be read keeps nobody from revoking those beside it, and ends as such', { skip }, async (t) => {
  const { broker, queue, redis, prefix } = await place(t);
  const ids = ['before', 'broken', 'behind'];
  for (const jobId of ids) await queue.add('echo', { args: [1] }, { jobId });
  await redis.hset(`${prefix}:default:broken`, 'data', '{"v":99,"args":[]}');

  const answers = await broker.revoke(ids);

  assert.deepEqual(
    ids.map((id) => answers.get(id)),
    ['revoked', 'ended', 'revoked'],
  );
  assert.equal((await broker.find('broken'))?.state, 'failed');
  assert.deepEqual(await broker.revoke(ids), answers, 'a second call is told the same');
});

test(
  'who waits for a job that cannot be read is told so, and who waits for others gets their outcomes',
  { skip },
  async (t) => {
    const { broker, queue, redis, prefix } = await place(t);
    const base = `${prefix}:default:`;
    for (const jobId of ['broken', 'next']) await queue.add('echo', { args: [1] }, { jobId });
    const signal = AbortSignal.timeout(15_000);
    const waiting = ['broken', 'next'].map((id) => broker.waitForOutcome(id, signal, true));
    const told = Promise.allSettled(waiting);
    await broker.find('next'); // Both are looked for by now.
    await redis.hset(`${base}broken`, 'data', '{"v":99,"args":[]}');

    // Another program ends them, and tells nobody.
    for (const id of ['broken', 'next']) {
      await redis.lrem(`${base}wait`, 1, id);
      await redis.hset(base + id, 'finishedOn', Date.now(), 'returnvalue', '7');
      await redis.zadd(`${base}completed`, Date.now(), id);
    }

    const [broken, next] = await told;
    assert.equal(
      broken?.status === 'rejected' && (broken.reason as { readonly code?: unknown }).code,
      'FSQ_CORRUPT_JOB',
    );
    assert.deepEqual(next?.status === 'fulfilled' && next.value?.outcome, { state: 'succeeded', value: 7 });
  },
);

test('a job that has children in BullMQ which have not ended fails, and says so', { skip }, async (t) => {
  const at = await place(t);
  const { id = '' } = await at.queue.add('echo', { args: [1] }, { jobId: 'parent' });
  await at.queue.add(
    'echo',
    { args: [2] },
    { jobId: 'child', delay: 3_600_000, parent: { id, queue: `${at.prefix}:default` } },
  );

  const { state, text, runs } = await leftOf(at, id);

  assert.equal(state, 'failed');
  assert.match(text, /children/);
  assert.equal(runs, 1);
});

test('a job whose record is gone, and is still told to wait, keeps nobody from the next one', { skip }, async (t) => {
  const at = await place(t);
  await at.queue.add('echo', { args: [1] }, { jobId: 'gone' });
  await at.redis.del(`${at.prefix}:default:gone`);
  await at.queue.add('echo', { args: [2] }, { jobId: 'next' });

  const { state } = await leftOf(at, 'next');

  assert.equal(state, 'succeeded');
  await until(async () => (await at.broker.counts()).running === 0, 'nothing is held');
});

test('a job that waits for its children is told to wait, and runs when they have ended', { skip }, async (t) => {
  const at = await place(t);
  const { connection, prefix } = at;
  const flows = new FlowProducer({ connection, prefix });
  t.after(() => flows.close());
  const child = { name: 'echo', queueName: 'default', data: { args: [1] }, opts: { jobId: 'child', delay: 300 } };
  await flows.add({
    name: 'echo',
    queueName: 'default',
    data: { args: [] },
    opts: { jobId: 'parent' },
    children: [child],
  });

  const before = await at.broker.find('parent');
  const { state } = await leftOf(at, 'parent');

  assert.equal(before?.state, 'delayed');
  assert.equal(state, 'succeeded');
  assert.equal((await at.broker.find('child'))?.state, 'succeeded');
});
