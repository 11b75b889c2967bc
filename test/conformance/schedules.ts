/** What every broker promises of schedules: one job for each instant, however many send it. Called by broker.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import type { ScheduledInstant } from '../../src/broker/schedules.ts';
import { newJob, type OpenBroker } from './parts.ts';

const at = (atMs: number, schedule = 'tick'): ScheduledInstant => ({ schedule, atMs, pattern: 'every 1s' });
const NEW = { doneMs: null, pattern: null, last: null, isPaused: false };

export function schedules(open: OpenBroker): void {
  const send = (broker: Broker, instant: ScheduledInstant): ReturnType<Broker['schedules']['send']> =>
    broker.schedules.send(instant, newJob(broker));

  test('of a schedule that is new nothing is known', async (t) => {
    const { schedules: store } = await open(t);

    assert.deepEqual(await store.find('tick'), { name: 'tick', ...NEW });
    assert.deepEqual(await store.list(), []);
  });

  test('an instant has one job, and later calls are told that it is done', async (t) => {
    const broker = await open(t);
    const job = newJob(broker);

    const first = await broker.schedules.send(at(5_000), job);
    const again = await send(broker, at(5_000));
    const before = await send(broker, at(4_000));

    assert.deepEqual([first, again, before], [{ id: job.job.id, isDuplicate: false }, null, null]);
    assert.deepEqual((await broker.find(job.job.id))?.record?.job, job.job);
    assert.equal((await broker.counts()).pending, 1);
    assert.deepEqual(await broker.schedules.list(), [
      { name: 'tick', doneMs: 5_000, pattern: 'every 1s', last: { atMs: 5_000, id: job.job.id }, isPaused: false },
    ]);
  });

  test('the next instant has a job of its own, also while the one before waits or runs', async (t) => {
    const broker = await open(t);

    for (const atMs of [1_000, 2_000, 3_000]) assert.equal((await send(broker, at(atMs)))?.isDuplicate, false);

    assert.equal((await broker.counts()).pending, 3);
    assert.equal((await broker.schedules.find('tick')).doneMs, 3_000);
  });

  test('schedules are told apart by every character of their names', async (t) => {
    const broker = await open(t);

    for (const name of ['tick', 'Tick', 'tick-', 'tick_1'])
      assert.equal((await send(broker, at(1_000, name)))?.isDuplicate, false, name);

    assert.deepEqual(
      (await broker.schedules.list()).map(({ name }) => name),
      ['Tick', 'tick', 'tick-', 'tick_1'],
    );
  });

  test('of twenty that send ten instants at once, each instant has one job', async (t) => {
    const brokers = await Promise.all([open(t), open(t), open(t), open(t)]);
    const instants = Array.from({ length: 10 }, (_, i) => (i + 1) * 1_000);
    const sender = async (n: number): Promise<readonly string[]> => {
      const sent: string[] = [];
      for (const atMs of instants) {
        const broker = brokers[n % brokers.length] ?? assert.fail();
        const standIn = await send(broker, at(atMs));
        if (standIn?.isDuplicate === false) sent.push(`${atMs} ${standIn.id}`);
      }
      return sent;
    };

    const sent = (await Promise.all(Array.from({ length: 20 }, (_, n) => sender(n)))).flat();

    assert.deepEqual(
      sent.map((text) => Number(text.split(' ')[0])).sort((a, b) => a - b),
      instants,
    );
    assert.equal((await brokers[0]?.counts())?.pending, 10);
  });

  test('a user’s key is never that of an instant', async (t) => {
    const broker = await open(t);
    for (const key of ['tick', '1000', 'tick@1000', 'schedule/tick\u00001000'])
      await broker.enqueueUnique(newJob(broker), { key, until: 'ended' });

    assert.equal((await send(broker, at(1_000)))?.isDuplicate, false);
  });

  test('instants that are passed get no job, and the last job stays known', async (t) => {
    const broker = await open(t);
    const first = await send(broker, at(1_000));

    await broker.schedules.pass(at(5_000));

    assert.equal(await send(broker, at(4_000)), null);
    assert.deepEqual(await broker.schedules.find('tick'), {
      name: 'tick',
      doneMs: 5_000,
      pattern: 'every 1s',
      last: { atMs: 1_000, id: first?.id },
      isPaused: false,
    });
    assert.equal((await send(broker, at(6_000)))?.isDuplicate, false);
  });

  test('to pass an instant that is done already changes nothing', async (t) => {
    const broker = await open(t);
    await send(broker, at(5_000));

    await broker.schedules.pass(at(2_000));

    assert.equal((await broker.schedules.find('tick')).doneMs, 5_000);
    assert.equal(await send(broker, at(4_000)), null);
  });

  test('after the clock was set back, instants ahead count as not done', async (t) => {
    const broker = await open(t);
    await send(broker, at(9_000));

    await broker.schedules.turnBack(at(3_000));

    assert.equal((await broker.schedules.find('tick')).doneMs, 3_000);
    assert.equal((await send(broker, at(9_000)))?.isDuplicate, false);
    assert.equal((await broker.counts()).pending, 2);
  });

  test('a schedule is paused until it is resumed, also one that is new', async (t) => {
    const broker = await open(t);

    const answers = [
      await broker.schedules.pause('tick'),
      await broker.schedules.pause('tick'),
      (await broker.schedules.find('tick')).isPaused,
      await broker.schedules.resume('tick'),
      await broker.schedules.resume('tick'),
      (await broker.schedules.find('tick')).isPaused,
      await broker.schedules.resume('other'),
    ];

    assert.deepEqual(answers, [true, false, true, true, false, false, false]);
  });
}
