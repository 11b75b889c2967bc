/** What a run shows and keeps, as other programs of the same BullMQ see it. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Broker } from '../../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import type { BrokerEvent, Claim, ConsumerOptions } from '../../../../src/broker/worker-side.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { consumer, enqueueOne, nextOf } from '../../../conformance/parts.ts';
import { until } from '../../../support/conditions.ts';
import { returned, RUN } from '../../../support/factory.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

const KB = 1024;
const AGAIN = { kind: 'requeue' } as const;

/** A run, its broker, and BullMQ's own view of its queue. */
async function running(
  t: TestContext,
  prefix: string,
  options: Partial<ConsumerOptions> = {},
): Promise<{ broker: Broker; claim: Claim; queue: Queue; next: () => Promise<Claim> }> {
  const server = await redisServer();
  const broker = await openBullBroker({ address: parseBrokerAddress(server.url(prefix)) });
  t.after(() => broker.close());
  const queue = new Queue('default', { prefix, connection: { host: '127.0.0.1', port: server.port } });
  t.after(() => queue.close());
  await enqueueOne(broker);
  const each = await consumer(t, broker, { logBytes: 8 * KB, ...options });
  return { broker, queue, claim: await nextOf(each), next: () => nextOf(each) };
}

async function texts(broker: Broker, id: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let position = 0; ;) {
    const part = await broker.log(id, position);
    if (part.lines.length === 0) return found;
    found.push(...part.lines.map(({ stream, text }) => `${stream} ${text}`));
    position = part.position;
  }
}

test(
  'progress is shown in per cent, and what is printed as lines, by BullMQ itself',
  { skip: lacksRedis },
  async (t) => {
    const { claim, queue } = await running(t, 'shown');

    claim.progress({ value: 0.999, done: 999, total: 1_000 });
    claim.print('stderr', 'oh\n');
    await claim.settle(returned(1), RUN);

    assert.equal((await queue.getJob(claim.job.id))?.progress, 99);
    const { logs } = await queue.getJobLogs(claim.job.id);
    assert.equal(logs.length, 1);
    assert.match(logs[0] ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z err oh$/);
  },
);

test('progress and lines of a program that knows BullMQ alone are shown', { skip: lacksRedis }, async (t) => {
  const { broker, claim, queue } = await running(t, 'theirs');
  const job = await queue.getJob(claim.job.id);

  await job?.updateProgress(42);
  await job?.log('hello');

  const seen = await broker.find(claim.job.id);
  assert.deepEqual([seen?.progress?.value, seen?.progress?.attempt], [0.42, 1]);
  assert.deepEqual(await texts(broker, claim.job.id), ['stdout hello']);
  await claim.settle(returned(1), RUN);
});

test(
  'a run that prints without end keeps the beginning and the end of it, within its size',
  { skip: lacksRedis },
  async (t) => {
    const { broker, claim, queue } = await running(t, 'endless');

    for (let i = 0; i < 5_000; i++) claim.print('stdout', `line ${i}\n`);
    await claim.settle(returned(1), RUN);

    const lines = await texts(broker, claim.job.id);
    const { logs } = await queue.getJobLogs(claim.job.id);
    assert.ok(logs.join('\n').length < 8 * KB, `${logs.join('\n').length}`);
    assert.equal(lines[0], 'stdout line 0');
    assert.equal(lines.at(-1), 'stdout line 4999');
    assert.ok(
      lines.some((line) => /^fsq .*nearly full/.test(line)) && lines.some((line) => /left out here/.test(line)),
    );
  },
);

test('the log of the runs before makes room for the next one', { skip: lacksRedis }, async (t) => {
  const { broker, claim, next } = await running(t, 'room');
  for (let i = 0; i < 1_000; i++) claim.print('stdout', `first ${i}\n`);
  await claim.settle(AGAIN, RUN);

  const again = await next();
  again.print('stdout', 'second\n');
  await again.settle(returned(1), RUN);

  const lines = await texts(broker, claim.job.id);
  assert.equal(lines[0], 'fsq attempt 2');
  assert.match(
    lines.find((line) => line.includes('left no room')) ?? '',
    /^fsq attempt 2; the log of the attempts before/,
  );
  assert.ok(lines.includes('stdout second') && !lines.some((line) => line.startsWith('stdout first')), lines.join());
});

test('the end of a long second run is kept too', { skip: lacksRedis }, async (t) => {
  const { broker, claim, next } = await running(t, 'second');
  claim.print('stdout', `${'x'.repeat(3 * KB)}\n`);
  await claim.settle(AGAIN, RUN);

  const again = await next();
  for (let i = 0; i < 1_000; i++) {
    again.print('stdout', `second ${i}\n`);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await again.settle(returned(1), RUN);

  assert.equal((await texts(broker, claim.job.id)).at(-1), 'stdout second 999');
});

test('a task that lets nothing else have its turn is seen to print', { skip: lacksRedis }, async (t) => {
  const { broker, claim } = await running(t, 'busy');
  const endAt = performance.now() + 200;
  let printed = 0;
  while (performance.now() < endAt || printed < 2)
    if (performance.now() > endAt - 200 + printed * 60) claim.print('stdout', `${printed++}\n`);

  // Nothing of this run is awaited: the lines were sent while it was busy.
  const seen = await until(async () => (await texts(broker, claim.job.id)).length > 1, 'lines are seen');

  assert.ok(seen);
  await claim.settle(returned(1), RUN);
});

test('a checkpoint that is none is told, and the run begins anew', { skip: lacksRedis }, async (t) => {
  const events: BrokerEvent[] = [];
  const server = await redisServer();
  const { broker, claim, queue, next } = await running(t, 'odd', { onEvent: (event) => void events.push(event) });
  await claim.settle(AGAIN, RUN);
  const client = new Redis(server.port);
  t.after(() => client.disconnect());
  await client.hset(queue.toKey(claim.job.id), { fsqCheckpoint: '{"v":1}' });

  const again = await next();

  assert.equal(again.checkpointed(), undefined);
  assert.deepEqual((await broker.find(claim.job.id))?.checkpoint, {
    attempt: null,
    atMs: null,
    sizeBytes: 7,
    problem: 'it is no checkpoint',
  });
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['unreadable'],
  );
  await again.settle(returned(1), RUN);
});

test('all that lies beside a job goes with it, whoever removes it', { skip: lacksRedis }, async (t) => {
  const server = await redisServer();
  const { broker, claim, queue } = await running(t, 'removed');
  claim.progress({ value: 1 });
  claim.print('stdout', 'one\n');
  await claim.checkpoint({ row: 1 });
  await claim.settle({ kind: 'publish', outcome: { state: 'failed', error: { name: 'Error', message: 'no' } } }, RUN);
  const { id } = claim.job;
  assert.deepEqual(await broker.checkpointed(id), { row: 1 });

  await queue.remove(id);

  const client = new Redis(server.port);
  t.after(() => client.disconnect());
  assert.deepEqual(await client.keys(`*${id}*`), []);
  assert.deepEqual(
    [await broker.find(id), await broker.checkpointed(id), await texts(broker, id)],
    [null, undefined, []],
  );
});
