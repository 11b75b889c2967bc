/** What every broker promises to a process that runs several jobs at once. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { retriesUsed } from '../../src/job/lifecycle.ts';
import { until } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import type { Lacks } from './capabilities.ts';
import { consumer, enqueueOne, keeper, newJob, nextOf, type OpenBroker } from './parts.ts';

const DEATH = { name: 'WorkerLostError', message: 'lost' };

export function slots(open: OpenBroker, lacks: Lacks): void {
  test('of a process that ended because of one of its jobs that one has crashed, and the others go back with all their retries', async (t) => {
    const broker = await open(t);
    const jobs = Array.from({ length: 4 }, () => newJob(broker, { options: { retries: 2 } }));
    await broker.enqueue(jobs);
    const ended = await consumer(t, broker);
    for (const _ of jobs) await nextOf(ended);
    const each = await keeper(t, broker);
    const guilty = jobs[1]?.job.id ?? '';

    await each.recover(ended.owner, 'interrupted', { id: guilty, ending: { kind: 'crashed' }, defaults: {} });

    const next = await consumer(t, broker);
    for (const _ of jobs) {
      const claim = await nextOf(next);
      const isGuilty = claim.job.id === guilty;
      const { attempt, crashes } = claim.standing;
      assert.deepEqual([attempt, crashes, retriesUsed(claim)], [2, isGuilty ? 1 : 0, 0]);
      assert.deepEqual([claim.attempts.length, claim.attempts[0]?.uncounted], [1, isGuilty ? undefined : true]);
      await claim.settle(returned(1), RUN);
    }
  });

  test('a suspect is claimed only when nothing else works, and may be taken by others meanwhile', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const first = await consumer(t, broker);
    await (await nextOf(first)).settle({ kind: 'rerun', delayMs: 0, crashes: 2, error: DEATH }, RUN);
    await keeper(t, broker);
    let finish = (): void => undefined;
    let asked = 0;
    const busy = await consumer(t, broker, {
      alone: () => {
        asked++;
        return new Promise((resolve) => (finish = resolve));
      },
    });

    const stop = new AbortController();
    const waiting = busy.next(stop.signal);
    await until(() => asked > 0, 'it asks whether nothing else works');
    const other = await nextOf(await consumer(t, broker));
    assert.deepEqual([other.job.id, other.standing.crashes], [sent.job.id, 2]);
    await other.settle({ kind: 'rerun', delayMs: 0, crashes: 2, error: DEATH }, RUN);
    stop.abort();
    finish();
    assert.equal(await waiting, null);
    const askedBefore = asked;
    const taking = nextOf(busy);
    await until(() => asked > askedBefore, 'it asks again');
    finish();

    assert.equal((await taking).job.id, sent.job.id);
  });

  test('other jobs are claimed beside what works', async (t) => {
    const broker = await open(t);
    const [fresh, crashed] = [await enqueueOne(broker), await enqueueOne(broker)];
    const first = await consumer(t, broker);
    await nextOf(first);
    await (await nextOf(first)).settle({ kind: 'rerun', delayMs: 0, crashes: 1, error: DEATH }, RUN);
    await (await keeper(t, broker)).recover(first.owner, 'stopped');
    const busy = await consumer(t, broker, { alone: () => assert.fail('neither is a suspect') });

    const ids = [(await nextOf(busy)).job.id, (await nextOf(busy)).job.id];

    assert.deepEqual(ids.toSorted(), [fresh.job.id, crashed.job.id].toSorted());
  });

  test(
    'a job that is waited for is taken from behind others, if it is ready, served and not paused',
    { skip: lacks('takesByName') },
    async (t) => {
      const broker = await open(t);
      const [first, plain, own, urgent, other] = [
        newJob(broker),
        newJob(broker),
        newJob(broker, { queue: 'mail' }),
        newJob(broker, { priority: 2 }),
        newJob(broker, { queue: 'other' }),
      ];
      await broker.enqueue([first, plain, own, urgent, other]);
      const each = await consumer(t, broker, { queues: ['default', 'mail'] });
      const take = async (id: string, queue: string | null): Promise<string | undefined> =>
        (await each.take?.(id, queue))?.job.id;

      assert.equal(await take(plain.job.id, 'mail'), plain.job.id);
      assert.equal(await take(plain.job.id, 'mail'), undefined);
      assert.equal(await take(own.job.id, 'mail'), own.job.id);
      assert.equal(await take(urgent.job.id, 'mail'), undefined);
      assert.equal(await take(urgent.job.id, null), urgent.job.id);
      assert.equal(await take(other.job.id, null), undefined);
      assert.equal(await take(broker.nextId(), null), undefined);
      await broker.pause('default');
      await until(async () => (await take(first.job.id, null)) === undefined, 'the pause is heard of');
    },
  );

  test('for whom a run waits is seen while it waits, and gone with its end', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const other = broker.nextId();
    const claim = await nextOf(await consumer(t, broker));
    const seen = async (): Promise<readonly string[] | undefined> => (await broker.find(sent.job.id))?.awaits;

    claim.waitsFor([other]);
    await until(async () => (await seen())?.includes(other), 'it is seen');
    claim.progress({ value: 0.5 });
    await until(async () => (await broker.find(sent.job.id))?.progress?.value === 0.5, 'the progress is seen');
    assert.deepEqual(await seen(), [other]);
    claim.waitsFor([]);
    await until(async () => (await seen()) === undefined, 'it is seen to wait no more');
    assert.equal((await broker.find(sent.job.id))?.progress?.value, 0.5);
    claim.waitsFor([other]);
    await claim.settle(returned(1), RUN);
    assert.equal(await seen(), undefined);
  });
}
