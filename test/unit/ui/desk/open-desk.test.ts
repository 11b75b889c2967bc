import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../../../src/spool/spool.ts';
import type { Desk } from '../../../../src/ui/desk.ts';
import { type DeskOptions, openDesk } from '../../../../src/ui/desk/open-desk.ts';
import type { JobQuery } from '../../../../src/ui/wire.ts';
import { pendingJobs, settledJob } from '../../../support/ended-jobs.ts';
import { returned, threw } from '../../../support/factory.ts';
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

async function idsOf(desk: Desk, query: JobQuery = {}): Promise<readonly string[]> {
  return (await desk.jobs(query, null)).jobs.map(({ id }) => id);
}

describe('a desk', () => {
  test('shows jobs, those that were sent last first, by state, task, queue, key and text', async (t) => {
    const { path, desk } = scene(t);
    const failed = await settledJob(path, { task: 'mail' }, threw('no answer in 30 s'));
    const good = await settledJob(path, { task: 'add', args: [{ to: 'anna@example.com' }] }, returned(3));
    const [waiting = ''] = await pendingJobs(path, { queue: 'slow', options: { key: 'k1' } });

    const all = await desk.jobs({}, null);

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
});
