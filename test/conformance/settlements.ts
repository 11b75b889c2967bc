/** What every broker promises of the ends of claims: outcomes, further attempts, and jobs that are given back. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { settlementOf } from '../../src/job/lifecycle.ts';
import { returned, RUN, threw } from '../support/factory.ts';
import { claimNext, consumer, enqueueOne, keeper, newJob, nextOf, type OpenBroker, valueOf } from './parts.ts';

const AT_ONCE = { initialMs: 0, factor: 1, maxMs: 0, jitter: false };

export function settlements(open: OpenBroker): void {
  const values = [null, true, 0, -1.5e300, '', 'naïve 漢字 \u0000\u2028', [], {}, [[1, [2]], { a: { b: null } }]];
  for (const value of values) {
    test(`a published value comes back unchanged: ${JSON.stringify(value)}`, async (t) => {
      const broker = await open(t);
      const sent = await enqueueOne(broker);

      await (await claimNext(t, broker)).settle(returned(value), RUN);

      const record = await broker.outcome(sent.job.id);
      assert.deepEqual(record?.outcome, { state: 'succeeded', value });
      assert.deepEqual(record?.job, sent.job);
    });
  }

  test('a task that returned nothing has succeeded without a value', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);

    await (await claimNext(t, broker)).settle(returned(undefined), RUN);

    assert.deepEqual((await broker.outcome(sent.job.id))?.outcome, { state: 'succeeded', value: undefined });
  });

  for (const state of ['failed', 'revoked', 'expired'] as const) {
    test(`an outcome that is ${state} keeps its error with code, stack and causes`, async (t) => {
      const broker = await open(t);
      const sent = await enqueueOne(broker);
      const error = { name: 'E', message: 'm', stack: 's\n at x', code: 'C', cause: { name: 'F', message: 'n' } };

      await (await claimNext(t, broker)).settle({ kind: 'publish', outcome: { state, error } }, { ...RUN, error });

      const record = await broker.outcome(sent.job.id);
      assert.deepEqual(record?.outcome, { state, error });
      assert.equal((await broker.find(sent.job.id))?.state, state);
    });
  }

  test('an outcome tells of the run: attempt, owner, times', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const each = await consumer(t, broker);

    await (await nextOf(each)).settle(returned(1), { startedAtMs: 5, endedAtMs: 9 });

    const { attempts } = (await broker.outcome(sent.job.id)) ?? {};
    assert.deepEqual(attempts, [{ attempt: 1, startedAtMs: 5, endedAtMs: 9, owner: each.owner }]);
  });

  test('an ended job is found with its queue, priority and attempts', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { queue: 'slow', priority: 8 });
    await broker.enqueue([sent]);

    await (await claimNext(t, broker)).settle(threw('no'), RUN);

    const sighting = await broker.find(sent.job.id);
    assert.deepEqual(sighting?.standing, { queue: 'slow', priority: 8, attempt: 1, crashes: 0 });
  });

  test('an outcome is published once: nobody claims the job again', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const first = await enqueueOne(broker);
    await (await nextOf(each)).settle(returned(1), RUN);
    const second = await enqueueOne(broker);

    const claim = await nextOf(each);

    assert.equal(claim.job.id, second.job.id);
    await claim.settle(returned(2), RUN);
    assert.equal(valueOf(await broker.outcome(first.job.id)), 1);
    const { pending, running, delayed, results } = await broker.counts();
    assert.deepEqual({ pending, running, delayed, results }, { pending: 0, running: 0, delayed: 0, results: 2 });
  });

  test('a job to be run again waits its delay, and the next attempt knows of the first', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    await keeper(t, broker);
    const each = await consumer(t, broker);
    const error = { name: 'WorkerLostError', message: 'lost' };
    const first = await nextOf(each);

    await first.settle({ kind: 'rerun', delayMs: 30, crashes: 1, error }, { ...RUN, error });

    const second = await nextOf(each);
    assert.equal(second.job.id, sent.job.id);
    assert.equal(second.standing.attempt, 2);
    assert.equal(second.standing.crashes, 1);
    assert.deepEqual(second.attempts, [{ attempt: 1, ...RUN, owner: each.owner, error }]);
    await second.settle(returned(null), RUN);
    assert.deepEqual(
      (await broker.outcome(sent.job.id))?.attempts.map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  test('a job to be run again much later is delayed', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);

    const error = { name: 'E', message: 'm' };
    await (await claimNext(t, broker)).settle({ kind: 'rerun', delayMs: 60_000, crashes: 2, error }, RUN);

    const sighting = await broker.find(sent.job.id);
    assert.equal(sighting?.state, 'delayed');
    assert.equal(sighting?.standing.attempt, 1);
    assert.equal(sighting?.standing.crashes, 2);
  });

  test('a job that fails, is tried again and succeeds has every attempt in its outcome, crashes apart', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { options: { retries: 2, backoff: AT_ONCE } });
    await broker.enqueue([sent]);
    await keeper(t, broker);
    const each = await consumer(t, broker);
    const errors = [1, 2].map((n) => ({ name: 'E', message: `${n}`, code: `C${n}` }));

    for (const [i, error] of errors.entries()) {
      const claim = await nextOf(each);
      const run = { startedAtMs: 10 * i, endedAtMs: 10 * i + 1, error };
      await claim.settle(settlementOf({ kind: 'threw', error }, claim, Date.now(), 1), run);
    }
    const last = await nextOf(each);
    await last.settle(returned('good'), RUN);

    const { owner } = each;
    const record = await broker.outcome(sent.job.id);
    assert.deepEqual(record?.outcome, { state: 'succeeded', value: 'good' });
    assert.deepEqual(record.attempts, [
      { attempt: 1, startedAtMs: 0, endedAtMs: 1, owner, error: errors[0] },
      { attempt: 2, startedAtMs: 10, endedAtMs: 11, owner, error: errors[1] },
      { attempt: 3, ...RUN, owner },
    ]);
    assert.equal((await broker.find(sent.job.id))?.standing.crashes, 0);
  });

  test('a job without a retry left fails with its last error', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { options: { retries: 1, backoff: AT_ONCE } });
    await broker.enqueue([sent]);
    await keeper(t, broker);
    const each = await consumer(t, broker);

    for (const message of ['first', 'last']) {
      const claim = await nextOf(each);
      const error = { name: 'E', message };
      await claim.settle(settlementOf({ kind: 'threw', error }, claim, Date.now(), 1), { ...RUN, error });
    }

    const record = await broker.outcome(sent.job.id);
    assert.deepEqual(record?.outcome, { state: 'failed', error: { name: 'E', message: 'last' } });
    assert.equal(record.attempts.length, 2);
  });

  test('a job that expired is published as such, without an attempt', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { options: { expiresAtMs: 5 } });
    await broker.enqueue([sent]);

    const claim = await claimNext(t, broker);
    await claim.settle(settlementOf({ kind: 'expired' }, claim, 6, 0), null);

    const record = await broker.outcome(sent.job.id);
    assert.equal(record?.outcome?.state, 'expired');
    assert.deepEqual(record.attempts, []);
    const found = await broker.find(sent.job.id);
    assert.deepEqual([found?.state, found?.standing.attempt], ['expired', 0]);
  });

  test('a requeued job is ready at once, and its attempt counts', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const each = await consumer(t, broker);

    await (await nextOf(each)).settle({ kind: 'requeue' }, null);

    const again = await nextOf(each);
    assert.equal(again.job.id, sent.job.id);
    assert.equal(again.standing.attempt, 2);
    assert.equal(again.standing.crashes, 0);
    await again.settle(returned(null), RUN);
  });

  test('a job that ended before any run has had no attempt; one that ended so later has had those before', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const later = await enqueueOne(broker);
    await keeper(t, broker);
    const each = await consumer(t, broker);
    const error = { name: 'Error', message: 'no' };
    const ended = { kind: 'publish', outcome: { state: 'expired', error } } as const;

    await (await nextOf(each)).settle(ended, null);
    await (await nextOf(each)).settle({ kind: 'rerun', crashes: 0, delayMs: 0, error }, { ...RUN, error });
    await (await nextOf(each)).settle(ended, null);

    const attempts = await Promise.all(
      [sent, later].map(async ({ job }) => (await broker.find(job.id))?.standing.attempt),
    );
    assert.deepEqual(attempts, [0, 1]);
  });

  test('a parked job says why it waits, its attempt does not count, and it runs when its time comes', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    await keeper(t, broker);
    const each = await consumer(t, broker);
    const parked = { reason: 'no worker here knows task ad; did you mean add?', sinceMs: 123 };

    await (await nextOf(each)).settle({ kind: 'park', delayMs: 40, parked }, null);

    const sighting = await broker.find(sent.job.id);
    if (sighting?.state === 'delayed') {
      assert.deepEqual(sighting.record?.parked, parked);
      assert.equal(sighting.standing.attempt, 0);
    }
    const again = await nextOf(each);
    assert.equal(again.job.id, sent.job.id);
    assert.equal(again.standing.attempt, 1);
    assert.deepEqual(again.attempts, []);
    await again.settle({ kind: 'park', delayMs: 40, parked: { reason: 'still none', sinceMs: 456 } }, null);
    const still = (await broker.find(sent.job.id))?.record?.parked;
    assert.deepEqual(still, { reason: 'still none', sinceMs: 123 }, 'since it was parked the first time');
    await (await nextOf(each)).settle(returned(null), RUN);
    assert.equal((await broker.outcome(sent.job.id))?.parked, null);
  });
}
