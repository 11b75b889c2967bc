import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { longestWaitMs, recentFailures } from '../../../../src/app/telling/health-facts.ts';
import { NO_HISTORY, withCounted } from '../../../../src/broker/figures/history.ts';
import { settledJob } from '../../../support/ended-jobs.ts';
import { job, nextId, type JobParts, threw } from '../../../support/factory.ts';
import { tempSpool } from '../../../support/temp.ts';

const MINUTE_MS = 60_000;
const ALL = (_queue: string): boolean => true;

/** A job that was sent so long ago, as its id says too. */
function sent(agoMs: number, nowMs: number, parts: JobParts = {}): ReturnType<typeof job> {
  const time = (nowMs - agoMs).toString(16).padStart(12, '0');
  const id = `${time.slice(0, 8)}-${time.slice(8)}${nextId().slice(13)}`;
  return job({ id, enqueuedAtMs: nowMs - agoMs, ...parts });
}

describe('the longest wait', () => {
  test('is since the job was sent, its time came, or those had ended after which it runs', async (t) => {
    const { broker } = tempSpool(t);
    const nowMs = Date.now();
    const wait = (isCounted = ALL): Promise<number> => longestWaitMs(broker, nowMs, isCounted);

    assert.equal(await wait(), 0);
    await broker.enqueue([sent(9 * MINUTE_MS, nowMs, { etaMs: nowMs - MINUTE_MS, queue: 'a' })]);
    assert.equal(await wait(), MINUTE_MS);
    await broker.enqueue([sent(5 * MINUTE_MS, nowMs, { priority: 9, queue: 'b' }), sent(2 * MINUTE_MS, nowMs)]);
    assert.equal(await wait(), 5 * MINUTE_MS);
    assert.equal(await wait((queue) => queue !== 'b'), 2 * MINUTE_MS, 'of the queues that count');
  });

  test('of a job that came after another is since the end of that', async (t) => {
    const { path, broker } = tempSpool(t);
    const first = await settledJob(path, {}, threw('no'));
    const nowMs = Date.now() + 1_000;
    const second = sent(9 * MINUTE_MS, nowMs, { options: { after: first, takes: 'error' } });
    const name = `5.${second.job.id}.default.0.0.json`;
    writeFileSync(join(path, 'pending', name), JSON.stringify(second.job), { mode: 0o600 });

    const waitMs = await longestWaitMs(broker, nowMs, ALL);

    assert.ok(waitMs > 0 && waitMs < MINUTE_MS, String(waitMs));
  });

  test('of a job that was sent back is since then, also where it is the only one and known to be the oldest', async (t) => {
    const { path, broker } = tempSpool(t);
    const { job: parts } = sent(9 * MINUTE_MS, Date.now());
    const id = await settledJob(path, { id: parts.id, enqueuedAtMs: parts.enqueuedAtMs }, threw('no'));
    await broker.retry([id]);
    const nowMs = Date.now();

    const waits = [
      await longestWaitMs(broker, nowMs, ALL),
      await longestWaitMs(broker, nowMs, ALL, (await broker.backlog()).oldest),
    ];

    for (const waitMs of waits) assert.ok(waitMs < MINUTE_MS, String(waitMs));
  });

  test('is told by the oldest job alone, and without it by one read', async (t) => {
    const { broker } = tempSpool(t);
    const nowMs = Date.now();
    await broker.enqueue(Array.from({ length: 50 }, (_, i) => sent(MINUTE_MS - i, nowMs, { priority: i % 2 })));
    const counts = { names: 0, reads: 0 };
    const counting = {
      list: (...[places, limit, isWanted, mayBeWanted]: Parameters<typeof broker.list>) =>
        broker.list(
          places,
          limit,
          (one) => (counts.reads++, isWanted?.(one) ?? true),
          (one) => (counts.names++, mayBeWanted?.(one) ?? true),
        ),
      outcome: (id: string) => broker.outcome(id),
    };

    const waits = [await longestWaitMs(counting, nowMs, ALL, (await broker.backlog()).oldest)];
    const first = { ...counts };
    waits.push(await longestWaitMs(counting, nowMs, ALL));

    assert.deepEqual([waits, first], [[MINUTE_MS, MINUTE_MS], { names: 0, reads: 0 }]);
    assert.deepEqual(counts, { names: 50, reads: 1 });
  });
});

describe('what failed of late', () => {
  test('is what workers have counted, and what most of the last outcomes were', async (t) => {
    const { path, broker } = tempSpool(t);
    for (const task of ['mail', 'mail', 'report']) await settledJob(path, { task }, threw('no'));
    const nowMs = Date.now();
    const history = withCounted(NO_HISTORY, { ended: 9, failed: 7, wait: [], run: [] }, nowMs - MINUTE_MS);

    const failed = await recentFailures(broker, { sinceMs: 1, history }, nowMs, true);
    const later = await recentFailures(broker, { sinceMs: 1, history }, nowMs + 11 * MINUTE_MS, true);

    const most = { task: 'mail', error: 'Error' };
    assert.deepEqual(failed, { jobs: 7, withinMs: 600_000, most });
    assert.deepEqual([later.jobs, later.most], [0, null]);
  });

  test('is looked for in the outcomes where no worker has counted anything, unless there are too many', async (t) => {
    const { path, broker } = tempSpool(t);
    await settledJob(path, { task: 'mail' }, threw('no'));
    const uncounted = { sinceMs: null, history: NO_HISTORY };

    const read = await recentFailures(broker, uncounted, Date.now(), true);
    const unread = await recentFailures(broker, uncounted, Date.now(), false);

    assert.deepEqual([read.jobs, unread.jobs], [1, 0]);
  });
});
