/** Jobs that run after several others, and what they take from them: values, or the first failure. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { Claim, Consumer } from '../../src/broker/worker-side.ts';
import type { Failure } from '../../src/job/errors.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobOptions } from '../../src/job/job-options.ts';
import { settlementOf } from '../../src/job/lifecycle.ts';
import type { JsonValue } from '../../src/job/values/json.ts';
import { within } from '../support/conditions.ts';
import { type JobParts, returned, RUN, threw } from '../support/factory.ts';
import { nextWithin } from '../support/next-claim.ts';
import { child, claimNext, consumer, keeper, never, newJob, nextOf, type OpenBroker } from './parts.ts';

export function taking(open: OpenBroker): void {
  test('a job takes the value of the one before it, before its own arguments; its file keeps its own', async (t) => {
    const { broker, each } = await atWork(t, open);
    const [first] = await send(broker, {});
    const [second] = await send(broker, { args: ['own'], options: { after: idOf(first), takes: 'value' } });

    await (await nextOf(each)).settle(returned({ a: [1] }), RUN);

    const claim = await nextOf(each);
    assert.deepEqual([claim.job.id, claim.job.args], [idOf(second), [{ a: [1] }, 'own']]);
    await claim.settle(returned(null), RUN);
    assert.deepEqual((await broker.outcome(idOf(second)))?.job.args, ['own']);
  });

  test('it takes the value anew at each of its runs, also of one that was sent back', async (t) => {
    const { broker, each } = await atWork(t, open);
    const [first] = await send(broker, {});
    const [second] = await send(broker, { options: { after: idOf(first), takes: 'value' } });
    await (await nextOf(each)).settle(returned(7), RUN);
    const again = { kind: 'rerun', delayMs: 0, crashes: 0, error: { name: 'E', message: 'm' } } as const;
    await (await nextOf(each)).settle(again, RUN);

    const retried = await nextOf(each);
    assert.deepEqual([retried.standing.attempt, retried.job.args], [2, [7]]);
    await retried.settle(threw('no'), RUN);
    await broker.retry([idOf(second)]);
    const sentBack = await nextOf(each);
    assert.deepEqual([sentBack.standing.attempt, sentBack.job.args], [3, [7]]);
  });

  test('a job after several begins when all have ended, with their values in the order in which it names them', async (t) => {
    const { broker, each } = await atWork(t, open);
    const ids = [broker.nextId(), broker.nextId(), broker.nextId()];
    const last = newJob(broker, { args: ['own'], options: { after: ids, takes: 'values' } });
    await broker.enqueue([...ids.map((id) => newJob(broker, { id })), last]);
    const claims = new Map<string, Claim>();
    for (const _ of ids) {
      const claim = await nextOf(each);
      claims.set(claim.job.id, claim);
    }

    for (const i of [2, 0]) await claims.get(ids[i] ?? '')?.settle(returned(i === 2 ? undefined : i), RUN);
    assert.equal(await nextWithin(each, 100), null);
    assert.deepEqual((await broker.find(last.job.id))?.waitsFor, { jobs: 3, ended: 2 });
    await claims.get(ids[1] ?? '')?.settle(returned(1), RUN);

    const claim = await nextOf(each);
    assert.deepEqual([claim.job.id, claim.job.args], [last.job.id, [[0, 1, null], 'own']]);
  });

  test('with a shape, the values come as arrays in one another', async (t) => {
    const { broker, each } = await atWork(t, open);
    const jobs = await send(broker, {}, {}, {});
    await send(broker, { options: { after: jobs.map(idOf), takes: 'values', shape: [[0, 1], [], 2] } });
    for (const value of [0, 1, 2]) await (await nextOf(each)).settle(returned(value), RUN);

    assert.deepEqual((await nextOf(each)).job.args, [[[0, 1], [], 2]]);
  });

  test('sent with those before it, a job waits as a delayed one from the start, and cannot be claimed before', async (t) => {
    const broker = await open(t);
    const first = newJob(broker);
    const second = newJob(broker, { priority: 0, options: { after: first.job.id } });
    await broker.enqueue([second, first]);

    const { state, dueAtMs } = (await broker.find(second.job.id)) ?? assert.fail();

    assert.deepEqual([state, dueAtMs], ['delayed', null]);
    assert.equal((await claimNext(t, broker)).job.id, first.job.id);
  });

  test('the values of no jobs are an empty list, also without `after`', async (t) => {
    const { broker, each } = await atWork(t, open);
    for (const after of [[], undefined]) {
      await send(broker, { args: [1], options: { takes: 'values', ...(after === undefined ? {} : { after }) } });

      const claim = await nextOf(each);
      assert.deepEqual(claim.job.args, [[], 1]);
      await claim.settle(returned(null), RUN);
    }
  });

  for (const takes of ['values', undefined] as const) {
    test(`of several, the first in the list that has not succeeded is the cause; takes: ${takes}`, async (t) => {
      const { broker, each } = await atWork(t, open);
      const jobs = await send(broker, {}, {}, {});
      const after = jobs.map(idOf);
      const [last] = await send(broker, { options: takes === undefined ? { after } : { after, takes } });
      for (const message of [null, 'the second', 'the third'])
        await (await nextOf(each)).settle(message === null ? returned(1) : threw(message), RUN);

      const failure = failureIn(await ended(broker, each, idOf(last)));

      assert.deepEqual([failure.code, failure.cause?.message], ['FSQ_PREDECESSOR', 'the second']);
      assert.match(failure.message, new RegExp(`job ${after[1] ?? ''} \\(\\S+\\), after which it was to run, failed`));
    });
  }

  test('an error handler gets the first failure as plain data before its arguments', async (t) => {
    const { broker, each } = await atWork(t, open);
    const jobs = await send(broker, { task: 'one' }, { task: 'two' }, { task: 'three' });
    await send(broker, { args: ['own'], options: { after: jobs.map(idOf), takes: 'error' } });
    const error = { name: 'RangeError', message: 'm', code: 'E_X' };
    await (await nextOf(each)).settle(returned(1), RUN);
    await (await nextOf(each)).settle({ kind: 'publish', outcome: { state: 'revoked', error } }, RUN);
    await (await nextOf(each)).settle(threw('later'), RUN);

    assert.deepEqual((await nextOf(each)).job.args, [
      { id: idOf(jobs[1]), task: 'two', state: 'revoked', ...error },
      'own',
    ]);
  });

  test('an error handler without an error is revoked, says so, and is kept for a minute', async (t) => {
    const { broker, each } = await atWork(t, open);
    const [first] = await send(broker, {});
    const [handler] = await send(broker, { options: { after: idOf(first), takes: 'error', retries: 5 } });
    await (await nextOf(each)).settle(returned(1), RUN);

    const { outcome, kept } = (await ended(broker, each, idOf(handler))) ?? assert.fail();

    assert.ok(outcome?.state === 'revoked');
    assert.deepEqual([outcome.error.code, kept.ttlMs], ['FSQ_NOT_NEEDED', 60_000]);
  });

  test('an error handler of a job that is nowhere is told that', async (t) => {
    const { broker, each } = await atWork(t, open);
    const id = broker.nextId();
    await send(broker, { options: { after: [id], takes: 'error' } });

    const [error] = (await nextOf(each)).job.args;

    assert.deepEqual(
      [partOf(error, 'id'), partOf(error, 'task'), partOf(error, 'code')],
      [id, null, 'FSQ_PREDECESSOR'],
    );
  });

  test('values that are too large together fail the job with a code and advice', async (t) => {
    const { broker, each } = await atWork(t, open);
    const jobs = await send(broker, {}, {});
    const [last] = await send(broker, { options: { after: jobs.map(idOf), takes: 'values' } });
    for (const _ of jobs) await (await nextOf(each)).settle(returned('x'.repeat(2_100_000)), RUN);

    const failure = failureIn(await ended(broker, each, idOf(last)));

    assert.equal(failure.code, 'FSQ_TOO_LARGE');
    assert.match(failure.message, /keys, or paths of files/);
  });

  test('a value that was forgotten fails the run that was to take it, also a later one', async (t) => {
    const { broker, each } = await atWork(t, open);
    const [first] = await send(broker, {});
    const [second] = await send(broker, { options: { after: idOf(first), takes: 'value' } });
    await (await nextOf(each)).settle(returned(7), RUN);
    await (await nextOf(each)).settle(threw('no'), RUN);
    assert.equal((await broker.forget([idOf(first)])).get(idOf(first)), 'forgotten');
    await broker.retry([idOf(second)]);

    assert.match(failureIn(await ended(broker, each, idOf(second))).message, /is nowhere: its outcome is forgotten/);
  });

  test('a job whose value others take keeps it, although its result is ignored', async (t) => {
    const broker = await open(t);
    const guard = await keeper(t, broker);
    const { consumer: each } = await child(t, broker, guard);
    const [a, b] = [broker.nextId(true), broker.nextId()];
    const options: JobOptions = { ignoreResult: true, next: [b] };
    await broker.enqueue([
      newJob(broker, { id: a, options }),
      newJob(broker, { id: b, options: { after: a, takes: 'value' } }),
    ]);
    const claim = await nextOf(each);

    await claim.settle(settlementOf({ kind: 'returned', value: 5 }, claim, Date.now(), 0), RUN);

    assert.deepEqual((await nextOf(each)).job.args, [5]);
  });
}

async function atWork(t: TestContext, open: OpenBroker): Promise<{ readonly broker: Broker; readonly each: Consumer }> {
  const broker = await open(t);
  await keeper(t, broker);
  return { broker, each: await consumer(t, broker) };
}

async function send(broker: Broker, ...parts: readonly JobParts[]): Promise<readonly NewJob[]> {
  const jobs = parts.map((part) => newJob(broker, part));
  await broker.enqueue(jobs);
  return jobs;
}

/** The outcome of a job that ends without a run: somebody has to look at it for that. */
async function ended(broker: Broker, each: Consumer, id: string): Promise<JobRecord | null> {
  const over = new AbortController();
  const idle = each.next(over.signal);
  const record = await within(broker.waitForOutcome(id, never(), false), `the end of ${id}`);
  over.abort();
  assert.equal(await idle, null);
  return record;
}

function idOf(sent: NewJob | undefined): string {
  return sent?.job.id ?? assert.fail();
}

function failureIn(record: JobRecord | null): Failure {
  const outcome = record?.outcome ?? null;
  assert.ok(outcome !== null && outcome.state === 'failed', JSON.stringify(outcome));
  return outcome.error;
}

function partOf(value: JsonValue | undefined, key: string): unknown {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value));
  return (value as Readonly<Record<string, unknown>>)[key];
}
