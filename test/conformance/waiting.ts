/** What every broker promises to programs that wait for an outcome. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { UnknownJobError } from '../../src/job/errors.ts';
import { within } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import { claimNext, enqueueOne, never, newJob, type OpenBroker, valueOf } from './parts.ts';

export function waiting(open: OpenBroker): void {
  test('an outcome that is there is given at once', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    await (await claimNext(t, broker)).settle(returned(7), RUN);

    const record = await broker.waitForOutcome(sent.job.id, never(), false);

    assert.equal(valueOf(record), 7);
  });

  test('all who wait for an outcome get it when it is published', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const waits = Array.from({ length: 20 }, () => broker.waitForOutcome(sent.job.id, never(), false));

    await (await claimNext(t, broker)).settle(returned('x'), RUN);

    const records = await within(Promise.all(waits), 'the outcome');
    assert.deepEqual(new Set(records.map(valueOf)), new Set(['x']));
  });

  test('a wait that is aborted gives null, and the job goes on', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const stop = new AbortController();
    const waiting = broker.waitForOutcome(sent.job.id, stop.signal, true);

    stop.abort();

    assert.equal(await within(waiting, 'the wait to end'), null);
    assert.equal((await broker.find(sent.job.id))?.state, 'pending');
  });

  test('a signal that is aborted already looks once: null without an outcome, the outcome where there is one', async (t) => {
    const broker = await open(t);
    const ended = await enqueueOne(broker);
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    const waiting = await enqueueOne(broker);

    const records = await Promise.all([
      broker.waitForOutcome(ended.job.id, AbortSignal.abort(), false),
      broker.waitForOutcome(waiting.job.id, AbortSignal.abort(), false),
    ]);

    assert.equal(valueOf(records[0] ?? null), 1);
    assert.equal(records[1], null);
  });

  test('waiting for a job that nobody knows throws, and does not hang', async (t) => {
    const broker = await open(t);
    const id = broker.nextId();

    await assert.rejects(within(broker.waitForOutcome(id, never(), false), 'the error'), UnknownJobError);
    assert.equal(await broker.find(id), null);
    assert.equal(await broker.outcome(id), null);
  });

  test('a waiting job, a delayed one and a running one are known, so that waiting for them does not throw', async (t) => {
    const broker = await open(t);
    const running = await enqueueOne(broker);
    const claim = await claimNext(t, broker);
    const pending = await enqueueOne(broker);
    const delayed = newJob(broker, { etaMs: Date.now() + 60_000 });
    await broker.enqueue([delayed]);

    const waits = [running, pending, delayed].map((sent) =>
      broker.waitForOutcome(sent.job.id, AbortSignal.abort(), false),
    );

    assert.deepEqual(await Promise.all(waits), [null, null, null]);
    await claim.settle(returned(null), RUN);
  });
}
