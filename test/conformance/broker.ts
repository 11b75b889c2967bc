/** What every broker promises, as tests. Written against src/broker/broker.ts alone: nothing here knows how jobs are kept. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { NewJob } from '../../src/broker/broker.ts';
import type { Consumer } from '../../src/broker/worker-side.ts';
import { FencedError, UnknownJobError } from '../../src/job/errors.ts';
import { type Settlement, settlementOf } from '../../src/job/lifecycle.ts';
import { until, within } from '../support/conditions.ts';
import { beside } from './beside.ts';
import { debouncing } from './debounce.ts';
import { everyJob } from './every-job.ts';
import { forgetting } from './forgetting.ts';
import {
  child,
  claimAll,
  claimNext,
  consumer,
  enqueueOne,
  keeper,
  never,
  newJob,
  nextOf,
  silentLine,
  valueOf,
  type OpenBroker,
} from './parts.ts';
import { following } from './after.ts';
import { queues } from './queues.ts';
import { slots } from './slots.ts';
import { returned, RUN, threw } from '../support/factory.ts';
import { taking } from './taking.ts';
import { taskSets } from './task-sets.ts';
import { sendingBack } from './retry.ts';
import { schedules } from './schedules.ts';
import { statistics } from './statistics.ts';
import { uniqueness } from './unique.ts';

const AT_ONCE = { initialMs: 0, factor: 1, maxMs: 0, jitter: false };

/** Registers the suite for the broker called `name`. */
export function testBroker(name: string, open: OpenBroker): void {
  describe(name, () => {
    acceptance(open);
    claims(open);
    settlements(open);
    waiting(open);
    keeping(open);
    looking(open);
    revoking(open);
    sendingBack(open);
    following(open);
    taking(open);
    queues(open);
    slots(open);
    uniqueness(open);
    debouncing(open);
    taskSets(open);
    beside(open);
    everyJob(open);
    forgetting(open);
    schedules(open);
    statistics(open);
  });
}

function acceptance(open: OpenBroker): void {
  test('ids are unique and grow', async (t) => {
    const broker = await open(t);

    const ids = Array.from({ length: 5_000 }, () => broker.nextId());

    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(ids, ids.toSorted());
  });

  test('an accepted job is found, pending, with all that it was sent with', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, {
      task: 'mail.send',
      args: [1, { to: 'Zoë 👋', list: [null, true, -0.5, ''] }],
      queue: 'mails',
      priority: 2,
      headers: { trace: 'a"b\\c\nd' },
    });

    await broker.enqueue([sent]);

    const sighting = await broker.find(sent.job.id);
    assert.equal(sighting?.state, 'pending');
    assert.deepEqual(sighting?.standing, {
      ...sighting?.standing,
      queue: 'mails',
      priority: 2,
      attempt: 0,
      crashes: 0,
    });
    assert.deepEqual(sighting?.record?.job, sent.job);
    assert.equal(sighting?.record?.outcome, null);
    assert.equal(sighting?.owner, null);
    assert.equal(await broker.outcome(sent.job.id), null);
  });

  test('many jobs are accepted in one call, none twice, none left out', async (t) => {
    const broker = await open(t);
    const jobs = Array.from({ length: 200 }, (_, i) => newJob(broker, { args: [i] }));

    await broker.enqueue(jobs);

    const listed = await broker.list(['pending'], 1_000);
    assert.deepEqual(listed.map(({ id }) => id).toSorted(), jobs.map((sent) => sent.job.id).toSorted());
    assert.equal((await broker.counts()).pending, 200);
  });

  test('no jobs are accepted as easily as one', async (t) => {
    const broker = await open(t);

    await broker.enqueue([]);

    assert.equal((await broker.counts()).pending, 0);
  });

  test('a job with a time of its own is delayed until then', async (t) => {
    const broker = await open(t);
    const etaMs = Date.now() + 3_600_000;
    const sent = newJob(broker, { etaMs });

    await broker.enqueue([sent]);

    const sighting = await broker.find(sent.job.id);
    assert.equal(sighting?.state, 'delayed');
    assert.equal(sighting?.dueAtMs, etaMs);
  });

  test('a job whose time has passed is ready at once', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { etaMs: Date.now() - 1 });

    await broker.enqueue([sent]);

    assert.equal((await broker.find(sent.job.id))?.state, 'pending');
  });

  test('a payload of a megabyte arrives whole', async (t) => {
    const broker = await open(t);
    const text = 'é'.repeat(512 * 1024);
    const sent = newJob(broker, { args: [text] });
    await broker.enqueue([sent]);

    const claim = await claimNext(t, broker);

    assert.equal(claim.job.args[0], text);
    await claim.settle(returned(text), RUN);
    assert.equal(valueOf(await broker.outcome(sent.job.id)), text);
  });
}

function claims(open: OpenBroker): void {
  test('a claim holds the job, and its first attempt is 1', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { args: ['x'], headers: { a: 'b' } });
    await broker.enqueue([sent]);

    const claim = await claimNext(t, broker);

    assert.deepEqual(claim.job, sent.job);
    assert.equal(claim.standing.attempt, 1);
    assert.equal(claim.standing.crashes, 0);
    assert.deepEqual(claim.attempts, []);
    const sighting = await broker.find(sent.job.id);
    assert.equal(sighting?.state, 'running');
    assert.equal(typeof sighting?.owner, 'string');
    await claim.settle(returned(null), RUN);
  });

  test('two consumers racing for one job: one gets it, the other gets null', async (t) => {
    const broker = await open(t);
    const stop = new AbortController();
    const consumers = await Promise.all([consumer(t, broker), consumer(t, broker)]);
    const waits = consumers.map((each) => each.next(stop.signal));

    await broker.enqueue([newJob(broker)]);
    const first = await within(Promise.race(waits), 'a claim');
    stop.abort();
    const all = await Promise.all(waits);

    assert.ok(first !== null);
    assert.equal(all.filter((claim) => claim !== null).length, 1);
    await first.settle(returned(1), RUN);
  });

  test('many consumers share the jobs: each job is claimed exactly once', async (t) => {
    const broker = await open(t);
    const jobs = Array.from({ length: 60 }, () => newJob(broker));
    const stop = new AbortController();
    const claimed: string[] = [];
    const work = async (each: Consumer): Promise<void> => {
      for (;;) {
        const claim = await each.next(stop.signal);
        if (claim === null) return;
        claimed.push(claim.job.id);
        await claim.settle(returned(null), RUN);
        if (claimed.length === jobs.length) stop.abort();
      }
    };
    const consumers = await Promise.all(Array.from({ length: 4 }, () => consumer(t, broker)));
    const working = Promise.all(consumers.map(work));

    await broker.enqueue(jobs);
    await within(working, 'all jobs to be claimed');

    assert.deepEqual(claimed.toSorted(), jobs.map((sent) => sent.job.id).toSorted());
  });

  test('the lowest priority number comes first, and within it the oldest', async (t) => {
    const broker = await open(t);
    const jobs = [9, 5, 0, 5, 0].map((priority) => newJob(broker, { priority }));
    await broker.enqueue(jobs);
    const each = await consumer(t, broker);

    const order = await claimAll(each, jobs.length);

    const byHand = [2, 4, 1, 3, 0].map((i) => jobs[i]?.job.id);
    assert.deepEqual(order, byHand);
  });

  test('with one consumer and one producer, jobs run in the order in which they were accepted', async (t) => {
    const broker = await open(t);
    const jobs: NewJob[] = [];
    for (let i = 0; i < 50; i++) {
      const sent = newJob(broker);
      jobs.push(sent);
      await broker.enqueue([sent]);
    }

    const order = await claimAll(await consumer(t, broker), jobs.length);

    assert.deepEqual(
      order,
      jobs.map((sent) => sent.job.id),
    );
  });

  test('a consumer takes jobs of its queues only', async (t) => {
    const broker = await open(t);
    const theirs = newJob(broker, { queue: 'theirs', priority: 0 });
    const mine = newJob(broker, { queue: 'mine' });
    await broker.enqueue([theirs, mine]);
    const each = await consumer(t, broker, { queues: ['mine', 'other'] });

    const claim = await nextOf(each);

    assert.equal(claim.job.id, mine.job.id);
    assert.equal(claim.standing.queue, 'mine');
    await claim.settle(returned(null), RUN);
    assert.equal((await broker.find(theirs.job.id))?.state, 'pending');
  });

  test('next() waits for a job that comes later', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const waiting = each.next(new AbortController().signal);
    const sent = newJob(broker);

    await broker.enqueue([sent]);

    const claim = await within(waiting, 'the job that came later');
    assert.equal(claim?.job.id, sent.job.id);
    await claim?.settle(returned(null), RUN);
  });

  test('next() gives null once its signal is aborted, and takes nothing then', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const stop = new AbortController();
    const waiting = each.next(stop.signal);

    stop.abort();
    const whileWaiting = await within(waiting, 'next() to end');
    const sent = newJob(broker);
    await broker.enqueue([sent]);
    const afterwards = await within(each.next(stop.signal), 'next() to end at once');

    assert.equal(whileWaiting, null);
    assert.equal(afterwards, null);
    assert.equal((await broker.find(sent.job.id))?.state, 'pending');
  });

  test('a job is not claimed before its time, and is soon after', async (t) => {
    const broker = await open(t);
    await keeper(t, broker);
    const each = await consumer(t, broker);
    const etaMs = Date.now() + 60;
    const sent = newJob(broker, { etaMs });
    await broker.enqueue([sent]);

    const claim = await nextOf(each);

    assert.equal(claim.job.id, sent.job.id);
    assert.ok(Date.now() >= etaMs, `claimed ${etaMs - Date.now()} ms too early`);
    assert.equal(claim.standing.attempt, 1);
    await claim.settle(returned(null), RUN);
  });

  test('a consumer is seen among the owners as long as it lives', async (t) => {
    const broker = await open(t);
    const each = await broker.consumer({ queues: ['a'], tasks: ['add', 'sub'] });

    const [owner] = await broker.owners();
    await each.close();

    assert.equal(owner?.owner, each.owner);
    assert.equal(owner?.pid, process.pid);
    assert.equal(owner?.verdict, 'alive');
    assert.deepEqual(owner?.queues, ['a']);
    assert.deepEqual(owner?.tasks, ['add', 'sub']);
    assert.deepEqual(await broker.owners(), []);
  });
}

function settlements(open: OpenBroker): void {
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
    assert.equal((await broker.find(sent.job.id))?.state, 'expired');
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
    await again.settle(returned(null), RUN);
    assert.equal((await broker.outcome(sent.job.id))?.parked, null);
  });
}

function waiting(open: OpenBroker): void {
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

function keeping(open: OpenBroker): void {
  test('what a crashed owner held runs again, with one crash more', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const crashed = await consumer(t, broker);
    await nextOf(crashed);
    const each = await keeper(t, broker);

    await each.recover(crashed.owner, 'crashed');

    const again = await claimNext(t, broker);
    assert.equal(again.job.id, sent.job.id);
    assert.equal(again.standing.attempt, 2);
    assert.equal(again.standing.crashes, 1);
    assert.equal(again.attempts.length, 1);
    assert.equal(again.attempts[0]?.owner, crashed.owner);
    assert.equal(again.attempts[0]?.error?.name, 'WorkerLostError');
    await again.settle(returned(null), RUN);
  });

  test('what a stopped owner held is ready at once, and no crash is counted', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);
    const stopped = await consumer(t, broker);
    await nextOf(stopped);
    const each = await keeper(t, broker);

    await each.recover(stopped.owner, 'stopped');

    const again = await claimNext(t, broker);
    assert.equal(again.standing.attempt, 2);
    assert.equal(again.standing.crashes, 0);
    await again.settle(returned(null), RUN);
  });

  test('of a process that was killed for one job that job ends as told, with its times; what else it held is ready again', async (t) => {
    const broker = await open(t);
    const late = await enqueueOne(broker);
    const killed = await consumer(t, broker);
    await nextOf(killed);
    const beside = await enqueueOne(broker);
    await nextOf(killed);
    const each = await keeper(t, broker);
    const ending = { kind: 'timed-out', limitMs: 1_500 } as const;

    await each.recover(killed.owner, 'stopped', { id: late.job.id, startedAtMs: 1_234, ending, defaults: {} });

    const record = await broker.outcome(late.job.id);
    assert.equal(record?.outcome?.state, 'failed');
    const [attempt, ...more] = record.attempts;
    assert.deepEqual(more, []);
    assert.deepEqual([attempt?.startedAtMs, attempt?.owner], [1_234, killed.owner]);
    assert.deepEqual([attempt?.error?.name, attempt?.error?.code], ['TimeLimitError', 'FSQ_TIME_LIMIT']);
    const again = await claimNext(t, broker);
    assert.equal(again.job.id, beside.job.id);
    assert.deepEqual([again.standing.attempt, again.standing.crashes], [2, 0]);
    await again.settle(returned(null), RUN);
  });

  test('a job that was killed at its time limit runs again while its retries last, and no crash is counted', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, {
      options: { retries: 1, backoff: { initialMs: 0, factor: 1, maxMs: 0, jitter: true } },
    });
    await broker.enqueue([sent]);
    const each = await keeper(t, broker);
    const run = {
      id: sent.job.id,
      startedAtMs: 1,
      ending: { kind: 'timed-out', limitMs: 1_500 },
      defaults: {},
    } as const;
    const first = await consumer(t, broker);
    await nextOf(first);

    await each.recover(first.owner, 'stopped', run);
    const second = await consumer(t, broker);
    const again = await nextOf(second);
    await each.recover(second.owner, 'stopped', run);

    assert.deepEqual([again.standing.attempt, again.standing.crashes], [2, 0]);
    assert.equal(again.attempts[0]?.error?.code, 'FSQ_TIME_LIMIT');
    const record = await broker.outcome(sent.job.id);
    assert.equal(record?.outcome?.state, 'failed');
    assert.equal(record.attempts.length, 2);
  });

  test('a job that had ended before its process was killed keeps its outcome', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const killed = await consumer(t, broker);
    await (await nextOf(killed)).settle(returned('in time'), RUN);
    const ending = { kind: 'timed-out', limitMs: 1_500 } as const;

    await (
      await keeper(t, broker)
    ).recover(killed.owner, 'stopped', { id: sent.job.id, startedAtMs: 1_234, ending, defaults: {} });

    assert.equal(valueOf(await broker.outcome(sent.job.id)), 'in time');
  });

  for (const ending of ['crashed', 'stopped'] as const) {
    test(`a job that must not run twice fails when its owner has ${ending}`, async (t) => {
      const broker = await open(t);
      const sent = newJob(broker, { options: { onCrash: 'fail', retries: 3 } });
      await broker.enqueue([sent]);
      const lost = await consumer(t, broker);
      await nextOf(lost);

      await (await keeper(t, broker)).recover(lost.owner, ending);

      const record = await broker.outcome(sent.job.id);
      assert.equal(record?.outcome?.state === 'failed' && record.outcome.error.code, 'FSQ_WORKER_LOST');
      assert.deepEqual(
        record?.attempts.map(({ attempt, owner }) => [attempt, owner]),
        [[1, lost.owner]],
      );
      assert.equal((await broker.find(sent.job.id))?.standing.crashes, ending === 'crashed' ? 1 : 0);
    });
  }

  test('a recovery is told of, with what became of the job', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const crashed = await consumer(t, broker);
    await nextOf(crashed);
    const events: unknown[] = [];
    const each = await keeper(t, broker, { onEvent: (event) => events.push(event) });

    await each.recover(crashed.owner, 'crashed');

    const [event] = events as { kind: string; job: { id: string }; owner: string; settlement: { kind: string } }[];
    assert.equal(events.length, 1);
    assert.deepEqual(
      [event?.kind, event?.job.id, event?.owner, event?.settlement.kind],
      ['recovered', sent.job.id, crashed.owner, 'rerun'],
    );
  });

  test('an owner whose jobs were recovered can publish nothing, whatever it does later', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const lost = await consumer(t, broker);
    const late = await nextOf(lost);
    await (await keeper(t, broker)).recover(lost.owner, 'crashed');

    await assert.rejects(async () => late.settle(returned('late'), RUN), FencedError);
    await assert.rejects(async () => late.settle({ kind: 'requeue' }, null), FencedError);
    await assert.rejects(
      async () => late.settle({ kind: 'rerun', delayMs: 0, crashes: 1, error: { name: 'E', message: '' } }, RUN),
      FencedError,
    );

    const again = await claimNext(t, broker);
    await again.settle(returned('good'), RUN);
    await assert.rejects(async () => late.settle(returned('later still'), RUN), FencedError);
    assert.equal(valueOf(await broker.outcome(sent.job.id)), 'good');
    const { pending, running, delayed, results } = await broker.counts();
    assert.deepEqual({ pending, running, delayed, results }, { pending: 0, running: 0, delayed: 0, results: 1 });
  });

  test('an owner whose jobs were recovered can claim nothing more', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);
    const lost = await consumer(t, broker);
    await nextOf(lost);
    await (await keeper(t, broker)).recover(lost.owner, 'stopped');

    await assert.rejects(within(lost.next(never()), 'the fence'), FencedError);

    assert.equal((await broker.counts()).pending, 1);
  });

  test('recovering an owner twice, or one that holds nothing, does nothing', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);
    const crashed = await consumer(t, broker);
    await nextOf(crashed);
    const each = await keeper(t, broker);

    await Promise.all([each.recover(crashed.owner, 'crashed'), each.recover(crashed.owner, 'crashed')]);
    await each.recover(crashed.owner, 'crashed');

    const again = await claimNext(t, broker);
    assert.equal(again.standing.crashes, 1);
    await again.settle(returned(null), RUN);
  });

  test('a job that kills its process again and again is given up after the third more, and its outcome says so', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const each = await keeper(t, broker);
    const error = { name: 'WorkerLostError', message: 'lost' };
    const survivor = await consumer(t, broker);
    // The deaths before the last one, without the waits between them.
    for (const crashes of [1, 2, 3])
      await (await nextOf(survivor)).settle({ kind: 'rerun', delayMs: 0, crashes, error }, RUN);
    const doomed = await consumer(t, broker);
    assert.equal((await nextOf(doomed)).standing.attempt, 4);

    await each.recover(doomed.owner, 'crashed');

    const record = await broker.outcome(sent.job.id);
    assert.equal(record?.outcome?.state === 'failed' && record.outcome.error.name, 'WorkerLostError');
    assert.deepEqual(
      record?.attempts.map(({ attempt }) => attempt),
      [1, 2, 3, 4],
    );
    assert.equal((await broker.find(sent.job.id))?.standing.crashes, 4);
  });

  test('a job is started once more after its third crash', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);
    const each = await keeper(t, broker);
    const error = { name: 'WorkerLostError', message: 'lost' };
    const survivor = await consumer(t, broker);
    for (const crashes of [1, 2])
      await (await nextOf(survivor)).settle({ kind: 'rerun', delayMs: 0, crashes, error }, RUN);
    const doomed = await consumer(t, broker);
    const { job: claimed } = await nextOf(doomed);

    await each.recover(doomed.owner, 'crashed');

    const sighting = await broker.find(claimed.id);
    assert.equal(sighting?.state, 'delayed');
    assert.equal(sighting?.standing.crashes, 3);
  });

  test("a worker's only child runs the jobs in the order in which they were accepted", async (t) => {
    const broker = await open(t);
    const { consumer: working } = await child(t, broker, await keeper(t, broker));
    const jobs = Array.from({ length: 40 }, () => newJob(broker));
    await broker.enqueue(jobs);

    const order = await claimAll(working, jobs.length);

    assert.deepEqual(
      order,
      jobs.map((sent) => sent.job.id),
    );
  });

  test("a worker's children share the jobs: each job is claimed exactly once", async (t) => {
    const broker = await open(t);
    const each = await keeper(t, broker);
    const children = await Promise.all([0, 1, 2].map(() => child(t, broker, each)));
    const jobs = Array.from({ length: 60 }, () => newJob(broker));
    const stop = new AbortController();
    const claimed: string[] = [];
    const working = children.map(async ({ consumer: one }) => {
      for (let claim = await one.next(stop.signal); claim !== null; claim = await one.next(stop.signal)) {
        claimed.push(claim.job.id);
        await claim.settle(returned(null), RUN);
        if (claimed.length === jobs.length) stop.abort();
      }
    });

    await broker.enqueue(jobs);
    await within(Promise.all(working), 'all jobs to be claimed');

    assert.deepEqual(claimed.toSorted(), jobs.map((sent) => sent.job.id).toSorted());
  });

  for (const isBurst of [false, true]) {
    test(`a lone job reaches a child that waits, at once${isBurst ? ' in a burst, too' : ''}`, async (t) => {
      const broker = await open(t);
      const each = await keeper(t, broker, { isBurst });
      const children = [await child(t, broker, each), await child(t, broker, each)];
      const stop = new AbortController();
      const waits = children.map(({ consumer: one }) => one.next(stop.signal));
      await until(() => children.every(({ member }) => member.isIdle), 'the children wait');

      const sent = await enqueueOne(broker);
      const claim = await within(Promise.race(waits), 'the claim', 900);
      stop.abort();

      assert.equal(claim?.job.id, sent.job.id);
      await claim?.settle(returned(1), RUN);
      assert.deepEqual((await Promise.all(waits)).filter((one) => one === null).length, 1);
    });
  }

  test('in a burst a member is idle while its consumer waits, and is not while there may be a job', async (t) => {
    const broker = await open(t);
    const { consumer: working, member } = await child(t, broker, await keeper(t, broker, { isBurst: true }));
    const first = nextOf(working);
    await until(() => member.isIdle, 'the consumer waits');

    await enqueueOne(broker);
    const claim = await first;
    const whileRunning = member.isIdle;
    await claim.settle(returned(1), RUN);
    const stop = new AbortController();
    const last = working.next(stop.signal);
    await until(() => member.isIdle, 'the consumer waits again');
    stop.abort();

    assert.equal(whileRunning, false);
    assert.equal(await last, null);
  });

  test('the jobs of a child that has left go to another', async (t) => {
    const broker = await open(t);
    const each = await keeper(t, broker);
    const [leaving, staying] = [await child(t, broker, each), await child(t, broker, each)];
    const stop = new AbortController();
    const waits = [staying, leaving].map(({ consumer: one }) => one.next(stop.signal));
    await until(() => leaving.member.isIdle && staying.member.isIdle, 'both wait');

    leaving.member.leave();
    leaving.member.leave();
    const jobs = [newJob(broker), newJob(broker)];
    await broker.enqueue(jobs);
    const claim = await within(waits[0], 'the claim', 900);
    await claim?.settle(returned(1), RUN);
    const second = await nextOf(staying.consumer);
    await second.settle(returned(2), RUN);
    stop.abort();

    assert.deepEqual(
      [claim?.job.id, second.job.id],
      jobs.map((sent) => sent.job.id),
    );
    assert.equal(await waits[1], null);
  });

  test('a line that carries nothing costs time, not jobs', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker, { line: silentLine() });
    const sent = await enqueueOne(broker);

    const claim = await nextOf(each);

    assert.equal(claim.job.id, sent.job.id);
    await claim.settle(returned(null), RUN);
  });

  test('words that mean nothing do no harm, on either end of the line', async (t) => {
    const broker = await open(t);
    const words = [null, 1, 'names', [], {}, { type: 'no such' }, { type: 'names' }, { type: 'names', names: 1 }];
    let hear: (word: unknown) => void = () => undefined;
    const line = { say: () => undefined, listen: (listener: (word: unknown) => void) => void (hear = listener) };
    const each = await consumer(t, broker, { line });
    const { consumer: working, member } = await child(t, broker, await keeper(t, broker));
    for (const word of words) hear(word);
    for (const word of words) member.hear(word);
    const jobs = [await enqueueOne(broker), await enqueueOne(broker)];

    const claims = [await nextOf(working), await nextOf(each)];

    assert.deepEqual(
      claims.map((claim) => claim.job.id),
      jobs.map((sent) => sent.job.id),
    );
    for (const claim of claims) await claim.settle(returned(null), RUN);
  });

  test('a keeper is idle when nothing of its queues is ready or due', async (t) => {
    const broker = await open(t);
    const each = await keeper(t, broker, { queues: ['mine'] });
    await broker.enqueue([
      newJob(broker, { queue: 'theirs' }),
      newJob(broker, { queue: 'mine', etaMs: Date.now() + 60_000 }),
    ]);
    const before = each.isIdle();

    await broker.enqueue([newJob(broker, { queue: 'mine' })]);

    assert.equal(before, true);
    assert.equal(each.isIdle(), false);
  });

  test('parked jobs become ready when a worker knows their task, others do not', async (t) => {
    const broker = await open(t);
    const jobs = [
      newJob(broker, { task: 'known' }),
      newJob(broker, { task: 'strange' }),
      newJob(broker, { task: 'known', etaMs: Date.now() + 50_000 }),
    ];
    await broker.enqueue(jobs);
    const each = await consumer(t, broker);
    const parked = { reason: 'unknown', sinceMs: 1 };
    for (let i = 0; i < 2; i++) await (await nextOf(each)).settle({ kind: 'park', delayMs: 50_000, parked }, null);

    (await keeper(t, broker)).know(['known']);

    const claim = await nextOf(each);
    assert.equal(claim.job.id, jobs[0]?.job.id);
    assert.equal(claim.standing.attempt, 1);
    await claim.settle(returned(null), RUN);
    assert.equal((await broker.counts()).delayed, 2);
  });
}

function looking(open: OpenBroker): void {
  test('jobs are counted by where they are', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    await broker.enqueue([
      newJob(broker),
      newJob(broker),
      newJob(broker),
      newJob(broker, { etaMs: Date.now() + 60_000 }),
    ]);
    await (await nextOf(each)).settle(returned(1), RUN);
    const claim = await nextOf(each);

    const counts = await broker.counts();

    assert.deepEqual(counts, { pending: 1, delayed: 1, running: 1, results: 1, corrupt: 0 });
    await claim.settle(returned(1), RUN);
  });

  test('what has not ended is told without reading it, each job once', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const dueAtMs = Date.now() + 60_000;
    const [ended, running, pending] = [newJob(broker), newJob(broker), newJob(broker, { queue: 'mail' })];
    const late = newJob(broker, { etaMs: dueAtMs });
    await broker.enqueue([ended, running, pending, late]);
    await (await nextOf(each)).settle(returned(1), RUN);
    const claim = await nextOf(each);

    const unended = await broker.unended();

    const told = unended.map(({ owner, ...rest }) => ({ ...rest, isHeld: owner === each.owner }));
    const common = { queue: 'default', attempt: 0, priority: 5, dueAtMs: null, isHeld: false };
    assert.deepEqual(
      told.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      [
        { ...common, id: running.job.id, state: 'running', attempt: 1, isHeld: true },
        { ...common, id: pending.job.id, state: 'pending', queue: 'mail' },
        { ...common, id: late.job.id, state: 'delayed', dueAtMs },
      ].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
    await claim.settle(returned(1), RUN);
    assert.deepEqual((await broker.unended()).map(({ id }) => id).toSorted(), [pending.job.id, late.job.id].toSorted());
  });

  test('a listing keeps to its states and its limit', async (t) => {
    const broker = await open(t);
    const jobs = Array.from({ length: 5 }, () => newJob(broker));
    const delayed = newJob(broker, { etaMs: Date.now() + 60_000 });
    await broker.enqueue([...jobs, delayed]);

    const some = await broker.list(['pending'], 3);
    const late = await broker.list(['delayed', 'results'], 10);

    assert.equal(some.length, 3);
    assert.ok(some.every(({ state }) => state === 'pending'));
    assert.deepEqual(
      late.map(({ id, state }) => [id, state]),
      [[delayed.job.id, 'delayed']],
    );
  });

  test('a listing asks of jobs by their names, and ends where there are no more', async (t) => {
    const broker = await open(t);
    const jobs = [10_000, 20_000, 30_000].map((ms) => newJob(broker, { etaMs: Date.now() + ms }));
    await broker.enqueue([...jobs, newJob(broker)]);
    const asked: string[] = [];

    const found = await broker.list(['pending', 'delayed'], 10, undefined, ({ id }) => {
      asked.push(id);
      return id === jobs[1]?.job.id ? 'no more' : id === jobs[0]?.job.id;
    });

    assert.deepEqual(
      found.map(({ id }) => id),
      [jobs[0]?.job.id],
    );
    assert.deepEqual(asked.slice(1), [jobs[0]?.job.id, jobs[1]?.job.id]);
  });

  test('the room that is left is told, where it can be', async (t) => {
    const room = await (await open(t)).room();

    if (room === null) return;
    assert.ok(room.totalBytes >= room.freeBytes && room.totalInodes >= room.freeInodes, JSON.stringify(room));
  });

  test('ids are found by what they begin with, wherever the job is', async (t) => {
    const broker = await open(t);
    const ended = await enqueueOne(broker);
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    const pending = await enqueueOne(broker);

    const whole = await broker.idsByPrefix(ended.job.id, 10);
    const both = await broker.idsByPrefix(ended.job.id.slice(0, 4), 10);
    const one = await broker.idsByPrefix(ended.job.id.slice(0, 4), 1);
    const none = await broker.idsByPrefix('ffffffff', 10);

    assert.deepEqual(whole, [ended.job.id]);
    assert.deepEqual(both.toSorted(), [ended.job.id, pending.job.id].toSorted());
    assert.equal(one.length, 1);
    assert.deepEqual(none, []);
  });

  test('another opening of the same store sees the same jobs', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    const other = await open(t);

    const waiting = other.waitForOutcome(sent.job.id, never(), false);
    const claim = await claimNext(t, other);
    await claim.settle(returned('there'), RUN);

    assert.equal(valueOf(await within(waiting, 'the outcome')), 'there');
    assert.equal(valueOf(await broker.outcome(sent.job.id)), 'there');
  });
}

function revoking(open: OpenBroker): void {
  for (const [kind, etaMs] of [
    ['pending', undefined],
    ['delayed', Date.now() + 3_600_000],
  ] as const) {
    test(`a ${kind} job is revoked without a worker and never starts`, async (t) => {
      const broker = await open(t);
      const sent = newJob(broker, etaMs === undefined ? {} : { etaMs });
      await broker.enqueue([sent, newJob(broker)]);

      const found = await broker.revoke([sent.job.id]);

      assert.deepEqual([...found], [[sent.job.id, 'revoked']]);
      const sighting = await broker.find(sent.job.id);
      assert.equal(sighting?.state, 'revoked');
      assert.deepEqual(sighting?.record?.attempts, []);
      assert.notEqual((await claimNext(t, broker)).job.id, sent.job.id);
      assert.deepEqual([...(await broker.revoke([sent.job.id]))], [[sent.job.id, 'revoked']]);
    });
  }

  test('what has ended stays as it is, and what is unknown is not in the answer', async (t) => {
    const broker = await open(t);
    const sent = await enqueueOne(broker);
    await (await claimNext(t, broker)).settle(returned(1), RUN);

    const found = await broker.revoke([sent.job.id, broker.nextId()], { terminate: true });

    assert.deepEqual([...found], [[sent.job.id, 'ended']]);
    assert.equal(valueOf(await broker.outcome(sent.job.id)), 1);
  });

  test('many are revoked in one call', async (t) => {
    const broker = await open(t);
    const jobs = Array.from({ length: 100 }, () => newJob(broker));
    await broker.enqueue(jobs);

    const found = await broker.revoke(jobs.map(({ job: { id } }) => id));

    assert.equal([...found.values()].filter((revocation) => revocation === 'revoked').length, 100);
    const { pending, running, results } = await broker.counts();
    assert.deepEqual({ pending, running, results }, { pending: 0, running: 0, results: 100 });
  });

  test('a consumer without a worker hears which of its jobs are revoked', async (t) => {
    const broker = await open(t);
    const heard: string[] = [];
    const each = await consumer(t, broker, { onRevoked: (ids) => void heard.push(...ids) });
    const sent = await enqueueOne(broker);
    const claim = await nextOf(each);

    const found = await broker.revoke([sent.job.id]);

    assert.deepEqual([...found], [[sent.job.id, 'requested']]);
    await until(() => heard.includes(sent.job.id), 'the consumer has heard');
    await claim.settle(returned('before'), RUN);
    assert.equal(valueOf(await broker.outcome(sent.job.id)), 'before');
  });

  test('a child whose worker has died hears which of its jobs are revoked', async (t) => {
    const broker = await open(t);
    const heard: string[] = [];
    const line = silentLine();
    const each = await consumer(t, broker, { line, onRevoked: (ids) => void heard.push(...ids) });
    const sent = await enqueueOne(broker);
    const claim = await nextOf(each);

    await broker.revoke([sent.job.id]);
    line.end();

    await until(() => heard.includes(sent.job.id), 'the consumer has heard');
    await claim.settle(returned(1), RUN);
  });

  const sentBack: readonly Settlement[] = [
    { kind: 'requeue' },
    { kind: 'rerun', delayMs: 0, crashes: 1, error: { name: 'Error', message: 'lost' } },
    { kind: 'park', delayMs: 0, parked: { reason: 'unknown', sinceMs: 1 } },
  ];
  for (const settlement of sentBack) {
    test(`a revoked job that is sent back (${settlement.kind}) ends instead`, async (t) => {
      const broker = await open(t);
      const sent = await enqueueOne(broker);
      const claim = await claimNext(t, broker);
      assert.equal((await broker.revoke([sent.job.id])).get(sent.job.id), 'requested');

      await claim.settle(settlement, settlement.kind === 'park' ? null : RUN);

      assert.equal((await broker.find(sent.job.id))?.state, 'revoked');
      assert.equal((await broker.counts()).pending + (await broker.counts()).delayed, 0);
    });
  }

  test("a worker's children hear which jobs are revoked, until these have ended, and the child that runs one is to be killed", async (t) => {
    const broker = await open(t);
    const each = await keeper(t, broker);
    const [heard, heardLater]: ReadonlySet<string>[][] = [[], []];
    const running = await child(t, broker, each, { onRevoked: (ids) => heard?.push(ids) });
    const sent = await enqueueOne(broker);
    const claim = await nextOf(running.consumer);

    await broker.revoke([sent.job.id], { terminate: true });

    await until(() => heard?.at(-1)?.has(sent.job.id) && running.killedFor.length > 0, 'the child has heard');
    const late = await child(t, broker, each, { onRevoked: (ids) => heardLater?.push(ids) });
    await until(() => heardLater?.at(-1)?.has(sent.job.id), 'a child that joins later has heard');
    assert.deepEqual([...new Set(running.killedFor)], [sent.job.id]);
    assert.deepEqual(late.killedFor, []);
    await claim.settle({ kind: 'requeue' }, null);
    await until(() => heard?.at(-1)?.size === 0, 'nothing is revoked any more');
    assert.equal((await broker.find(sent.job.id))?.state, 'revoked');
  });

  test('two who revoke the same jobs at once agree', async (t) => {
    const broker = await open(t);
    const other = await open(t);
    const jobs = Array.from({ length: 40 }, () => newJob(broker));
    await broker.enqueue(jobs);
    const ids = jobs.map(({ job: { id } }) => id);

    const [one, two] = await Promise.all([broker.revoke(ids), other.revoke(ids.toReversed(), { terminate: true })]);

    assert.deepEqual([...new Set([...one.values(), ...two.values()])], ['revoked']);
    assert.deepEqual([one.size, two.size], [40, 40]);
  });

  test('a job is revoked or claimed, never both', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const jobs = Array.from({ length: 60 }, () => newJob(broker));
    await broker.enqueue(jobs);
    const stop = new AbortController();
    const ran = new Set<string>();
    const working = (async () => {
      for (let claim = await each.next(stop.signal); claim !== null; claim = await each.next(stop.signal)) {
        ran.add(claim.job.id);
        await claim.settle(returned(1), RUN);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();

    const found = await broker.revoke(jobs.map(({ job: { id } }) => id).toReversed());
    await until(async () => (await broker.counts()).results === 60, 'every job has ended');
    stop.abort();
    await working;

    for (const [id, revocation] of found) {
      const state = (await broker.outcome(id))?.outcome?.state;
      assert.equal(ran.has(id), state === 'succeeded', `${id} ${revocation}`);
      if (revocation === 'revoked') assert.equal(state, 'revoked');
    }
  });
}
