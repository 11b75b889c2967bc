/** Ended jobs that are sent back: which are, what is kept of them, and what is counted anew. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { readySinceMs } from '../../src/app/telling/health-facts.ts';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { Consumer } from '../../src/broker/worker-side.ts';
import { type Ending, settlementOf } from '../../src/job/lifecycle.ts';
import { until, within } from '../support/conditions.ts';
import { returned, RUN, threw } from '../support/factory.ts';
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

const AT_ONCE = { initialMs: 0, factor: 1, maxMs: 0, jitter: false };
const THREW: Ending = { kind: 'threw', error: { name: 'Error', message: 'no' } };

/** A file system's clock may be behind by one of its ticks. */
function assertSoonAfter(atMs: number, fromMs: number, what: string): void {
  assert.ok(atMs >= fromMs - 20 && atMs <= Date.now() + 20, `${what}: ${atMs - fromMs} ms later`);
}

export function sendingBack(open: OpenBroker): void {
  test('a failed job that is sent back waits in its queue, with its history, and runs again', async (t) => {
    const broker = await open(t);
    const sent = newJob(broker, { queue: 'mails', priority: 2, args: ['a'] });
    await broker.enqueue([sent]);
    await (await claimNext(t, broker)).settle(threw('no'), RUN);
    const before = await broker.find(sent.job.id);

    assert.deepEqual([...(await broker.retry([sent.job.id]))], [[sent.job.id, null]]);

    const { state, standing, endedAtMs, record } = (await broker.find(sent.job.id)) ?? assert.fail();
    assert.deepEqual([state, endedAtMs, record?.outcome], ['pending', null, null]);
    const { queue, priority, attempt, crashes } = standing;
    assert.deepEqual([queue, priority, attempt, crashes], ['mails', 2, 1, 0]);
    assert.deepEqual(record?.attempts, before?.record?.attempts);
    assert.equal(await broker.outcome(sent.job.id), null);
    const claim = await claimNext(t, broker);
    assert.deepEqual([claim.job.id, claim.standing.attempt, claim.job.args], [sent.job.id, 2, ['a']]);
    await claim.settle(returned(7), RUN);
    const ended = await broker.outcome(sent.job.id);
    assert.deepEqual([valueOf(ended), ended?.attempts.map(({ attempt }) => attempt)], [7, [1, 2]]);
  });

  test('a job is ready since it was sent back, not since it was sent or failed; after a failure, since its backoff', async (t) => {
    const broker = await open(t);
    const sentLongAgo = { enqueuedAtMs: Date.now() - 300_000 };
    const sent = newJob(broker, sentLongAgo);
    await broker.enqueue([sent]);
    await (await claimNext(t, broker)).settle(threw('no'), RUN);
    const beforeMs = Date.now();

    await broker.retry([sent.job.id]);

    const back = (await broker.find(sent.job.id)) ?? assert.fail();
    assertSoonAfter(readySinceMs(back), beforeMs, 'sent back');
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    const backoff = { initialMs: 50, factor: 1, maxMs: 50, jitter: false };
    const tried = newJob(broker, { ...sentLongAgo, options: { retries: 1, backoff } });
    await broker.enqueue([tried]);
    const claim = await claimNext(t, broker);
    const failedMs = Date.now();
    await claim.settle(settlementOf(THREW, claim, failedMs, 0.5), RUN);
    await keeper(t, broker);
    const due = async (): Promise<boolean> => (await broker.find(tried.job.id))?.state === 'pending';
    await until(due, 'the retry is due');
    assertSoonAfter(readySinceMs((await broker.find(tried.job.id)) ?? assert.fail()), failedMs + 50, 'due');
  });

  test('retries and crashes are counted anew, whatever comes in between', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const sent = newJob(broker, { options: { retries: 1, backoff: AT_ONCE } });
    await broker.enqueue([sent]);
    const { id } = sent.job;
    const guard = await keeper(t, broker);

    assert.deepEqual(await runUntilEnded(broker, each, id, [THREW, { kind: 'crashed' }, THREW]), [1, 2, 3]);
    assert.equal((await broker.find(id))?.standing.crashes, 1);
    for (const endings of [
      [THREW, THREW],
      [{ kind: 'crashed' }, THREW, THREW],
      [{ kind: 'stopped' }, THREW, { kind: 'unknown-task', suggestion: null }, THREW],
    ] as const) {
      await broker.retry([id]);
      assert.equal((await broker.find(id))?.standing.crashes, 0);
      const before = (await broker.find(id))?.record?.attempts.length ?? 0;
      await runUntilEnded(broker, each, id, endings);
      const record = await broker.outcome(id);
      assert.equal(record?.outcome?.state, 'failed');
      const counted = endings.filter(({ kind }) => kind === 'threw' || kind === 'crashed').length;
      assert.equal(record?.attempts.length, before + counted);
    }
    assert.ok(guard.owner !== '');
  });

  test('a job that expired, or was revoked before it ran, runs when it is sent back', async (t) => {
    const broker = await open(t);
    const [late, revoked] = [newJob(broker, { options: { expiresAtMs: Date.now() - 1_000 } }), newJob(broker)];
    await broker.enqueue([late]);
    const claim = await claimNext(t, broker);
    await claim.settle(settlementOf({ kind: 'expired' }, claim, Date.now(), 0), null);
    await broker.enqueue([revoked]);
    await broker.revoke([revoked.job.id]);
    const ids = [late.job.id, revoked.job.id];

    assert.deepEqual([...(await broker.retry(ids)).values()], [null, null]);

    const each = await consumer(t, broker);
    for (const id of ids) {
      const again = await nextOf(each);
      assert.deepEqual([again.job.id, again.job.options.expiresAtMs], [id, undefined]);
      await again.settle(returned(id), RUN);
      assert.equal(valueOf(await broker.outcome(id)), id);
    }
  });

  test('a job that was revoked and is sent back under the eyes of a worker runs, and can be revoked again', async (t) => {
    const broker = await open(t);
    const guard = await keeper(t, broker);
    const each = await child(t, broker, guard);
    const sent = await enqueueOne(broker);
    const { id } = sent.job;
    const claim = await nextOf(each.consumer);
    await broker.revoke([id]);
    await claim.settle(settlementOf({ kind: 'revoked', hadBegun: true }, claim, Date.now(), 0), RUN);

    await broker.retry([id]);

    const again = await nextOf(each.consumer);
    assert.deepEqual([again.job.id, again.standing.attempt], [id, 2]);
    assert.equal((await broker.revoke([id])).get(id), 'requested');
    await again.settle({ kind: 'requeue' }, RUN);
    await until(async () => (await broker.outcome(id))?.outcome?.state === 'revoked', 'it is revoked again');
  });

  test('what succeeded, waits or runs is refused with a code, and what is unknown is not in the answer', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const [good, running] = [await enqueueOne(broker), newJob(broker)];
    await (await nextOf(each)).settle(returned(1), RUN);
    await broker.enqueue([running]);
    const claim = await nextOf(each);
    const [waiting, delayed] = [newJob(broker), newJob(broker, { etaMs: Date.now() + 3_600_000 })];
    await broker.enqueue([waiting, delayed]);
    const all = [good, running, waiting, delayed];

    const found = await broker.retry([...all.map(({ job }) => job.id), broker.nextId()]);

    assert.deepEqual(
      all.map(({ job }) => found.get(job.id)?.code),
      ['FSQ_SUCCEEDED', 'FSQ_NOT_ENDED', 'FSQ_NOT_ENDED', 'FSQ_NOT_ENDED'],
    );
    assert.equal(found.size, all.length);
    assert.match(found.get(running.job.id)?.message ?? '', /it runs/);
    assert.match(found.get(delayed.job.id)?.message ?? '', /it waits, delayed/);
    assert.equal(valueOf(await broker.outcome(good.job.id)), 1);
    await claim.settle(returned(2), RUN);
  });

  test('of many that send the same jobs back at the same time one does, and the others are told', async (t) => {
    const broker = await open(t);
    const others = await Promise.all([open(t), open(t)]);
    const failed = await failedJobs(t, broker, { count: 5, options: {} });
    const keyed = await failedJobs(t, broker, { count: 1, options: { key: 'k' } });
    const ids = [...failed, ...keyed];

    const answers = await Promise.all([broker, ...others].map((each) => each.retry(ids)));

    for (const id of ids) {
      const codes = answers.map((each) => each.get(id)?.code ?? 'sent back').toSorted();
      assert.deepEqual(codes, ['FSQ_NOT_ENDED', 'FSQ_NOT_ENDED', 'sent back']);
    }
    assert.equal((await broker.counts()).pending, ids.length);
  });

  test('a job whose key another has by now is refused, and takes its key again when it is free', async (t) => {
    const broker = await open(t);
    const options = { key: 'k' };
    const uniqueness = { key: 'k', until: 'ended' } as const;
    const [first, second, third] = [
      newJob(broker, { options }),
      newJob(broker, { options }),
      newJob(broker, { options }),
    ];
    await broker.enqueueUnique(first, uniqueness);
    await (await claimNext(t, broker)).settle(threw('no'), RUN);
    const { id: other } = await broker.enqueueUnique(second, uniqueness);

    const refused = (await broker.retry([first.job.id])).get(first.job.id);

    assert.equal(refused?.code, 'FSQ_KEY_TAKEN');
    assert.match(refused?.message ?? '', new RegExp(other));
    assert.equal((await broker.find(first.job.id))?.state, 'failed');
    await (await claimNext(t, broker)).settle(threw('no'), RUN);
    assert.deepEqual([...(await broker.retry([first.job.id])).values()], [null]);
    assert.deepEqual(await broker.enqueueUnique(third, uniqueness), { id: first.job.id, isDuplicate: true });
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    assert.equal((await broker.enqueueUnique(third, uniqueness)).isDuplicate, false);
  });

  test('what a dry run answers is what comes of it, also of keys, and it changes nothing', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const failedWith = async (key?: string): Promise<string> => {
      const sent = newJob(broker, key === undefined ? {} : { options: { key } });
      await (key === undefined ? broker.enqueue([sent]) : broker.enqueueUnique(sent, { key, until: 'ended' }));
      const claim = await nextOf(each);
      await claim.settle(threw('no'), RUN);
      return claim.job.id;
    };
    const ids = [await failedWith(), await failedWith('one'), await failedWith('one'), await failedWith('held')];
    const good = await enqueueOne(broker);
    await (await nextOf(each)).settle(returned(1), RUN);
    const holder = newJob(broker, { options: { key: 'held' } });
    const { id: holderId } = await broker.enqueueUnique(holder, { key: 'held', until: 'ended' });
    const all = [...ids, good.job.id, holderId, broker.nextId()];
    const codesOf = (answers: Awaited<ReturnType<Broker['retry']>>): readonly unknown[] =>
      all.map((id) => (answers.has(id) ? (answers.get(id)?.code ?? 'sent') : 'nowhere'));

    const dry = codesOf(await broker.retry(all, { dryRun: true }));
    const states = await Promise.all(ids.map(async (id) => (await broker.find(id))?.state));
    const real = codesOf(await broker.retry(all));

    assert.deepEqual(dry, [
      'sent',
      'sent',
      'FSQ_KEY_TAKEN',
      'FSQ_KEY_TAKEN',
      'FSQ_SUCCEEDED',
      'FSQ_NOT_ENDED',
      'nowhere',
    ]);
    assert.deepEqual(real, dry);
    assert.deepEqual(
      states,
      ids.map(() => 'failed'),
    );
  });

  test('who waits for a job that was sent back gets the new outcome', async (t) => {
    const broker = await open(t);
    const [id = ''] = await failedJobs(t, broker, { count: 1, options: {} });
    await broker.retry([id]);

    const waiting = broker.waitForOutcome(id, never(), false);
    await (await claimNext(t, broker)).settle(returned('new'), RUN);

    assert.equal(valueOf(await within(waiting, 'the new outcome')), 'new');
  });
}

async function failedJobs(
  t: TestContext,
  broker: Broker,
  { count, options }: { readonly count: number; readonly options: NewJob['job']['options'] },
): Promise<readonly string[]> {
  const each = await consumer(t, broker);
  const jobs = Array.from({ length: count }, () => newJob(broker, { options }));
  await broker.enqueue(jobs);
  for (let i = 0; i < count; i++) await (await nextOf(each)).settle(threw('no'), RUN);
  return jobs.map(({ job }) => job.id);
}

/** The attempts of the runs of one job, which end so one after the other: the last is its end. */
async function runUntilEnded(
  broker: Broker,
  each: Consumer,
  id: string,
  endings: readonly Ending[],
): Promise<readonly number[]> {
  const attempts: number[] = [];
  for (const ending of endings) {
    assert.equal(await broker.outcome(id), null, `it ended before ${ending.kind}`);
    const claim = await nextOf(each);
    attempts.push(claim.standing.attempt);
    const settlement = settlementOf(ending, claim, claim.job.enqueuedAtMs, 0);
    const isBegun = ending.kind !== 'unknown-task' && ending.kind !== 'stopped';
    await claim.settle(settlement, isBegun ? RUN : null);
  }
  return attempts;
}
