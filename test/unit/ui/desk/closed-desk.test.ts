import assert from 'node:assert/strict';
import test from 'node:test';
import { openSpool } from '../../../../src/spool/spool.ts';
import { JobFeed } from '../../../../src/ui/desk/index/job-feed.ts';
import { openDesk } from '../../../../src/ui/desk/open-desk.ts';
import { OpenedPlace } from '../../../../src/ui/desk/opened-place.ts';
import { lateDesk } from '../../../../src/ui/late-desk.ts';
import { until, within } from '../../../support/conditions.ts';
import { pendingJobs } from '../../../support/ended-jobs.ts';
import { tempSpool } from '../../../support/temp.ts';

test('a desk that is closed opens nothing again, neither for what was asked before nor for what comes late', async (t) => {
  const { path } = tempSpool(t);
  await pendingJobs(path, {});
  let opened = 0;
  const open = (): ReturnType<typeof openSpool> => {
    opened++;
    return openSpool({ path, mustExist: true, looksAtOnce: true });
  };
  const desk = lateDesk(async () => openDesk({ open, settings: { schedules: {} }, hidesArguments: false }));
  await until(async () => (await desk.jobs({}, null)).jobs.length === 1, 'its job is known');

  const before = [desk.jobs({ text: 'x' }, null), desk.failures({}), desk.summary()];
  await desk.close();
  await Promise.allSettled(before);

  await assert.rejects(desk.jobs({}, null), /^FsqError: This page is closed/);
  assert.match(String((await desk.summary()).trouble), /closed/);
  assert.match(
    (await desk.act({ kind: 'pause', queue: 'mail' }).catch((error: Error) => ({ text: error.message }))).text,
    /closed/,
  );
  assert.equal(opened, 1);

  const late = lateDesk(async () => assert.fail('it is opened'));
  await late.close();
  await assert.rejects(late.jobs({}, null), /This page is closed/);
});

test('a feed that is closed reads no more, and makes nobody wait', async (t) => {
  const { path } = tempSpool(t);
  await pendingJobs(path, {});
  const place = new OpenedPlace(() => openSpool({ path, mustExist: true, looksAtOnce: true }));
  t.after(() => place.close());
  const feed = new JobFeed(place, () => undefined);
  assert.equal((await feed.warm(() => false, 60_000)).size, 1);

  await feed.close();

  assert.equal(
    (
      await within(
        feed.warm(() => false, 60_000),
        'an answer',
        20_000,
      )
    ).size,
    0,
  );
});
