/** How long outcomes are kept, and how they go before that, as every broker promises it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { UnknownJobError } from '../../src/job/errors.ts';
import { settlementOf } from '../../src/job/lifecycle.ts';
import { until, within } from '../support/conditions.ts';
import { returned, RUN, threw } from '../support/factory.ts';
import { claimNext, consumer, enqueueOne, keeper, never, newJob, nextOf, type OpenBroker } from './parts.ts';

export function forgetting(open: OpenBroker): void {
  for (const [state, settlement] of [
    ['succeeded', returned(1)],
    ['failed', threw('no')],
  ] as const)
    test(`the outcome of a job that ${state} is forgotten when it is told to`, async (t) => {
      const broker = await open(t);
      const { job } = await enqueueOne(broker);
      await (await claimNext(t, broker)).settle(settlement, RUN);

      assert.deepEqual([...(await broker.forget([job.id]))], [[job.id, 'forgotten']]);

      assert.equal(await broker.outcome(job.id), null);
      assert.equal(await broker.find(job.id), null);
      assert.equal((await broker.counts()).results, 0);
      await assert.rejects(within(broker.waitForOutcome(job.id, never(), false), 'an answer'), UnknownJobError);
      assert.deepEqual([...(await broker.forget([job.id]))], []);
    });

  test('a job that has not ended is not forgotten, wherever it is, and one that is nowhere is not in the answer', async (t) => {
    const broker = await open(t);
    const held = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker));
    const waiting = await enqueueOne(broker);
    const delayed = newJob(broker, { etaMs: Date.now() + 3_600_000 });
    await broker.enqueue([delayed]);
    const ids = [held, waiting, delayed].map(({ job }) => job.id);

    const found = await broker.forget([...ids, broker.nextId()]);

    assert.deepEqual(found, new Map(ids.map((id) => [id, 'unfinished'])));
    assert.equal((await broker.find(delayed.job.id))?.state, 'delayed');
    await claim.settle(returned(1), RUN);
    assert.equal((await broker.outcome(held.job.id))?.outcome?.state, 'succeeded');
  });

  test('many are forgotten in one call, and no others', async (t) => {
    const broker = await open(t);
    const jobs = Array.from({ length: 60 }, () => newJob(broker));
    await broker.enqueue(jobs);
    const each = await consumer(t, broker);
    for (const _ of jobs) await (await nextOf(each)).settle(returned(1), RUN);
    const ids = jobs.map(({ job }) => job.id);

    const found = await broker.forget(ids.slice(0, 50));

    assert.deepEqual(found, new Map(ids.slice(0, 50).map((id) => [id, 'forgotten'])));
    for (const id of ids.slice(50)) assert.equal((await broker.outcome(id))?.outcome?.state, 'succeeded');
    assert.equal((await broker.counts()).results, 10);
  });

  test('without a worker, what is over is tidied away; a dry run says how much that is', async (t) => {
    const broker = await open(t);
    const jobs = [0, 3_600_000].map((resultTtlMs) =>
      newJob(broker, { id: broker.nextId(true), options: { resultTtlMs } }),
    );
    const plain = newJob(broker);
    await broker.enqueue([...jobs, plain]);
    const each = await consumer(t, broker);
    for (let i = 0; i < 3; i++) {
      const claim = await nextOf(each);
      await claim.settle(settlementOf({ kind: 'returned', value: i }, claim, Date.now(), 0), RUN);
    }
    const [short, long] = jobs.map(({ job }) => job.id);

    // The file's time is that of the kernel, whose ticks may lie some ms apart.
    await until(async () => (await broker.tidy({ dryRun: true })).outcomes === 1, 'a dry run sees that it is over');
    assert.notEqual(await broker.outcome(short ?? ''), null);
    assert.equal((await broker.tidy()).outcomes, 1);

    assert.equal(await broker.outcome(short ?? ''), null);
    for (const id of [long ?? '', plain.job.id]) assert.notEqual(await broker.outcome(id), null);
    assert.equal((await broker.tidy()).outcomes, 0);
  });

  test('a worker forgets what is over, by the time of the outcome', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { id: broker.nextId(true), options: { ignoreResult: true, resultTtlMs: 0 } });
    await broker.enqueue([sent, newJob(broker)]);
    const each = await consumer(t, broker);
    for (let i = 0; i < 2; i++) {
      const claim = await nextOf(each);
      await claim.settle(settlementOf({ kind: 'returned', value: i }, claim, Date.now(), 0), RUN);
    }

    await keeper(t, broker);

    await until(async () => (await broker.outcome(sent.job.id)) === null, 'the outcome is forgotten');
    assert.equal((await broker.counts()).results, 1);
  });

  test('two who forget the same at once agree', async (t) => {
    const broker = await open(t);
    const other = await open(t);
    const { job } = await enqueueOne(broker);
    await (await claimNext(t, broker)).settle(returned(1), RUN);

    for (const found of await Promise.all([broker.forget([job.id]), other.forget([job.id])]))
      assert.ok([undefined, 'forgotten'].includes(found.get(job.id)), String(found.get(job.id)));

    assert.equal(await broker.outcome(job.id), null);
  });
}
