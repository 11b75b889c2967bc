import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import type { Broker } from '../../../../src/broker/broker.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import type { Desk, SendingOf } from '../../../../src/ui/desk.ts';
import { type DeskOptions, openDesk } from '../../../../src/ui/desk/open-desk.ts';
import type { JobPage, JobQuery } from '../../../../src/ui/wire.ts';
import { until } from '../../../support/conditions.ts';
import { pendingJobs, settledJob } from '../../../support/ended-jobs.ts';
import { nextId, returned, RUN, threw } from '../../../support/factory.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempSpool } from '../../../support/temp.ts';

interface Scene {
  readonly path: string;
  readonly desk: Desk;
}

/** A desk at an empty spool. */
function scene(t: TestContext, options: Partial<DeskOptions> = {}): Scene {
  const { path } = tempSpool(t);
  const open = (): ReturnType<typeof openSpool> => openSpool({ path, mustExist: true, looksAtOnce: true });
  const desk = openDesk({ open, settings: { schedules: {} }, hidesArguments: false, ...options });
  t.after(() => desk.close());
  return { path, desk };
}

function opened(t: TestContext, path: string): Broker {
  const broker = openSpool({ path });
  t.after(() => broker.close());
  return broker;
}

/** One that is in the journal still is asked for again. */
async function forgotten(broker: Broker, ids: readonly string[]): Promise<void> {
  await until(async () => (await broker.forget(ids)).size === 0, 'the jobs are forgotten');
}

/** As it is when all jobs have been read. */
async function pageOf(desk: Desk, query: JobQuery = {}, before: string | null = null): Promise<JobPage> {
  return until(async () => {
    const page = await desk.jobs(query, before);
    return page.isComplete && page;
  }, 'the index is complete');
}

async function idsOf(desk: Desk, query: JobQuery = {}): Promise<readonly string[]> {
  return (await pageOf(desk, query)).jobs.map(({ id }) => id);
}

describe('a desk', () => {
  test('shows jobs, those that were sent last first, by state, task, queue, key and text', async (t) => {
    const { path, desk } = scene(t);
    const failed = await settledJob(path, { task: 'mail' }, threw('no answer in 30 s'));
    const good = await settledJob(path, { task: 'add', args: [{ to: 'anna@example.com' }] }, returned(3));
    const [waiting = ''] = await pendingJobs(path, { queue: 'slow', options: { key: 'k1' } });

    const all = await pageOf(desk);

    assert.deepEqual(
      all.jobs.map(({ id, state, task, queue }) => [id, state, task, queue]),
      [
        [waiting, 'pending', 'echo', 'slow'],
        [good, 'succeeded', 'add', 'default'],
        [failed, 'failed', 'mail', 'default'],
      ],
    );
    assert.deepEqual([all.next, all.total, all.isComplete], [null, 3, true]);
    assert.equal(all.jobs[2]?.error, 'Error: no answer in 30 s');
    assert.deepEqual(await idsOf(desk, { states: ['failed', 'pending'] }), [waiting, failed]);
    assert.deepEqual(await idsOf(desk, { tasks: ['mail'] }), [failed]);
    assert.deepEqual(await idsOf(desk, { queues: ['slow'] }), [waiting]);
    assert.deepEqual(await idsOf(desk, { key: 'k1' }), [waiting]);
    assert.deepEqual(await idsOf(desk, { error: 'no answer' }), [failed]);
    assert.deepEqual(await idsOf(desk, { text: 'anna@' }), [good]);
    assert.deepEqual(
      await idsOf(desk, { text: good.slice(0, 30) }),
      (await idsOf(desk)).filter((id) => id.startsWith(good.slice(0, 30))),
    );
    assert.deepEqual(await idsOf(desk, { text: good.toUpperCase() }), [good]);
    await assert.rejects(desk.jobs({ since: 'soon' }, null), { code: 'FSQ_USAGE' });
    await assert.rejects(desk.jobs({}, '../../etc'), { code: 'FSQ_USAGE' });
  });

  test('goes from page to page by the place of the last job, also while others come', async (t) => {
    const { path, desk } = scene(t);
    const ids = await pendingJobs(path, ...Array.from({ length: 250 }, () => ({})));

    const first = await pageOf(desk);
    await pendingJobs(path, {}, {});
    const second = await pageOf(desk, {}, first.next);
    const third = await pageOf(desk, {}, second.next);

    const shown = [first, second, third].flatMap(({ jobs }) => jobs.map(({ id }) => id));
    assert.deepEqual(shown, ids.toReversed());
    assert.deepEqual([first.jobs.length, second.jobs.length, third.next], [100, 100, null]);
  });

  test('shows a job as it is, and no more where it is gone, before the index has heard of it', async (t) => {
    const { path, desk } = scene(t);
    const broker = opened(t, path);
    const [one = '', two = ''] = await pendingJobs(path, {}, {});
    assert.equal((await pageOf(desk, { states: ['pending'] })).jobs.length, 2);

    await broker.revoke([one]);
    assert.deepEqual(await idsOf(desk, { states: ['pending'] }), [two]);
    assert.equal((await pageOf(desk)).jobs.find(({ id }) => id === one)?.state, 'revoked');
    await forgotten(broker, [one]);
    assert.deepEqual(await idsOf(desk), [two]);
    assert.equal(await desk.job(one), null);
  });

  test('tells how long the last attempt of a job took, and not until when it waited for the next', async (t) => {
    const { path, desk } = scene(t);
    const broker = opened(t, path);
    const error = { name: 'Error', message: 'not yet' };
    const id = await settledJob(path, {}, { kind: 'rerun', delayMs: 3_600_000, crashes: 0, error });
    const endedAt = Date.now();
    await until(() => Date.now() > endedAt + 20, 'it has waited for a while');
    await broker.revoke([id]);

    const [job] = (await pageOf(desk)).jobs;

    assert.equal(job?.state, 'revoked');
    assert.ok((job.endedAtMs ?? 0) > (job.startedAtMs ?? 0));
    assert.equal(job.tookMs, 0);
  });

  test('counts failures by what they have in common, and finds those of a group', async (t) => {
    const { path, desk } = scene(t);
    const slow = [
      await settledJob(path, { task: 'mail' }, threw('no answer in 30 s')),
      await settledJob(path, { task: 'mail' }, threw('no answer in 5 s')),
    ];
    await settledJob(path, { task: 'mail' }, threw('refused'));
    await settledJob(path, {}, returned(1));

    await pageOf(desk);
    const { groups, isComplete } = await desk.failures({ tasks: ['mail'], states: ['succeeded'] });

    assert.equal(isComplete, true);
    assert.deepEqual(
      groups.map(({ message, count, exampleId }) => [message, count, exampleId === slow[1]]),
      [
        ['no answer in … s', 2, true],
        ['refused', 1, false],
      ],
    );
    const group = groups[0]?.key ?? '';
    assert.deepEqual(await idsOf(desk, { group }), slow.toReversed());
    assert.deepEqual(await idsOf(desk, { group, tasks: ['add'] }), []);
    assert.equal((await desk.failures({ text: slow[0] ?? '' })).groups[0]?.count, 1);
    await assert.rejects(desk.failures({ text: 'anna@' }), {
      code: 'FSQ_USAGE',
      message: /not looked for by their arg/,
    });
  });

  test('tells in a summary what `fsq status` tells, with counts by state and queue', async (t) => {
    const { path, desk } = scene(t);
    await settledJob(path, {}, returned(1));
    await settledJob(path, { queue: 'mail' }, threw('no'));
    await pendingJobs(path, { queue: 'mail' }, { etaMs: Date.now() + 60_000 });

    const summary = await until(async () => {
      const found = await desk.summary();
      return found.index.isComplete && found;
    }, 'the index is complete');

    assert.equal(summary.trouble, null);
    assert.equal(summary.verdict.status, 'critical');
    assert.match(summary.verdict.text, /^1 job is ready and no worker runs; /);
    assert.match(summary.verdict.failures ?? '', /^1 failure within 10 m \(1 job is failed now\): \S+ Error$/);
    assert.ok(summary.verdict.text.includes(summary.verdict.failures ?? 'none'));
    assert.ok(summary.advice.some((text) => text.includes(`\`fsq worker --spool ${path}\``)));
    const none = { parked: 0, running: 0, revoked: 0, expired: 0 };
    assert.deepEqual(summary.counts, { ...none, pending: 1, delayed: 1, succeeded: 1, failed: 1 });
    assert.deepEqual(
      summary.queues.map(({ name, ready, delayed, failed, isServed, ended }) => ({
        name,
        ready,
        delayed,
        failed,
        isServed,
        ended: ended?.reduce((sum, count) => sum + count, 0),
      })),
      [
        { name: 'default', ready: 0, delayed: 1, failed: 0, isServed: false, ended: 1 },
        { name: 'mail', ready: 1, delayed: 0, failed: 1, isServed: false, ended: 1 },
      ],
    );
    assert.ok((summary.queues[1]?.oldestMs ?? -1) >= 0);
    assert.deepEqual([summary.minutes.ended.length, summary.day.ended.length], [60, 288]);
    const [one, other] = await Promise.all([desk.summary(), desk.summary()]);
    assert.equal(one, other);
  });

  test('shows the processes that run jobs, each with its jobs and its memory', async (t) => {
    const { path, desk } = scene(t);
    const broker = opened(t, path);
    const consumer = await broker.consumer({ queues: ['mail'], tasks: [] });
    t.after(() => consumer.close());
    const [id] = await pendingJobs(path, { queue: 'mail', task: 'send' });
    const claim = await nextWithin(consumer, 30_000);

    const { workers } = await desk.summary();

    const [worker] = workers;
    assert.equal(workers.length, 1);
    assert.deepEqual([worker?.pid, worker?.verdict, worker?.queues], [process.pid, 'alive', ['mail']]);
    assert.deepEqual(
      worker?.jobs.map((job) => [job.id, job.task]),
      [[id, 'send']],
    );
    assert.ok((worker?.memoryBytes ?? 0) > 10_000_000);
    assert.deepEqual(await idsOf(desk, { worker: String(process.pid) }), [id]);
    assert.deepEqual(await idsOf(desk, { worker: worker?.owner ?? '' }), [id]);
    assert.deepEqual(await idsOf(desk, { worker: '1' }), []);
    await claim?.settle({ kind: 'publish', outcome: { state: 'succeeded', value: 1 } }, RUN);
  });

  test('shows all of one job', async (t) => {
    const { path, desk } = scene(t);
    const error = { name: 'TypeError', message: 'no', code: 'E_NO', stack: 'TypeError: no\n    at x.ts:1' };
    const cause = { name: 'Error', message: 'because' };
    const id = await settledJob(
      path,
      { task: 'mail', args: [{ to: 'anna' }], headers: { tenant: 'a' }, options: { retries: 0 } },
      { kind: 'publish', outcome: { state: 'failed', error: { ...error, cause } } },
    );

    const job = await desk.job(id);

    assert.ok(job !== null);
    assert.deepEqual([job.state, job.task, job.attempt, job.error], ['failed', 'mail', 1, 'TypeError: no']);
    assert.deepEqual([job.args, job.cut, job.headers], [[{ to: 'anna' }], {}, { tenant: 'a' }]);
    assert.deepEqual(job.options, [['retries', '0']]);
    const none = { cause: null, errors: [], leftOut: 0 };
    assert.deepEqual(job.attempts[0]?.error, { ...error, ...none, cause: { ...cause, code: null, stack: null, ...none } }); // prettier-ignore
    assert.deepEqual(job.leftOut, { attempts: 0, stretches: 0, headers: 0 });
    assert.deepEqual([job.attempts[0]?.output, job.attempts[0]?.outputLeftOut], [[], 0]);
    assert.deepEqual(job.timeline?.at(-1)?.text, 'attempt 1 failed');
    assert.equal(job.timeline?.at(-1)?.end, 'failed');
    assert.match(job.reasons[0] ?? '', /It failed for good/);
    assert.ok(job.reasons[0]?.includes(`\`fsq retry ${id} --spool ${path}\``), job.reasons[0]);
    assert.deepEqual(job.acts, ['retry', 'retry-anew', 'forget']);
    assert.ok(job.commands.some(({ command }) => command === `fsq retry ${id} --spool ${path}`));
    assert.ok(!job.commands.some(({ command }) => command.includes('revoke')));
    assert.equal(job.location, `${path}/results/${id}.json`);
    assert.deepEqual(job.family, []);
    for (const id of ['../x', 'user-42']) {
      await assert.rejects(desk.job(id), { code: 'FSQ_USAGE' });
      await assert.rejects(desk.log(id, 0), { code: 'FSQ_USAGE' });
      for (const kind of ['retry', 'kill', 'forget'] as const)
        assert.equal((await desk.act({ kind, ids: [id] })).code, 'FSQ_USAGE');
      assert.equal((await desk.act({ kind: 'retry-anew', id, args: [] })).code, 'FSQ_USAGE');
    }
    assert.equal(await desk.job(nextId()), null);
  });

  test('leaves out arguments and values where they are hidden, and looks for a text in ids alone', async (t) => {
    const { path, desk } = scene(t, { hidesArguments: true });
    const id = await settledJob(path, { args: ['secret'] }, returned('secret too'));

    const job = await desk.job(id);

    assert.deepEqual([job?.args, job?.value, job?.checkpoint, job?.cut], [undefined, undefined, undefined, {}]);
    assert.doesNotMatch(JSON.stringify([job, await pageOf(desk)]), /secret/);
    assert.deepEqual(
      (await pageOf(desk)).jobs.map(({ preview }) => preview),
      [null],
    );
    assert.deepEqual(await idsOf(desk, { text: 'secret' }), []);
    assert.deepEqual(await idsOf(desk, { text: id.slice(0, 18) }), [id]);
    const refused = await desk.act({ kind: 'forget', query: { text: 'secret' }, count: 1 });
    assert.deepEqual([refused.isGood, (await desk.job(id))?.state], [false, 'succeeded']);
  });

  test('cuts what is very long, and says how long it was', async (t) => {
    const { path, desk } = scene(t);
    const long = 'x'.repeat(300_000);
    const id = await settledJob(path, { args: [long] }, returned({ long }));

    const job = await desk.job(id);

    assert.deepEqual(job?.cut, { args: 300_004, value: 300_011 });
    assert.equal(JSON.stringify(job?.args?.[0]).length < 300_000, true);
    assert.equal(String(job?.value).length, 262_144);
  });
});

describe('acting at a desk', () => {
  test('is done on jobs by their ids, and told in a sentence', async (t) => {
    const { path, desk } = scene(t);
    const failed = await settledJob(path, {}, threw('no'));

    assert.deepEqual(await desk.act({ kind: 'retry', ids: [failed] }), {
      text: '1 job sent back.',
      isGood: true,
      code: null,
    });
    assert.equal((await desk.job(failed))?.state, 'pending');
    assert.equal((await desk.act({ kind: 'revoke', ids: [failed] })).text, '1 job revoked.');
    const late = await desk.act({ kind: 'forget', ids: [nextId()] });
    assert.deepEqual(late, {
      text: '0 jobs forgotten, 1 job is there no more.',
      isGood: false,
      code: 'FSQ_UNKNOWN_JOB',
    });
    assert.equal((await desk.act({ kind: 'retry', ids: ['x'] })).code, 'FSQ_USAGE');
  });

  test('is done on all that match, and leaves all else', async (t) => {
    const { path, desk } = scene(t);
    const failed = [
      await settledJob(path, { task: 'mail' }, threw('no')),
      await settledJob(path, { task: 'mail' }, threw('no')),
    ];
    const other = await settledJob(path, { task: 'add' }, threw('no'));
    const query: JobQuery = { states: ['failed'], tasks: ['mail'] };
    await pageOf(desk);

    assert.equal((await desk.act({ kind: 'retry', query, count: 2 })).text, '2 jobs sent back.');

    assert.deepEqual(await idsOf(desk, { states: ['failed'] }), [other]);
    assert.deepEqual(await idsOf(desk, { states: ['pending'] }), failed.toReversed());
    assert.equal((await desk.act({ kind: 'retry', query, count: 0 })).code, 'FSQ_USAGE');
    assert.equal((await desk.act({ kind: 'forget', query: { states: ['failed'] }, count: 0 })).code, 'FSQ_USAGE');
    assert.deepEqual(await idsOf(desk, { states: ['failed'] }), [other]);
  });

  test('by a text in arguments is done on those that have it', async (t) => {
    const { path, desk } = scene(t);
    const [anna] = await pendingJobs(path, { args: ['anna'] }, { args: ['otto'] });
    await pageOf(desk);

    assert.equal((await desk.act({ kind: 'revoke', query: { text: 'anna' }, count: 1 })).isGood, true);

    assert.deepEqual(await idsOf(desk, { states: ['revoked'] }), [anna]);
  });

  test('sends a new job with other arguments, and leaves the old one', async (t) => {
    const { path, desk } = scene(t);
    const old = await settledJob(path, { task: 'add', queue: 'slow', args: [1] }, threw('no'));
    const command = await settledJob(path, { task: 'fsq:exec', args: ['rm'] }, threw('no'));

    const answer = await desk.act({ kind: 'retry-anew', id: old, args: [2] });

    const made = await desk.job(answer.id ?? '');
    assert.deepEqual([made?.task, made?.queue, made?.args, made?.state], ['add', 'slow', [2], 'pending']);
    assert.equal(made?.headers['fsq.retry-of'], old);
    assert.equal((await desk.job(old))?.state, 'failed');
    assert.equal((await desk.act({ kind: 'retry-anew', id: nextId(), args: [] })).code, 'FSQ_UNKNOWN_JOB');
    assert.equal((await desk.act({ kind: 'retry-anew', id: command, args: ['ls'] })).code, 'FSQ_USAGE');
  });

  test('pauses queues and schedules, and sends a schedule now', async (t) => {
    const schedules = { nightly: { task: 'report', cron: '0 3 * * *', args: [7] } };
    const sendingOf: SendingOf = async ({ task }) => (task === 'report' ? { queue: 'reports' } : null);
    const { desk } = scene(t, { settings: { schedules }, sendingOf });

    assert.equal((await desk.act({ kind: 'pause', queue: 'mail' })).text, 'Queue mail paused.');
    assert.equal((await desk.act({ kind: 'pause-schedule', schedule: 'nightly' })).text, 'Schedule nightly paused.');
    const [paused] = await desk.schedules();
    assert.deepEqual([paused?.isPaused, paused?.next], [true, []]);
    assert.equal((await desk.act({ kind: 'resume-schedule', schedule: 'nightly' })).isGood, true);

    const sent = await desk.act({ kind: 'run-schedule', schedule: 'nightly' });
    const job = await desk.job(sent.id ?? '');
    assert.deepEqual([job?.task, job?.queue, job?.args], ['report', 'reports', [7]]);
    const [row] = await until(async () => {
      const rows = await desk.schedules();
      return rows[0]?.runs.length === 1 && rows;
    }, 'the run is seen');
    assert.deepEqual([row?.words, row?.pattern, row?.isPaused], ['at 03:00 each day, UTC', '0 3 * * * UTC', false]);
    assert.equal(row?.next.length, 5);
    assert.deepEqual([row?.last?.id, row?.last?.state], [sent.id, 'pending'], 'it was sent by somebody only');
    assert.match(sent.text, /No worker is running on/);
    assert.deepEqual(
      row?.runs.map(({ id, state }) => [id, state]),
      [[sent.id, 'pending']],
    );
    assert.match((await desk.act({ kind: 'run-schedule', schedule: 'nightl' })).text, /did you mean nightly/);
  });

  test('sends no schedule whose task nobody here knows: its queue would be guessed', async (t) => {
    const { desk } = scene(t, { settings: { schedules: { nightly: { task: 'report', every: '1h' } } } });

    const { isGood, text } = await desk.act({ kind: 'run-schedule', schedule: 'nightly' });

    assert.equal(isGood, false);
    assert.match(text, /`fsq schedule run nightly --spool [^`]+`/);
    assert.equal((await pageOf(desk)).total, 0);
  });
});

describe('a desk whose spool goes away', () => {
  test('tells the trouble, and all that is there when it is back', async (t) => {
    const { path, desk } = scene(t);
    const [id] = await pendingJobs(path, {});
    assert.deepEqual(await idsOf(desk), [id]);

    renameSync(path, `${path}.away`);
    const away = await until(async () => {
      const summary = await desk.summary();
      return summary.trouble !== null && summary;
    }, 'the trouble is seen');
    assert.equal(away.verdict.status, 'critical');
    await assert.rejects(desk.jobs({}, null), { code: 'FSQ_NO_SPOOL' });
    assert.equal((await desk.act({ kind: 'pause', queue: 'mail' })).isGood, false);

    renameSync(`${path}.away`, path);
    await until(async () => (await desk.summary()).trouble === null, 'the spool is seen again');
    await until(async () => (await pageOf(desk)).total === 1, 'its job is seen again');
  });

  test('shows another spool that lies there then', async (t) => {
    const { path, desk } = scene(t);
    await pendingJobs(path, {}, {});
    assert.equal((await pageOf(desk)).total, 2);

    rmSync(path, { recursive: true });
    await until(async () => (await desk.summary()).trouble !== null, 'the trouble is seen');
    const [id] = await pendingJobs(path, {});

    await until(async () => (await desk.summary()).trouble === null, 'the new spool is seen');
    await until(async () => (await pageOf(desk)).jobs[0]?.id === id, 'its job is seen');
    await until(async () => (await pageOf(desk)).total === 1, 'no other job is seen');
  });
});

describe('those who listen at a desk', () => {
  test('hear that jobs have changed, and that there is a new summary, until they stop', async (t) => {
    const { path, desk } = scene(t);
    const heard: string[] = [];
    const stop = desk.listen((what) => heard.push(what));
    await until(async () => (await desk.summary()).index.isComplete, 'the index is complete');
    const before = heard.length;

    await pendingJobs(path, {});
    await until(() => heard.slice(before).includes('jobs'), 'they hear of the job');
    await until(() => heard.slice(before).includes('summary'), 'they hear of the summary');

    stop();
    const after = heard.length;
    const more = await pendingJobs(path, {});
    await until(async () => (await idsOf(desk)).includes(more[0] ?? ''), 'the next job is seen');
    assert.equal(heard.length, after);
  });
});
