/** Jobs that run after another: they wait for its success, and fail with the cause where there is none. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { Claim, Consumer } from '../../src/broker/worker-side.ts';
import type { Failure } from '../../src/job/errors.ts';
import type { JobRecord } from '../../src/job/job.ts';
import { type Settlement, settlementOf } from '../../src/job/lifecycle.ts';
import { until, within } from '../support/conditions.ts';
import { returned, RUN, threw } from '../support/factory.ts';
import { nextWithin } from '../support/next-claim.ts';
import {
  child,
  claimNext,
  consumer,
  enqueueOne,
  keeper,
  never,
  newJob,
  nextOf,
  type OpenBroker,
  valueOf,
} from './parts.ts';

export function following(open: OpenBroker): void {
  test('a job waits for another while that waits, runs and is tried again, and starts when it has succeeded', async (t) => {
    const broker = await open(t);
    const [first, second] = pair(broker);
    await keeper(t, broker);
    const each = await consumer(t, broker);
    await broker.enqueue([first, second]);

    const claim = await nextOf(each);
    assert.equal(claim.job.id, first.job.id);
    assert.equal(await nextWithin(each, 100), null);
    const { state, dueAtMs, standing } = (await broker.find(second.job.id)) ?? assert.fail();
    assert.deepEqual([state, dueAtMs, standing.attempt], ['delayed', null, 0]);
    await claim.settle({ kind: 'rerun', delayMs: 0, crashes: 0, error: { name: 'E', message: 'm' } }, RUN);
    const again = await nextOf(each);
    assert.deepEqual([again.job.id, again.standing.attempt], [first.job.id, 2]);
    await again.settle(returned(1), RUN);

    const last = await nextOf(each);
    assert.deepEqual([last.job.id, last.standing.attempt], [second.job.id, 1]);
    await last.settle(returned(2), RUN);
    assert.equal(valueOf(await broker.outcome(second.job.id)), 2);
  });

  test('after one that has succeeded already, a job starts at once, and no worker has to look after it', async (t) => {
    const broker = await open(t);
    const [first, second] = pair(broker);
    await broker.enqueue([first]);
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    await broker.enqueue([second]);

    assert.equal((await claimNext(t, broker)).job.id, second.job.id);
  });

  for (const [state, message] of [
    ['failed', /after which it was to run, failed\.$/],
    ['revoked', /after which it was to run, was revoked\.$/],
    ['expired', /after which it was to run, expired\.$/],
  ] as const) {
    test(`when the other ${state}, a job fails with its error as the cause, whether it waits already or not`, async (t) => {
      const broker = await open(t);
      const [first, second] = pair(broker);
      await keeper(t, broker);
      const each = await consumer(t, broker);
      await broker.enqueue([first, second]);
      const error = { name: 'E', message: 'the cause' };
      const claim = await nextOf(each);
      const waiting = each.next(never());
      await until(async () => (await broker.counts()).delayed === 1, 'the second waits');

      await claim.settle({ kind: 'publish', outcome: { state, error } }, RUN);

      const record = await within(broker.waitForOutcome(second.job.id, never(), false), 'its end');
      const told = failureIn(record);
      assert.deepEqual([told.code, told.cause, record?.attempts], ['FSQ_PREDECESSOR', error, []]);
      assert.equal((await broker.find(second.job.id))?.standing.attempt, 0);
      assert.match(told.message, message);
      const late = newJob(broker, { options: { after: first.job.id } });
      await broker.enqueue([late, newJob(broker)]);
      await (await within(Promise.resolve(waiting), 'the other job'))?.settle(returned(1), RUN);
      assert.deepEqual(failureIn(await broker.outcome(late.job.id)).cause, error);
    });
  }

  test('after a job that is nowhere, and after itself, a job fails and says so', async (t) => {
    const broker = await open(t);
    const lost = newJob(broker, { options: { after: broker.nextId() } });
    const id = broker.nextId();
    const own = newJob(broker, { id, options: { after: id } });
    await broker.enqueue([lost, own, newJob(broker)]);
    await (await claimNext(t, broker)).settle(returned(1), RUN);

    assert.match(failureIn(await broker.outcome(lost.job.id)).message, /is nowhere/);
    assert.match(failureIn(await broker.outcome(own.job.id)).message, /it was to run after itself/);
  });

  test('twenty in a row run one after the other, in whatever order they were sent', async (t) => {
    const broker = await open(t);
    const guard = await keeper(t, broker);
    const each = await child(t, broker, guard);
    const jobs: NewJob[] = [newJob(broker)];
    for (let i = 1; i < 20; i++) jobs.push(newJob(broker, { options: { after: jobs[i - 1]?.job.id ?? '' } }));
    await broker.enqueue(jobs.toReversed());

    const order: string[] = [];
    for (const _ of jobs) {
      const claim = await nextOf(each.consumer);
      order.push(claim.job.id);
      await claim.settle(returned(1), RUN);
    }

    assert.deepEqual(
      order,
      jobs.map(({ job }) => job.id),
    );
  });

  test('of a row whose first fails all fail with that cause; sent back one after the other they all run', async (t) => {
    const broker = await open(t);
    await keeper(t, broker);
    const each = await consumer(t, broker);
    const [first, second] = pair(broker);
    const third = newJob(broker, { options: { after: second.job.id } });
    const ids = [first, second, third].map(({ job }) => job.id);
    await broker.enqueue([first, second, third]);
    await (await nextOf(each)).settle(threw('the first'), RUN);
    const idle = each.next(never());
    await until(async () => (await broker.outcome(third.job.id)) !== null, 'the last has failed');
    assert.equal(failureIn(await broker.outcome(third.job.id)).cause?.message, 'the first');

    for (const id of ids) assert.equal((await broker.retry([id])).get(id), null);

    const order: string[] = [];
    for (
      let claim = await within(Promise.resolve(idle), 'the first again');
      claim !== null;
      claim = order.length < 3 ? await nextOf(each) : null
    ) {
      order.push(claim.job.id);
      await claim.settle(returned(1), RUN);
    }
    assert.deepEqual(order, ids);
  });

  test('a job that waits for another can be revoked, and expires', async (t) => {
    const broker = await open(t);
    const [first, second] = pair(broker);
    const late = newJob(broker, { options: { after: first.job.id, expiresAtMs: Date.now() + 1_500 } });
    await keeper(t, broker);
    const each = await consumer(t, broker);
    await broker.enqueue([first, second, late]);
    const claim = await nextOf(each);
    const next = each.next(never());
    // The other may be too late by now, on a slow machine.
    await until(async () => (await broker.find(second.job.id))?.state === 'delayed', 'it waits');

    assert.equal((await broker.revoke([second.job.id])).get(second.job.id), 'revoked');

    const expired = (await within(Promise.resolve(next), 'the claim of what is too late')) ?? assert.fail();
    assert.equal(expired.job.id, late.job.id);
    await expired.settle(settlementOf({ kind: 'expired' }, expired, Date.now(), 0), null);
    await claim.settle(returned(1), RUN);
    assert.equal((await broker.find(late.job.id))?.state, 'expired');
  });

  test('what waited before a worker came starts too, and keeps it from being idle', async (t) => {
    const broker = await open(t);
    const [first, second] = pair(broker);
    await broker.enqueue([first, second]);
    const each = await consumer(t, broker);
    const claim = await nextOf(each);
    assert.equal(await nextWithin(each, 50), null);
    await claim.settle(returned(1), RUN);

    const guard = await keeper(t, broker);

    assert.equal(guard.isIdle(), false);
    assert.equal((await nextOf(each)).job.id, second.job.id);
  });

  test('a job that has begun does not ask for the other again', async (t) => {
    const broker = await open(t);
    const other = await enqueueOne(broker);
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    const sent = newJob(broker, { options: { after: other.job.id, retries: 1 } });
    await broker.enqueue([sent]);
    await keeper(t, broker);
    const begun = await begin(t, broker, { kind: 'rerun', delayMs: 0, crashes: 0, error: { name: 'E', message: 'm' } });
    assert.equal(begun.id, sent.job.id);

    // Its outcome does not count any more: the job runs again after it was sent back, too.
    const again = await nextOf(begun.consumer);
    assert.equal(again.standing.attempt, 2);
    await again.settle(threw('no'), RUN);
    await broker.retry([sent.job.id]);
    assert.equal((await nextOf(begun.consumer)).standing.attempt, 3);
  });
}

function pair(broker: Broker): readonly [NewJob, NewJob] {
  const first = newJob(broker);
  return [first, newJob(broker, { options: { after: first.job.id } })];
}

async function begin(
  t: TestContext,
  broker: Broker,
  settlement: Settlement,
): Promise<{ readonly id: string; readonly consumer: Consumer }> {
  const each = await consumer(t, broker);
  const claim: Claim = await nextOf(each);
  await claim.settle(settlement, RUN);
  return { id: claim.job.id, consumer: each };
}

function failureIn(record: JobRecord | null): Failure {
  const outcome = record?.outcome ?? null;
  assert.ok(outcome !== null && outcome.state === 'failed', JSON.stringify(outcome));
  return outcome.error;
}
