import assert from 'node:assert/strict';
import test from 'node:test';
import { openSpool } from '../../../../../src/spool/spool.ts';
import { JobFeed } from '../../../../../src/ui/desk/index/job-feed.ts';
import { OpenedPlace } from '../../../../../src/ui/desk/opened-place.ts';
import { Overview } from '../../../../../src/ui/desk/overview/overview.ts';
import { until } from '../../../../support/conditions.ts';
import { tempSpool } from '../../../../support/temp.ts';

test('what is dear is looked at again after 15 seconds where nothing changes, also when the clock was set back', async (t) => {
  const { path } = tempSpool(t);
  let dear = 0;
  const place = new OpenedPlace(() => {
    const broker = openSpool({ path, mustExist: true, looksAtOnce: true });
    const backlog = broker.backlog.bind(broker);
    return Object.assign(broker, { backlog: () => (dear++, backlog()) });
  });
  const feed = new JobFeed(place, () => undefined);
  t.after(async () => {
    await feed.close();
    await place.close();
  });
  const overview = new Overview(place, feed);
  const [now, real] = [performance.now.bind(performance), Date.now];
  let aheadMs = 0;
  t.mock.method(performance, 'now', () => now() + aheadMs);
  const later = async (ms: number): Promise<number> => {
    aheadMs += ms;
    const before = dear;
    await overview.summary();
    return dear - before;
  };
  await until(async () => (await overview.summary()).index.isComplete && (await later(2_000)) === 0, 'all is still');

  t.mock.method(Date, 'now', () => real() - 3_600_000);

  assert.equal(await later(2_000), 0);
  assert.equal(await later(60_000), 1);
  assert.equal(await later(2_000), 0);
});
