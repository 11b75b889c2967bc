/** What every broker promises to programs that look at its jobs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Whereabouts } from '../../src/broker/broker.ts';
import { within } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import { claimNext, consumer, enqueueOne, never, newJob, nextOf, type OpenBroker, valueOf } from './parts.ts';

export function looking(open: OpenBroker): void {
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

    const { corrupt = 0, ...jobs } = counts;
    assert.deepEqual([jobs, corrupt], [{ pending: 1, delayed: 1, running: 1, results: 1 }, 0]);
    await claim.settle(returned(1), RUN);
  });

  test('what has not ended is told without reading it, each job once', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker, { queues: ['default'] });
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

  test('a job is found where it was, and also where it has gone from there', async (t) => {
    const broker = await open(t);
    const jobs = [newJob(broker), newJob(broker, { options: { etaMs: Date.now() + 60_000 } }), newJob(broker)];
    await broker.enqueue(jobs);
    const ids = jobs.map(({ job }) => job.id);
    const seen = new Map(ids.map((id) => [id, null]));
    const were = new Map((await broker.unended()).map((where) => [where.id, { ...where, crashes: 0 }]));
    const whereWas = (id: string): Whereabouts | null => were.get(id) ?? null;
    const states = async (): Promise<readonly (string | undefined)[]> => {
      const changed = await broker.changed(seen, whereWas);
      const found = await Promise.all(ids.map((id) => broker.find(id, whereWas(id))));
      assert.deepEqual(
        found.map((job) => job?.state),
        ids.map((id) => changed.get(id)?.sighting.state),
      );
      return found.map((job) => job?.state);
    };

    assert.deepEqual(await states(), ['pending', 'delayed', 'pending']);
    const each = await consumer(t, broker);
    const claim = await nextOf(each);
    assert.deepEqual(await states(), ['running', 'delayed', 'pending']);
    await claim.settle(returned(1), RUN);
    await broker.revoke(ids.slice(1, 2));
    assert.deepEqual(await states(), ['succeeded', 'revoked', 'pending']);
  });

  test('what a place is made of is told, with what each part means', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);

    const parts = await broker.parts();

    assert.ok(parts.length > 10);
    assert.equal(new Set(parts.map(({ name }) => name)).size, parts.length);
    for (const { name, means } of parts) assert.match(means, /\w/, name);
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
