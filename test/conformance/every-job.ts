/** Looks at every job, as every broker promises them. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Broker, EveryJobOptions, Look } from '../../src/broker/broker.ts';
import { until, within } from '../support/conditions.ts';
import { returned, RUN, threw } from '../support/factory.ts';
import { consumer, enqueueOne, newJob, nextOf, type OpenBroker } from './parts.ts';

/** `state attempt`, and of what was known before the attempt, with ! where it ran. */
function shown({ sighting, before }: Look): string {
  const known = before === null ? 'new' : `${before.attempt}${before.isRunning ? '!' : ''}`;
  return `${sighting.state} ${sighting.standing.attempt}, was ${known}`;
}

async function there(broker: Broker, options: Partial<EveryJobOptions> = {}): Promise<readonly Look[]> {
  const all: Look[] = [];
  for await (const { jobs } of broker.everyJob({ sinceMs: 0, follow: false, ...options })) all.push(...jobs);
  return all;
}

/** Follows from now on; what it is given is in `all`, and in `of(id)` as text. */
async function follower(
  t: TestContext,
  broker: Broker,
  sinceMs: number | null = null,
): Promise<{ all: Look[]; of(id: string): readonly string[]; ended: Promise<void> }> {
  const stop = new AbortController();
  const all: Look[] = [];
  let isReady = false;
  const ended = (async () => {
    for await (const { jobs, isCaughtUp } of broker.everyJob({ sinceMs, follow: true, signal: stop.signal })) {
      all.push(...jobs);
      isReady ||= isCaughtUp;
    }
  })();
  t.after(async () => {
    stop.abort();
    await ended;
  });
  await until(() => isReady, 'the follower has begun');
  return { all, of: (id) => all.filter(({ sighting }) => sighting.id === id).map(shown), ended };
}

export function everyJob(open: OpenBroker): void {
  test('every job that is there is given once, the earliest sent first, wherever it is', async (t) => {
    const broker = await open(t);
    const ids: string[] = [];
    const each = await consumer(t, broker);
    for (const settlement of [returned('a value'), threw('no')]) {
      ids.push((await enqueueOne(broker)).job.id);
      await (await nextOf(each)).settle(settlement, RUN);
    }
    ids.push((await enqueueOne(broker)).job.id);
    await nextOf(each);
    ids.push((await enqueueOne(broker)).job.id);
    const later = newJob(broker, { options: { etaMs: Date.now() + 60_000 } });
    await broker.enqueue([later]);
    ids.push(later.job.id);

    const looks = await there(broker);

    assert.deepEqual(
      looks.map(({ sighting }) => sighting.id),
      ids,
    );
    assert.deepEqual(looks.map(shown), [
      'succeeded 1, was new',
      'failed 1, was new',
      'running 1, was new',
      'pending 0, was new',
      'delayed 0, was new',
    ]);
    assert.equal((await there(broker, { sinceMs: Date.now() + 1_000 })).length, 3);
  });

  test('the latest sent come first where that is asked for, also of very many', async (t) => {
    const broker = await open(t);
    const jobs = Array.from({ length: 600 }, () => newJob(broker));
    await broker.enqueue(jobs);
    const each = await consumer(t, broker);
    for (let ended = 0; ended < 3; ended++) await (await nextOf(each)).settle(returned(1), RUN);

    const looks = await there(broker, { latestFirst: true });

    assert.deepEqual(
      looks.map(({ sighting }) => sighting.id),
      jobs.map(({ job }) => job.id).toReversed(),
    );
  });

  test('a follower that wants to hear of it is told which jobs are there no more', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await enqueueOne(broker)).job.id);
      await (await nextOf(each)).settle(returned(i), RUN);
    }
    const stop = new AbortController();
    const [gone, seen] = [new Set<string>(), new Set<string>()];
    const options = { sinceMs: 0, follow: true, tellsGone: true, signal: stop.signal };
    const following = (async () => {
      for await (const looks of broker.everyJob(options)) {
        for (const { sighting } of looks.jobs) seen.add(sighting.id);
        for (const id of looks.gone ?? []) gone.add(id);
      }
    })();
    await until(() => seen.size === 3, 'all are seen');

    // One that is in a journal still is asked for again.
    await until(async () => (await broker.forget(ids.slice(0, 2))).size === 0, 'two of them are forgotten');
    await until(() => gone.size === 2, 'the following tells what is gone', 90_000);

    stop.abort();
    await following;
    assert.deepEqual([...gone].sort(), ids.slice(0, 2));
  });

  test('a follower is given what comes and what changes, and nothing of what was there', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const ended = await enqueueOne(broker);
    await (await nextOf(each)).settle(returned(1), RUN);
    const runs = await enqueueOne(broker);
    const running = await nextOf(each);
    const waits = await enqueueOne(broker);
    const { all, of } = await follower(t, broker);

    await running.settle(returned(2), RUN);
    const claim = await nextOf(each);
    await until(() => of(waits.job.id).includes('running 1, was 0'), 'the run is seen');
    claim.progress({ value: 0.5 });
    await until(() => of(waits.job.id).includes('running 1, was 1!'), 'the progress is seen');
    await claim.settle(returned(3), RUN);
    const comes = await enqueueOne(broker);
    await until(() => of(waits.job.id).includes('succeeded 1, was 1!'), 'the end is seen');
    await until(() => of(comes.job.id).includes('pending 0, was new'), 'the new one is seen');

    await until(() => of(runs.job.id).length > 0, 'the end of the one that ran is seen');
    assert.deepEqual(of(runs.job.id), ['succeeded 1, was 1!']);
    assert.deepEqual(of(ended.job.id), []);
    assert.equal(all.filter(({ sighting }) => sighting.state === 'succeeded').length, 2);
  });

  test('one that begins with what is there goes on without a gap and without a repetition', async (t) => {
    const broker = await open(t);
    const [one, two] = [await enqueueOne(broker), await enqueueOne(broker)];
    const { of } = await follower(t, broker, 0);
    const each = await consumer(t, broker);

    for (const value of [1, 2]) await (await nextOf(each)).settle(returned(value), RUN);

    for (const { job } of [one, two]) {
      await until(() => of(job.id).some((look) => look.startsWith('succeeded')), 'each end is seen');
      assert.equal(of(job.id)[0], 'pending 0, was new');
      assert.equal(of(job.id).filter((look) => look.startsWith('succeeded')).length, 1);
    }
  });

  test('a job that is sent back after its end is given again, with what had been told', async (t) => {
    const broker = await open(t);
    const each = await consumer(t, broker);
    const { job } = await enqueueOne(broker);
    await (await nextOf(each)).settle(threw('no'), RUN);
    const { of } = await follower(t, broker);

    await broker.retry([job.id]);
    await until(() => of(job.id).includes('pending 1, was 1'), 'it is seen to wait again');
    await (await nextOf(each)).settle(returned(1), RUN);

    await until(() => of(job.id).some((look) => look.startsWith('succeeded 2')), 'its second end is seen');
  });

  test('following ends with its signal, also one that has aborted before', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);
    const stop = new AbortController();
    const following = (async () => {
      for await (const { isCaughtUp } of broker.everyJob({ sinceMs: null, follow: true, signal: stop.signal }))
        if (isCaughtUp) setImmediate(() => stop.abort());
    })();

    await within(following, 'the end of the following');
    await within(there(broker, { follow: true, signal: AbortSignal.abort() }), 'an end at once');
  });
}
