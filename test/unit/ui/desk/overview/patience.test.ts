import assert from 'node:assert/strict';
import test from 'node:test';
import { openSpool } from '../../../../../src/spool/spool.ts';
import { JobFeed } from '../../../../../src/ui/desk/index/job-feed.ts';
import { OpenedPlace } from '../../../../../src/ui/desk/opened-place.ts';
import { Overview } from '../../../../../src/ui/desk/overview/overview.ts';
import { tempSpool } from '../../../../support/temp.ts';

test('a store that gives no answer is in trouble, until it gives one', async (t) => {
  const { path } = tempSpool(t);
  let letAnswer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (letAnswer = resolve));
  const place = new OpenedPlace(() => {
    const broker = openSpool({ path, mustExist: true, looksAtOnce: true });
    const owners = broker.owners.bind(broker);
    return Object.assign(broker, { owners: () => answered.then(() => owners()) });
  });
  const feed = new JobFeed(place, () => undefined);
  const alive = setInterval(() => undefined, 1_000); // The page's own timers keep no process.
  t.after(async () => {
    clearInterval(alive);
    await feed.close();
    await place.close();
  });
  const overview = new Overview(place, feed, 50);

  const silent = await overview.summary();
  letAnswer();
  await answered;
  overview.spoil();
  const { trouble } = await new Overview(place, feed).summary();

  assert.match(String(silent.trouble), /has not answered for 0\.05 s/);
  assert.equal(silent.verdict.status, 'critical');
  assert.equal(trouble, null);
});
