/** What every broker promises of the jobs that it accepts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { returned, RUN } from '../support/factory.ts';
import { claimNext, newJob, type OpenBroker, valueOf } from './parts.ts';

export function acceptance(open: OpenBroker): void {
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
