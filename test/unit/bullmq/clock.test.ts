import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerEvent } from '../../../src/broker/worker-side.ts';
import { checkClock } from '../../../src/bullmq/clock.ts';
import type { Engine } from '../../../src/bullmq/engine.ts';

const LOCK_MS = 10_000;

/** @param aheadMs this machine's clock before the server's @param answersMs how long each answer takes */
async function check({ aheadMs = 0, answersMs = [0, 0, 0], trustsClocks = true } = {}): Promise<
  readonly BrokerEvent[]
> {
  let nowMs = 1_000_000;
  let asked = 0;
  const clockMs = async (): Promise<number> => {
    const tookMs = answersMs[asked++] ?? 0;
    nowMs += tookMs;
    return nowMs - aheadMs; // The answer is late by all of its way.
  };
  const engine = { trustsClocks, lockMs: LOCK_MS, place: 'there', store: { clockMs } } as unknown as Engine;
  const events: BrokerEvent[] = [];
  await checkClock(
    engine,
    (event) => events.push(event),
    () => nowMs,
  );
  return events;
}

test('a clock that is right, or nearly, is not told of', async () => {
  assert.deepEqual(await check(), []);
  assert.deepEqual(await check({ aheadMs: -1_000 }), []);
});

test('a clock that is off by more than a second is told of, whichever is ahead', async () => {
  assert.deepEqual(await check({ aheadMs: 1_500 }), [{ kind: 'clock-off', aheadMs: 1_500 }]);
  assert.deepEqual(await check({ aheadMs: -2_500 }), [{ kind: 'clock-off', aheadMs: -2_500 }]);
});

test('a clock that is off by more than a quarter of a lock is refused, and the message says by how much', async () => {
  await assert.rejects(check({ aheadMs: 2_600 }), {
    code: 'FSQ_BROKER',
    message:
      'The clock of this machine is 2.6 s ahead of that of there, and a worker there may be off by 2.5 s: it would take jobs of living workers. Set both clocks, by NTP for example',
  });
  await assert.rejects(check({ aheadMs: -60_000 }), /60\.0 s behind that of there/);
});

test('a slow answer is no wrong clock: the fastest of three counts', async () => {
  assert.deepEqual(await check({ answersMs: [8_000, 10, 6_000] }), []);
});

test('where the datastore has its own clock for locks, nothing is asked', async () => {
  assert.deepEqual(await check({ aheadMs: 60_000, trustsClocks: false }), []);
});
