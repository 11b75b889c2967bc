import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerEvent } from '../../../src/broker/worker-side.ts';
import { checkClock, ClockWatch } from '../../../src/bullmq/clock.ts';
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

/** What a watch says and tells at each look. @param looks how far this machine's clock is ahead then, and how long the answer takes */
async function watch(
  looks: readonly (readonly [aheadMs: number, tookMs?: number])[],
): Promise<readonly (readonly [isRight: boolean, ...kinds: readonly string[]])[]> {
  let nowMs = 1_000_000;
  let [aheadMs, tookMs = 0] = looks[0] ?? [0];
  const clockMs = async (): Promise<number> => {
    nowMs += tookMs;
    return nowMs - aheadMs;
  };
  let told: string[] = [];
  const onEvent = ({ kind }: BrokerEvent): number => told.push(kind);
  const engine = { trustsClocks: true, lockMs: LOCK_MS, place: 'there', onEvent, store: { clockMs } };
  const clock = new ClockWatch(engine as unknown as Engine, () => nowMs);
  const said: (readonly [boolean, ...string[]])[] = [];
  for (const look of looks) {
    [aheadMs, tookMs = 0] = look;
    told = [];
    said.push([await clock.isRight(), ...told]);
  }
  return said;
}

test('a clock that is set while a worker runs is told once, and again after it was right', async () => {
  assert.deepEqual(await watch([[0], [1_500], [-2_000], [0], [-1_500]]), [
    [true],
    [true, 'clock-off'],
    [true],
    [true],
    [true, 'clock-off'],
  ]);
});

test('a worker whose clock is too far off judges no locks, and cannot go on when the next look finds the same', async () => {
  assert.deepEqual(await watch([[60_000], [0], [-60_000], [-60_000], [-60_000]]), [
    [false, 'clock-off'],
    [true],
    [false, 'clock-off'],
    [false, 'unusable'],
    [false],
  ]);
});

test('what the time of a slow answer may explain is no wrong clock', async () => {
  assert.deepEqual(await watch([[3_000, 6_000]]), [[true]]);
});
