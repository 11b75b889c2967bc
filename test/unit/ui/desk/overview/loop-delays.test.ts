import assert from 'node:assert/strict';
import test from 'node:test';
import type { Pulse } from '../../../../../src/broker/common/owner-info.ts';
import { LoopDelays } from '../../../../../src/ui/desk/overview/loop-delays.ts';
import type { LoopDelay } from '../../../../../src/ui/wire-workers.ts';
import { owner } from '../../../../support/owner-info.ts';

/** What is known of one process after each of these looks. */
function after(...looks: readonly (readonly [atMs: number, pulse: Pulse | null])[]): readonly (LoopDelay | null)[] {
  const delays = new LoopDelays();
  return looks.map(([atMs, pulse]) => {
    const one = owner(pulse === null ? {} : { pulse });
    return delays.note([one], atMs).get(one.owner) ?? null;
  });
}

const answered = (delayMs: number): Pulse => ({ delayMs, isBlocked: false });
const blocked = (delayMs: number): Pulse => ({ delayMs, isBlocked: true });

test('the longest delay of the last minute is told, in steps', () => {
  const found = after([0, answered(0.4)], [1_000, answered(31)], [2_000, answered(12)], [62_000, answered(12)]);

  assert.deepEqual(
    found.map((one) => one?.longestMs),
    [10, 50, 50, 20],
  );
});

test('a process that has not answered for a second is blocked, since the same moment in every look, until it answers', () => {
  const looks = [blocked(400), blocked(1_400), blocked(2_403), answered(12_000), answered(1)];
  const found = after(...looks.map((pulse, i) => [10_000 + 1_000 * i, pulse] as const));

  assert.deepEqual(
    found.map((one) => one?.blockedSinceMs),
    [null, 9_600, 9_600, null, null],
  );
  assert.deepEqual(
    found.map((one) => one?.longestMs),
    [500, 2_000, 5_000, 20_000, 20_000],
  );
});

test('of a process that does not tell nothing is known, and nothing more once it does not', () => {
  assert.deepEqual(after([0, null], [1_000, answered(1)], [2_000, null]), [
    null,
    { longestMs: 10, blockedSinceMs: null },
    null,
  ]);
});

test('of a dead process nothing is told, and others are told apart', () => {
  const delays = new LoopDelays();
  const [one, other] = [owner({ pid: 1, pulse: answered(1) }), owner({ pid: 2, pulse: answered(70_000) })];

  const known = delays.note([one, other, owner({ pid: 3, verdict: 'dead', pulse: blocked(9) })], 0);

  assert.deepEqual(
    [...known].map(([name, { longestMs }]) => [name, longestMs]),
    [
      [one.owner, 10],
      [other.owner, 120_000],
    ],
  );
});
