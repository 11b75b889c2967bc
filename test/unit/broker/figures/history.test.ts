import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type Counted,
  NO_HISTORY,
  parseHistory,
  RINGS,
  slotsUpTo,
  sumOfHistories,
  totalOfSlots,
  withCounted,
} from '../../../../src/broker/figures/history.ts';

const NOW = 1_795_716_000_000;
const ended = (count: number, failed = 0): Counted => ({ ended: count, failed, wait: [count], run: [0, count] });

test('what ends in one slot is one slot, in each ring', () => {
  const history = withCounted(withCounted(NO_HISTORY, ended(2), NOW), ended(3, 1), NOW + 999);

  for (const [name, { everyMs }] of Object.entries(RINGS)) {
    const ring = history[name as keyof typeof RINGS];
    assert.deepEqual(ring, [{ at: Math.floor(NOW / everyMs), ended: 5, failed: 1, wait: [5], run: [0, 5] }], name);
  }
});

test('a ring forgets what is older than all its slots', () => {
  const late = NOW + RINGS.seconds.slots * 1_000;
  const history = withCounted(withCounted(NO_HISTORY, ended(2), NOW), ended(3), late);

  assert.deepEqual(
    history.seconds.map((slot) => slot.ended),
    [3],
  );
  assert.deepEqual(
    history.fiveMinutes.map((slot) => slot.ended),
    [5],
  );
});

test('however long it goes on, a history stays small', () => {
  let history = NO_HISTORY;
  for (let i = 0; i < 5_000; i++) history = withCounted(history, ended(1), NOW + i * 60_000);

  assert.deepEqual(
    [history.seconds.length, history.quarterMinutes.length, history.fiveMinutes.length],
    [1, 15, RINGS.fiveMinutes.slots],
  );
});

test('after the clock was set back, slots that lie ahead are dropped', () => {
  const history = withCounted(withCounted(NO_HISTORY, ended(2), NOW + 3_600_000), ended(3), NOW);

  assert.deepEqual(
    history.fiveMinutes.map((slot) => slot.ended),
    [3],
  );
});

test('histories of many processes add up slot by slot', () => {
  const one = withCounted(NO_HISTORY, ended(2), NOW);
  const other = withCounted(withCounted(NO_HISTORY, ended(1), NOW - 5_000), ended(4, 4), NOW);

  const { seconds } = sumOfHistories([one, other, NO_HISTORY], NOW);

  assert.deepEqual(
    seconds.map((slot) => [slot.at, slot.ended, slot.failed]),
    [
      [NOW / 1_000 - 5, 1, 0],
      [NOW / 1_000, 6, 4],
    ],
  );
});

test('the slots up to now are all there, the empty ones too, and come to a sum', () => {
  const history = withCounted(NO_HISTORY, ended(2), NOW - 3_000);

  const slots = slotsUpTo(history, 'seconds', NOW);

  assert.equal(slots.length, 60);
  assert.deepEqual(slots.map((slot) => slot.ended).slice(-5), [0, 2, 0, 0, 0]);
  assert.deepEqual(
    slots.map(({ at }) => at),
    Array.from({ length: 60 }, (_, i) => NOW / 1_000 - 59 + i),
  );
  assert.deepEqual({ ...totalOfSlots(slots), at: 0 }, { at: 0, ...ended(2) });
});

test('what is no history is refused, and one that is too long is cut', () => {
  const whole = withCounted(NO_HISTORY, ended(2), NOW);
  assert.deepEqual(parseHistory(JSON.parse(JSON.stringify(whole))), whole);
  for (const bad of [null, [], {}, { ...whole, seconds: null }, { ...whole, seconds: [{ at: 1 }] }])
    assert.equal(parseHistory(bad), null);
  const slot = { at: 1, ...ended(1) };
  const long = parseHistory({ ...whole, seconds: Array.from({ length: 1_000 }, () => slot) });
  assert.equal(long?.seconds.length, 60);
});
