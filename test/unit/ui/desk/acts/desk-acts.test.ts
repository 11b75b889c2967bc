import assert from 'node:assert/strict';
import test from 'node:test';
import { openSpool } from '../../../../../src/spool/spool.ts';
import { openDesk } from '../../../../../src/ui/desk/open-desk.ts';
import { settledJob } from '../../../../support/ended-jobs.ts';
import { threw } from '../../../../support/factory.ts';
import { tempSpool } from '../../../../support/temp.ts';

test('an act on all that match takes as many as somebody has typed, and leaves those that have come since', async (t) => {
  const { path } = tempSpool(t);
  const open = (): ReturnType<typeof openSpool> => openSpool({ path, mustExist: true, looksAtOnce: true });
  const desk = openDesk({ open, settings: { schedules: {} }, hidesArguments: false });
  t.after(() => desk.close());
  const [first, second] = [await settledJob(path, {}, threw('no')), await settledJob(path, {}, threw('no'))];
  const since = await settledJob(path, {}, threw('no'));
  const failed = { states: ['failed'] } as const;
  const left = async (): Promise<readonly string[]> => (await desk.jobs(failed, null)).jobs.map(({ id }) => id);
  assert.deepEqual(await left(), [since, second, first]);

  const two = await desk.act({ kind: 'forget', query: failed, count: 2 });
  const leftThen = await left();
  const more = await desk.act({ kind: 'forget', query: failed, count: 2 });
  const none = await desk.act({ kind: 'forget', query: failed, count: 2 });

  assert.ok(two.isGood, two.text);
  assert.match(two.text, /2 jobs/);
  assert.deepEqual(leftThen, [since]);
  assert.match(more.text, /1 job\b/);
  assert.deepEqual([none.isGood, none.code], [false, 'FSQ_USAGE']);
  assert.match(none.text, /no job matches now/);
});
