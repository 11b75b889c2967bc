/** What every broker promises of jobs that are revoked. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Settlement } from '../../src/job/lifecycle.ts';
import { until } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import {
  child,
  claimNext,
  consumer,
  enqueueOne,
  keeper,
  newJob,
  nextOf,
  silentLine,
  type OpenBroker,
  valueOf,
} from './parts.ts';

export function revoking(open: OpenBroker): void {
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
