import assert from 'node:assert/strict';
import test from 'node:test';
import { barHeights, coarser, ratesOf, sparkPoints } from '../../../../page/plain/activity.ts';
import type { Activity } from '../../../../src/ui/wire.ts';

const activity = (part: Partial<Activity> = {}): Activity => ({
  slotMs: 15_000,
  fromMs: 0,
  ended: [3, 4, 5],
  failed: [1, 0, 5],
  wait: null,
  run: null,
  ...part,
});

test('of slots shorter than a minute what is told has ended within one: 76 jobs at once are 76, not 304', () => {
  const ended = [0, 0, 0, 0, 76, 0, 0, 0, 0];
  const failed = [1, 0, 0, 0, 38, 2, 0, 0, 0];

  const rates = ratesOf(activity({ ended, failed }), 9 * 15_000);

  assert.deepEqual(rates.ended, [0, 0, 0, 0, 76, 76, 76, 76, 0]);
  assert.deepEqual(rates.failed, [1, 1, 1, 1, 38, 40, 40, 40, 2]);
  assert.deepEqual(rates.atMs.slice(0, 3), [0, 15_000, 30_000]);
});

test('of longer slots it is the mean, the last one for the time that is over, and not at all while that is too little', () => {
  const long = activity({ slotMs: 300_000 });

  assert.deepEqual(ratesOf(long, 900_000).ended, [3 / 5, 4 / 5, 1]);
  assert.equal(ratesOf(long, 750_000).ended[2], 2);
  assert.equal(ratesOf(long, 601_000).ended[2], null);
  assert.equal(ratesOf(long, 601_000).failed[2], null);
  assert.equal(ratesOf(activity(), 31_000).ended[2], null);
});

test('a table has as many rows as one can read, each of a round time', () => {
  const of = (slotMs: number, slots: number): Activity =>
    activity({ slotMs, ended: Array<number>(slots).fill(1), failed: Array<number>(slots).fill(0) });
  const short = coarser(of(15_000, 60), 24);
  const day = coarser(of(300_000, 288), 24);

  assert.deepEqual([short.slotMs, short.ended.length, short.ended[0]], [60_000, 15, 4]);
  assert.deepEqual([day.slotMs, day.ended.length, day.ended[0]], [3_600_000, 24, 12]);
  assert.equal(coarser(of(300_000, 288), 15).slotMs, 7_200_000);
  const minutes = of(60_000, 15);
  assert.equal(coarser(minutes, 24), minutes);
});

test('a small line goes from edge to edge, and lies on the ground where nothing was', () => {
  assert.equal(sparkPoints([0, 5, 10], 96, 18), '0,18 48,9 96,0');
  assert.equal(sparkPoints([0, 0], 96, 18), '0,18 96,18');
  assert.equal(sparkPoints([], 96, 18), '');
});

test('bars of runs that took no time, or an unknown time, are seen', () => {
  assert.deepEqual(barHeights([0, null, 50, 100], 20), [2, 2, 10, 20]);
});
