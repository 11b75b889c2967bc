import assert from 'node:assert/strict';
import test from 'node:test';
import { SpoolError } from '../../../../../src/job/errors.ts';
import { openSpool } from '../../../../../src/spool/spool.ts';
import { actOn } from '../../../../../src/ui/desk/acts/desk-acts.ts';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { matchingIds } from '../../../../../src/ui/desk/index/pages-of-jobs.ts';
import type { Desk } from '../../../../../src/ui/desk.ts';
import { openDesk } from '../../../../../src/ui/desk/open-desk.ts';
import { until } from '../../../../support/conditions.ts';
import { pendingJobs, settledJob } from '../../../../support/ended-jobs.ts';
import { nextId, threw } from '../../../../support/factory.ts';
import { plant } from '../../../../support/planted.ts';
import { tempSpool } from '../../../../support/temp.ts';

/** A slow machine gives a page of what it has read so far, and acts on all that match not before it knows them all. */
async function known(desk: Desk): Promise<void> {
  await until(async () => (await desk.jobs({}, null)).isComplete, 'all jobs are known');
}

test('an act on all that match takes as many as somebody has typed, the earliest sent first, and tells how many there were no longer', async (t) => {
  const { path } = tempSpool(t);
  const open = (): ReturnType<typeof openSpool> => openSpool({ path, mustExist: true, looksAtOnce: true });
  const desk = openDesk({ open, settings: { schedules: {} }, hidesArguments: false });
  t.after(() => desk.close());
  const [first, second] = [await settledJob(path, {}, threw('no')), await settledJob(path, {}, threw('no'))];
  const since = await settledJob(path, {}, threw('no'));
  const failed = { states: ['failed'] } as const;
  const left = async (): Promise<readonly string[]> => (await desk.jobs(failed, null)).jobs.map(({ id }) => id);
  await known(desk);
  assert.deepEqual(await left(), [since, second, first]);

  const two = await desk.act({ kind: 'forget', query: failed, count: 2 });
  const leftThen = await left();
  const more = await desk.act({ kind: 'forget', query: failed, count: 2 });
  const none = await desk.act({ kind: 'forget', query: failed, count: 2 });

  assert.ok(two.isGood, two.text);
  assert.match(two.text, /2 jobs/);
  assert.deepEqual(leftThen, [since]);
  assert.equal(more.text, '1 job forgotten. Of the 2, 1 no longer matched.');
  assert.deepEqual([none.isGood, none.code], [false, 'FSQ_USAGE']);
  assert.match(none.text, /no job matches now/);
});

test('an act on all that match is done on those that match when it is done, whatever the page has seen', async (t) => {
  const { path } = tempSpool(t);
  const desk = openDesk({ open: () => openSpool({ path, mustExist: true, looksAtOnce: true }), settings: { schedules: {} }, hidesArguments: false }); // prettier-ignore
  t.after(() => desk.close());
  const ids = [];
  for (let i = 0; i < 12; i++) ids.push(await settledJob(path, {}, threw('no')));
  const broker = openSpool({ path, mustExist: true });
  t.after(() => broker.close());
  await known(desk);
  assert.equal((await desk.jobs({ states: ['failed'] }, null)).total, 12);
  // The page's index has not heard of these yet.
  await broker.retry(ids.slice(0, 5));
  await broker.forget(ids.slice(5, 6));

  const answer = await desk.act({ kind: 'forget', query: { states: ['failed'] }, count: 12 });

  assert.equal(answer.text, '6 jobs forgotten. Of the 12, 6 no longer matched.');
  const left = await Promise.all(ids.map(async (id) => (await broker.find(id))?.state ?? null));
  assert.deepEqual(
    left,
    ids.map((_, i) => (i < 5 ? 'pending' : null)),
  );
});

test('what was done is told, also where the store goes away before anybody can look at it', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = await settledJob(path, {}, threw('no'));
  const gone = async (): Promise<never> => Promise.reject(new SpoolError('FSQ_SPOOL_GONE', 'The spool is gone.'));
  const index = new JobIndex();
  index.put((await broker.find(id)) ?? assert.fail());
  const parts = {
    index,
    schedules: async () => [],
    sendingOf: async () => null,
    hidesArguments: false,
    nowMs: Date.now(),
  };
  const then = Object.assign(Object.create(null), {
    place: broker.place,
    retry: broker.retry.bind(broker),
    outcome: gone,
    changed: gone,
    find: gone,
  });

  const answer = await actOn({ ...parts, broker: then }, { kind: 'retry', ids: [id] });

  assert.deepEqual(answer, { text: '1 job sent back.', isGood: true, code: null });
});

test('a schedule that is misspelt in the configuration holds up acts on schedules alone', async (t) => {
  const { path } = tempSpool(t);
  const open = (): ReturnType<typeof openSpool> => openSpool({ path, mustExist: true, looksAtOnce: true });
  const schedules = { nightly: { task: 'report', cron: 'each night' } };
  const desk = openDesk({ open, settings: { schedules }, hidesArguments: false });
  t.after(() => desk.close());
  const failed = await settledJob(path, {}, threw('no'));

  assert.equal((await desk.act({ kind: 'run-schedule', schedule: 'nightly' })).code, 'FSQ_CONFIG');
  assert.equal((await desk.act({ kind: 'retry', ids: [failed] })).text, '1 job sent back.');
  assert.equal((await desk.act({ kind: 'pause', queue: 'mail' })).text, 'Queue mail paused.');
});

test('jobs with a text in their arguments are counted as they are shown, and as an act on all takes them', async (t) => {
  const { path } = tempSpool(t);
  const desk = openDesk({ open: () => openSpool({ path, mustExist: true, looksAtOnce: true }), settings: { schedules: {} }, hidesArguments: false }); // prettier-ignore
  t.after(() => desk.close());
  const names = Array.from({ length: 130 }, (_, i) => `anna ${i}`);
  await pendingJobs(path, ...names.map((name) => ({ args: [name] })), { args: ['otto'] }, { args: [{ anna: 1 }] });
  const [query, few] = [{ states: ['pending'], text: 'anna' }, { text: 'otto' }] as const;
  await known(desk);

  assert.deepEqual(await desk.count(query), { count: 131 });
  assert.deepEqual(await desk.count({ ...query, states: ['failed'] }), { count: 0 });
  const [first, all] = [await desk.jobs(query, null), await desk.jobs(few, null)];
  assert.deepEqual([first.jobs.length, first.total, all.total], [100, 131, 1]);
  const rest = await desk.jobs(query, first.next);
  assert.deepEqual([rest.jobs.length, rest.total, rest.next], [31, 131, null]);

  assert.equal((await desk.act({ kind: 'revoke', query, count: 131 })).text, '131 jobs revoked.');
  assert.deepEqual((await desk.jobs({ states: ['pending'] }, null)).total, 1);
});

test('a job that cannot be read is told as such, and not as one that was never sent', async (t) => {
  const { path, broker } = tempSpool(t);
  const parts = { broker, index: new JobIndex(), schedules: async () => [], sendingOf: async () => null, hidesArguments: false, nowMs: Date.now() }; // prettier-ignore
  const newer = nextId();
  plant(path, `results/${newer}.json`, `{"v":2,"id":"${newer}","task":"add","args":[]}`);

  for (const act of [
    { kind: 'retry-anew', id: newer, args: [] },
    { kind: 'retry', ids: [newer] },
  ] as const) {
    const { text, isGood, code } = await actOn(parts, act);
    assert.deepEqual([isGood, code], [false, 'FSQ_CORRUPT_JOB'], text);
  }
  assert.equal((await actOn(parts, { kind: 'retry-anew', id: nextId(), args: [] })).code, 'FSQ_UNKNOWN_JOB');
});

test('nothing is counted before all jobs are known', async (t) => {
  const { broker } = tempSpool(t);
  const all = { isMatch: () => true, text: null };

  await assert.rejects(matchingIds(broker, new JobIndex(), all, 1), { code: 'FSQ_USAGE', message: /0 so far/ });
});
