import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import vm from 'node:vm';
import { AsyncResult, GroupResult } from '../../../src/app/async-result.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import type { Claim } from '../../../src/broker/worker-side.ts';
import {
  ExpiredError,
  RevokedError,
  TaskError,
  TimeoutError,
  UnknownJobError,
  UsageError,
} from '../../../src/job/errors.ts';
import type { Settlement } from '../../../src/job/lifecycle.ts';
import { within } from '../../support/conditions.ts';
import { job, nextId, returned, RUN, threw } from '../../support/factory.ts';
import { tempSpool } from '../../support/temp.ts';

test('a handle is no promise: awaiting it gives the handle', async (t) => {
  const { result } = await sentJob(t);

  assert.equal('then' in result, false);
  assert.equal(await result, result);
});

test('get takes a signal of any make: without a reason, the error is an AbortError', async (t) => {
  const { result } = await sentJob(t);
  const aborted = Object.assign(new EventTarget(), { aborted: true }) as unknown as AbortSignal;
  const reasoned = vm.runInNewContext(`({ aborted: true, reason: 'enough', addEventListener() {} })`) as AbortSignal;

  await assert.rejects(result.get({ signal: aborted }), { name: 'AbortError' });
  await assert.rejects(result.get({ signal: reasoned }), (reason) => reason === 'enough');
});

test('the life of a handle: pending, running, succeeded; ready and successful at the end only', async (t) => {
  const { result, claim } = await sentJob(t);
  const before = [await result.state(), await result.ready(), await result.successful(), await result.failed()];

  const claimed = await claim();
  const during = await result.state();
  await claimed.settle(returned(3), RUN);

  assert.deepEqual(before, ['pending', false, false, false]);
  assert.equal(during, 'running');
  assert.deepEqual(
    [await result.state(), await result.ready(), await result.successful(), await result.failed()],
    ['succeeded', true, true, false],
  );
  assert.equal(await result.get(), 3);
  assert.equal((await result.info())?.record?.attempts.length, 1);
});

test('get() times out, the job goes on, and get() may be called again', async (t) => {
  const { result, claim } = await sentJob(t);

  await assert.rejects(result.get(5), (error) => {
    assert.ok(error instanceof TimeoutError);
    assert.equal(error.id, result.id);
    assert.match(error.message, /had no outcome after 5 ms/);
    return true;
  });
  await assert.rejects(result.get('10ms'), TimeoutError);
  await assert.rejects(result.get({ timeout: 0 }), TimeoutError);
  const waiting = result.get('1m');
  await (await claim()).settle(returned('late'), RUN);

  assert.equal(await waiting, 'late');
  assert.equal(await result.get(0), 'late', 'with an outcome there is nothing to wait for');
});

test('get() ends with the reason of its signal, and the job goes on', async (t) => {
  const { result, claim } = await sentJob(t);
  const stop = new AbortController();
  const reason = new Error('enough');
  const waiting = result.get({ signal: stop.signal, timeout: '1h' });

  stop.abort(reason);

  await assert.rejects(waiting, reason);
  await assert.rejects(result.get({ signal: stop.signal }), reason);
  await (await claim()).settle(returned(1), RUN);
  assert.equal(await result.get(), 1);
});

test('a failed job throws what the task threw, as data', async (t) => {
  const { result, claim } = await sentJob(t);

  await (await claim()).settle(threw('no'), RUN);

  await assert.rejects(
    result.get(),
    (error) => error instanceof TaskError && error.message === 'no' && error.attempts === 1,
  );
  assert.deepEqual([await result.failed(), await result.successful(), await result.state()], [true, false, 'failed']);
});

test('revoked and expired jobs throw errors of their own', async (t) => {
  for (const [state, type] of [
    ['revoked', RevokedError],
    ['expired', ExpiredError],
  ] as const) {
    const { result, claim } = await sentJob(t);

    await (await claim()).settle({ kind: 'publish', outcome: { state, error: { name: 'E', message: 'm' } } }, RUN);

    await assert.rejects(result.get(), type);
    assert.equal(await result.state(), state);
  }
});

test('an unknown job has a state of its own, and get() throws instead of waiting', async (t) => {
  const { broker } = tempSpool(t);
  const result = new AsyncResult(nextId(), async () => broker, false);

  assert.equal(await result.state(), 'unknown');
  assert.equal(await result.ready(), false);
  assert.equal(await result.info(), null);
  await assert.rejects(within(result.get(), 'the error'), UnknownJobError);
});

test('an outcome is read once, and outlives its file', async (t) => {
  const { result, claim, broker } = await sentJob(t);
  await (await claim()).settle(returned({ a: 1 }), RUN);
  await result.get();

  await broker.close();
  const { rmSync } = await import('node:fs');
  rmSync(broker.place, { recursive: true });

  assert.deepEqual(await result.get(), { a: 1 });
  assert.equal(await result.state(), 'succeeded');
});

test('a timeout or signal that is none is refused', async (t) => {
  const { result } = await sentJob(t);

  for (const wrong of [-1, 'soon', null, { timeout: 'x' }, { timeout: Number.NaN }]) {
    await assert.rejects(result.get(wrong as never), UsageError, JSON.stringify(wrong));
  }
  await assert.rejects(result.get({ signal: {} as never }), /Expected `signal` to be an AbortSignal, got an object/);
});

test('a wait of a month is no shorter than asked', async (t) => {
  const { result, claim } = await sentJob(t);
  const waiting = result.get('30d');
  await new Promise(setImmediate);

  await (await claim()).settle(returned(1), RUN);

  assert.equal(await waiting, 1);
});

test('a group gives its values in order, and its timeout is for the whole', async (t) => {
  const { broker } = tempSpool(t);
  const jobs = [job(), job(), job()];
  await broker.enqueue(jobs);
  const group = new GroupResult(jobs.map((sent) => new AsyncResult(sent.job.id, async () => broker, true)));
  assert.equal(group.length, 3);
  assert.equal(await group.ready(), false);
  await assert.rejects(group.get(5), TimeoutError);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const waiting = group.get('1m');
  for (let i = 0; i < 3; i++) await (await consumer.next(new AbortController().signal))?.settle(returned(i), RUN);

  assert.deepEqual(await waiting, [0, 1, 2]);
  assert.equal(await group.ready(), true);
  assert.deepEqual(
    [...group].map(({ id }) => id),
    jobs.map((sent) => sent.job.id),
  );
});

test('a group throws what its first job without a value throws', async (t) => {
  const { broker } = tempSpool(t);
  const jobs = [job(), job(), job()];
  await broker.enqueue(jobs);
  const settlements: Settlement[] = [returned(1), threw('second'), threw('third')];
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  for (const settlement of settlements)
    await (await consumer.next(new AbortController().signal))?.settle(settlement, RUN);

  const group = new GroupResult(jobs.map((sent) => new AsyncResult(sent.job.id, async () => broker, true)));

  await assert.rejects(group.get(), { message: 'second' });
});

async function sentJob(t: TestContext): Promise<{ result: AsyncResult; claim: () => Promise<Claim>; broker: Broker }> {
  const { broker } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  return {
    broker,
    result: new AsyncResult(sent.job.id, async () => broker, true),
    claim: async () => {
      const consumer = await broker.consumer({ queues: null, tasks: [] });
      t.after(() => consumer.close());
      const claimed = await consumer.next(new AbortController().signal);
      assert.ok(claimed);
      return claimed;
    },
  };
}
