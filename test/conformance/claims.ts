/** What every broker promises of claims: who gets which job, and when. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { NewJob } from '../../src/broker/broker.ts';
import type { Consumer } from '../../src/broker/worker-side.ts';
import { within } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import { claimAll, claimNext, consumer, keeper, newJob, nextOf, type OpenBroker } from './parts.ts';

export function claims(open: OpenBroker): void {
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
