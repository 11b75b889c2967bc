/** What every broker promises of what processes tell of themselves. Called by broker.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { OwnerInfo } from '../../src/broker/broker.ts';
import { until } from '../support/conditions.ts';
import { child, consumer, keeper, type OpenBroker } from './parts.ts';

/** An answer may take so long, ms, on a busy machine. */
const PATIENCE_MS = 10_000;
/** The clock of a server may be off by so much, ms. */
const DOUBT_MS = 60_000;

export function owners(open: OpenBroker): void {
  test('who asks is told how late the event loop of each living process turns', async (t) => {
    const broker = await open(t);
    const each = await keeper(t, broker);
    await child(t, broker, each);
    await consumer(t, broker);

    const found = await broker.owners(PATIENCE_MS);

    assert.equal(found.length, 3);
    for (const { role, pulse } of found) {
      assert.equal(pulse?.isBlocked, false, role);
      assert.ok(pulse.delayMs >= 0 && pulse.delayMs < PATIENCE_MS, `${pulse.delayMs} ms`);
    }
  });

  test('a worker tells how many of its children were replaced, why and when the last was, and goes on telling its tasks', async (t) => {
    const broker = await open(t);
    const beganMs = Date.now();
    const each = await keeper(t, broker, { queues: ['mail'] });
    const told = async (): Promise<OwnerInfo | undefined> =>
      (await broker.owners()).find(({ owner }) => owner === each.owner);
    const before = await told();
    assert.deepEqual(before?.restarts, { count: 0, last: null });

    each.lost('signal');
    each.know(['add']);
    each.lost('time-limit');

    const after = await until(async () => {
      const one = await told();
      return one?.restarts?.count === 2 && one.tasks.length > 0 && one;
    }, 'both have come');
    const last = after.restarts?.last;
    assert.equal(last?.why, 'time-limit');
    assert.ok(last.atMs >= beganMs - DOUBT_MS && last.atMs <= Date.now() + DOUBT_MS, `at ${last.atMs}`);
    const { memoryBytes: _, ...grown } = before;
    const { memoryBytes: __, ...rest } = after;
    assert.deepEqual({ ...rest, restarts: null }, { ...grown, restarts: null, tasks: ['add'] });
  });

  test('what one worker tells of its children is not told of another, nor of a child or a process without a worker', async (t) => {
    const broker = await open(t);
    const [one, other] = [await keeper(t, broker), await keeper(t, broker)];
    await child(t, broker, one);
    await consumer(t, broker);

    one.lost('exit');

    const counts = async (): Promise<readonly unknown[]> =>
      (await broker.owners()).map(({ owner, restarts }) => [
        owner === one.owner,
        owner === other.owner,
        restarts?.count,
      ]);
    await until(async () => (await counts()).some((each) => JSON.stringify(each) === '[true,false,1]'), 'it has come');
    assert.deepEqual((await counts()).map(String).toSorted(), [
      'false,false,',
      'false,false,',
      'false,true,0',
      'true,false,1',
    ]);
  });
}
