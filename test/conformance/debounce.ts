/** What every broker promises of calls that become one job. Called by broker.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker, StandIn } from '../../src/broker/broker.ts';
import type { Settlement } from '../../src/job/lifecycle.ts';
import type { Debounce } from '../../src/job/job-options.ts';
import { until, within } from '../support/conditions.ts';
import { job, type JobParts, returned, RUN } from '../support/factory.ts';
import { consumer, keeper, nextOf, type OpenBroker } from './parts.ts';

const HOUR: Debounce = { waitMs: 3_600_000, mostMs: null };
const SOON: Debounce = { waitMs: 100, mostMs: null };

export function debouncing(open: OpenBroker): void {
  test('debounced: the calls of a burst are one job, with the arguments of the last, so long after that', async (t) => {
    const broker = await open(t);

    const first = await call(broker, HOUR, { args: [1], queue: 'a', priority: 7 });
    const beforeMs = Date.now();
    const second = await call(broker, HOUR, {
      args: [2],
      queue: 'b',
      priority: 1,
      headers: { from: 'b' },
      options: { retries: 3 },
      enqueuedAtMs: 1,
    });

    assert.deepEqual(first, { id: first.id, isDuplicate: false });
    assert.deepEqual(second, { id: first.id, isDuplicate: true });
    assert.deepEqual(await places(broker), { pending: 0, delayed: 1, running: 0 });
    const found = await broker.find(first.id);
    const { job: kept } = found?.record ?? assert.fail('no record');
    assert.deepEqual(kept.args, [2]);
    assert.deepEqual(kept.headers, { from: 'b' });
    assert.equal(kept.options.retries, 3);
    assert.ok(kept.enqueuedAtMs > 1, 'it was sent when the first was');
    const { queue, priority, attempt } = found?.standing ?? assert.fail('no standing');
    assert.deepEqual([queue, priority, attempt], ['b', 1, 0]);
    assert.ok((found?.dueAtMs ?? 0) >= beforeMs + HOUR.waitMs, 'it waits from the last call on');
    assert.equal(found?.dueAtMs, kept.options.etaMs);
  });

  test('debounced: it runs once, and all handles have its value', async (t) => {
    const broker = await open(t);
    await keeper(t, broker);
    const worker = await consumer(t, broker);
    const calls: StandIn[] = [];
    for (let i = 0; i < 5; i++) calls.push(await call(broker, SOON, { args: [i] }));

    const claim = await nextOf(worker);
    await claim.settle(returned(claim.job.args[0]), RUN);

    assert.deepEqual(new Set(calls.map(({ id }) => id)), new Set([claim.job.id]));
    assert.deepEqual((await broker.outcome(claim.job.id))?.outcome, { state: 'succeeded', value: 4 });
    assert.deepEqual(await places(broker), { pending: 0, delayed: 0, running: 0 });
  });

  test('debounced: a call while it runs, and one after its end, is another job', async (t) => {
    const broker = await open(t);
    await keeper(t, broker);
    const worker = await consumer(t, broker);
    const ids = new Set<string>();

    for (let i = 0; i < 3; i++) {
      ids.add((await call(broker, { waitMs: 1, mostMs: null })).id);
      const running = await nextOf(worker);
      const next = await call(broker, { waitMs: 1, mostMs: null }, { args: ['next'] });
      assert.equal(next.isDuplicate, false);
      ids.add(next.id);
      await running.settle(returned(1), RUN);
      const last = await nextOf(worker);
      assert.deepEqual(last.job.args, ['next']);
      await last.settle(returned(1), RUN);
    }

    assert.equal(ids.size, 6);
  });

  test('debounced: a job that is due and has not begun waits again', async (t) => {
    const broker = await open(t);
    await keeper(t, broker);
    const { id } = await call(broker, { waitMs: 1, mostMs: null }, { args: [1] });
    await until(async () => (await broker.counts()).pending === 1, 'it is ready');

    const second = await call(broker, HOUR, { args: [2] });

    assert.deepEqual(second, { id, isDuplicate: true });
    assert.deepEqual(await places(broker), { pending: 0, delayed: 1, running: 0 });
  });

  const error = { name: 'Error', message: 'not yet' };
  const again: readonly Settlement[] = [{ kind: 'rerun', delayMs: 3_600_000, crashes: 0, error }, { kind: 'requeue' }];
  for (const settlement of again)
    test(`debounced: a job that has begun and waits again (${settlement.kind}) keeps its arguments`, async (t) => {
      const broker = await open(t);
      const kept = await broker.keeper({ queues: null });
      const worker = await consumer(t, broker);
      const { id } = await call(broker, { waitMs: 1, mostMs: null }, { args: ['begun'] });
      const claim = await nextOf(worker);
      await Promise.all([kept.close(), worker.close()]);
      await claim.settle(settlement, settlement.kind === 'rerun' ? RUN : null);

      const second = await call(broker, HOUR, { args: ['new'] });
      const third = await call(broker, HOUR, { args: ['newer'] });

      assert.equal(second.isDuplicate, false);
      assert.deepEqual(third, { id: second.id, isDuplicate: true });
      assert.deepEqual((await broker.find(id))?.record?.job.args, ['begun']);
      assert.deepEqual((await broker.find(second.id))?.record?.job.args, ['newer']);
    });

  test('debounced: with calls that never stop it begins at the latest when its longest wait is over', async (t) => {
    const broker = await open(t);
    const mostMs = 7_200_000;
    const { id } = await call(broker, { waitMs: 3_600_000, mostMs });
    const sentAtMs = (await broker.find(id))?.record?.job.enqueuedAtMs ?? 0;

    await call(broker, { waitMs: mostMs, mostMs });
    assert.equal((await broker.find(id))?.dueAtMs, sentAtMs + mostMs);
    await call(broker, { waitMs: 1, mostMs: 1 });

    // Its longest wait is over: it is ready, and later calls still give it their arguments.
    assert.deepEqual(await places(broker), { pending: 1, delayed: 0, running: 0 });
    await call(broker, { waitMs: 1, mostMs: 1 }, { args: ['last'] });
    assert.deepEqual(await places(broker), { pending: 1, delayed: 0, running: 0 });
    assert.deepEqual((await broker.find(id))?.record?.job.args, ['last']);
  });

  test('debounced: of many that come together from several processes one job is made', async (t) => {
    const brokers = [await open(t), await open(t), await open(t)];

    const found = await Promise.all(
      Array.from({ length: 120 }, (_, i) => call(brokers[i % 3] ?? assert.fail(), HOUR, { args: [i] })),
    );

    const [one] = brokers;
    assert.ok(one !== undefined);
    assert.equal(new Set(found.map(({ id }) => id)).size, 1);
    assert.equal(found.filter(({ isDuplicate }) => !isDuplicate).length, 1);
    assert.deepEqual(await places(one), { pending: 0, delayed: 1, running: 0 });
    const [last] = (await one.find(found[0]?.id ?? ''))?.record?.job.args ?? [];
    assert.ok([117, 118, 119].includes(Number(last)), `${String(last)} is the last of one of them`);
  });

  test('debounced: a revoked job takes no more calls', async (t) => {
    const broker = await open(t);
    const { id } = await call(broker, HOUR);
    await broker.revoke([id]);

    const next = await call(broker, HOUR);

    assert.equal(next.isDuplicate, false);
    assert.notEqual(next.id, id);
    assert.equal((await broker.outcome(id))?.outcome?.state, 'revoked');
  });

  test('debounced: keys and tasks of their own do not meet', async (t) => {
    const broker = await open(t);
    const found = [
      await call(broker, HOUR),
      await call(broker, HOUR, {}, 'b'),
      await call(broker, HOUR, { task: 't' }),
    ];

    assert.deepEqual(
      found.map(({ isDuplicate }) => isDuplicate),
      [false, false, false],
    );
  });
}

function call(broker: Broker, debounce: Debounce, parts: JobParts = {}, key = 'a'): Promise<StandIn> {
  const sent = job({ id: broker.nextId(), ...parts, options: { ...parts.options, key } });
  return within(broker.enqueueUnique(sent, { key, until: 'started', debounce }), 'a stand-in');
}

async function places(broker: Broker): Promise<Readonly<Record<'pending' | 'delayed' | 'running', number>>> {
  const { pending, delayed, running } = await broker.counts();
  return { pending, delayed, running };
}
