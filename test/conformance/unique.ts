/** What every broker promises of jobs that must be the only one of their key. Called by broker.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { Claim } from '../../src/broker/worker-side.ts';
import type { Uniqueness } from '../../src/job/job-options.ts';
import { within } from '../support/conditions.ts';
import { job, type JobParts, returned, RUN, threw } from '../support/factory.ts';
import type { OpenBroker } from './parts.ts';

type Until = Uniqueness['until'];

export function uniqueness(open: OpenBroker): void {
  test('a job with a key is accepted once, and the second call is told the first', async (t) => {
    const broker = await open(t);
    const first = keyed(broker, 'a');

    const one = await broker.enqueueUnique(first, { key: 'a', until: 'ended' });
    const two = await broker.enqueueUnique(keyed(broker, 'a'), { key: 'a', until: 'ended' });

    assert.deepEqual(one, { id: first.job.id, isDuplicate: false });
    assert.deepEqual(two, { id: first.job.id, isDuplicate: true });
    assert.equal((await broker.counts()).pending, 1);
    assert.deepEqual((await broker.find(one.id))?.record?.job, first.job);
  });

  test('keys differ by every character and by task', async (t) => {
    const broker = await open(t);
    const keys = [
      'a',
      'A',
      ' a',
      'a ',
      'ä',
      'a\0b',
      '../a',
      '/',
      '.',
      '\u00e9',
      'e\u0301',
      '\u{1F600}',
      'x'.repeat(1_024),
    ];

    for (const key of keys) assert.equal((await send(broker, { key })).isDuplicate, false, key);
    assert.equal((await send(broker, { key: 'a', task: 'other' })).isDuplicate, false);

    for (const key of keys) assert.equal((await send(broker, { key })).isDuplicate, true, key);
    assert.equal((await broker.counts()).pending, keys.length + 1);
  });

  test('a job without a key is the duplicate of none', async (t) => {
    const broker = await open(t);
    await send(broker, { key: 'a' });

    await broker.enqueue([job({ id: broker.nextId() }), job({ id: broker.nextId() })]);

    assert.equal((await broker.counts()).pending, 3);
  });

  const spans: readonly [until: Until, waiting: boolean, running: boolean, delayed: boolean, ended: boolean][] = [
    ['started', true, false, true, false],
    ['ended', true, true, true, false],
    [{ ms: 3_600_000 }, true, true, true, true],
  ];
  for (const [until, waiting, running, delayed, ended] of spans) {
    test(`${JSON.stringify(until)}: a job keeps others out ${names({ waiting, running, delayed, ended })}`, async (t) => {
      const broker = await open(t);
      const worker = await broker.consumer({ queues: null, tasks: [] });
      t.after(() => worker.close());
      const ask = async (): Promise<boolean> => (await send(broker, { until, queue: 'other' })).isDuplicate;
      const found: Record<string, boolean> = {};
      await send(broker, { until });

      found['waiting'] = await ask();
      const first = await claim(worker.next(never()));
      found['running'] = await ask();

      assert.deepEqual(found, { waiting, running });
      if (!running) await (await claim(worker.next(never()))).settle(returned(2), RUN);
      const error = { name: 'Error', message: 'not yet' };
      await first.settle({ kind: 'rerun', delayMs: 3_600_000, crashes: 0, error }, RUN);
      assert.equal(await ask(), delayed);
      await broker.revoke([first.job.id]);
      assert.equal(await ask(), ended);
    });
  }

  test('a delayed job keeps others out until it has run', async (t) => {
    const broker = await open(t);
    const { id } = await send(broker, { etaMs: Date.now() + 3_600_000 });

    assert.deepEqual(await send(broker), { id, isDuplicate: true });
    assert.deepEqual(await send(broker, { until: 'started' }), { id, isDuplicate: true });
    assert.deepEqual(await send(broker, { until: { ms: 5 } }), { id, isDuplicate: true });
  });

  for (const [how, settlement] of [
    ['well', returned(1)],
    ['badly', threw('no')],
  ] as const) {
    test(`a job that ended ${how} makes room for the next`, async (t) => {
      const broker = await open(t);
      const worker = await broker.consumer({ queues: null, tasks: [] });
      t.after(() => worker.close());

      for (let i = 0; i < 3; i++) {
        const { id, isDuplicate } = await send(broker);
        assert.equal(isDuplicate, false);
        const each = await claim(worker.next(never()));
        assert.equal(each.job.id, id);
        await each.settle(settlement, RUN);
      }
    });
  }

  test('a time that is over makes room, but not for who waits for the end', async (t) => {
    const broker = await open(t);
    const first = await send(broker, { until: { ms: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 5));

    assert.deepEqual(await send(broker), { id: first.id, isDuplicate: true });
    const second = await send(broker, { until: { ms: 3_600_000 } });
    assert.equal(second.isDuplicate, false);
    assert.deepEqual(await send(broker, { until: { ms: 1 } }), { id: second.id, isDuplicate: true });
  });

  test('of many that come together one is accepted, and all are told it', async (t) => {
    const broker = await open(t);
    const second = await open(t);

    const found = await Promise.all(
      Array.from({ length: 40 }, (_, i) => send(i % 2 === 0 ? broker : second, { until: 'started' })),
    );

    const accepted = found.filter(({ isDuplicate }) => !isDuplicate);
    assert.equal(accepted.length, 1);
    assert.deepEqual(new Set(found.map(({ id }) => id)), new Set(accepted.map(({ id }) => id)));
    assert.equal((await broker.counts()).pending, 1);
  });

  test('a revoked job makes room', async (t) => {
    const broker = await open(t);
    const { id } = await send(broker);
    await broker.revoke([id]);

    assert.equal((await send(broker)).isDuplicate, false);
  });
}

function keyed(broker: Broker, key: string, parts: JobParts = {}): NewJob {
  return job({ id: broker.nextId(), ...parts, options: { key } });
}

function send(
  broker: Broker,
  { key = 'a', until = 'ended', ...parts }: JobParts & { readonly key?: string; readonly until?: Until } = {},
): ReturnType<Broker['enqueueUnique']> {
  return within(broker.enqueueUnique(keyed(broker, key, parts), { key, until }), 'a stand-in');
}

async function claim(next: Claim | null | Promise<Claim | null>): Promise<Claim> {
  return (await within(next, 'a claim')) ?? assert.fail('no claim');
}

function names(stages: Readonly<Record<string, boolean>>): string {
  return Object.keys(stages)
    .filter((stage) => stages[stage] === true)
    .join(', ');
}

function never(): AbortSignal {
  return new AbortController().signal;
}
