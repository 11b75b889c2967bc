/** What every broker promises of the jobs that a dead process held. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { FencedError } from '../../src/job/errors.ts';
import { within } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import type { Lacks } from './capabilities.ts';
import { claimNext, consumer, enqueueOne, keeper, never, newJob, nextOf, type OpenBroker, valueOf } from './parts.ts';

export function recovering(open: OpenBroker, lacks: Lacks): void {
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
    const told: unknown[] = [];
    const each = await keeper(t, broker, {
      onEvent: (event) => event.kind === 'recovered' && told.push([event.job.id, event.owner, event.settlement.kind]),
    });

    await each.recover(crashed.owner, 'crashed');

    assert.deepEqual(told, [[sent.job.id, crashed.owner, 'rerun']]);
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

  test('an owner whose jobs were recovered can claim nothing more', { skip: lacks('fencesOwners') }, async (t) => {
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
}
