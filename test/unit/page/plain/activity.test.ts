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

test('jobs in a slot are jobs a minute, and done are those that did not fail', () => {
  assert.deepEqual(ratesOf(activity(), 45_000), {
    atMs: [0, 15_000, 30_000],
    ended: [12, 16, 20],
    failed: [4, 0, 20],
    done: [8, 16, 0],
  });
});

test('the last slot counts for the time that is over, and not at all while that is too little', () => {
  assert.equal(ratesOf(activity(), 37_500).ended[2], 40);
  assert.equal(ratesOf(activity(), 31_000).ended[2], null);
  assert.equal(ratesOf(activity(), 31_000).done[2], null);
});

test('a table has as many rows as one can read', () => {
  const long = activity({ ended: Array<number>(60).fill(1), failed: Array<number>(60).fill(0) });

  const short = coarser(long, 15);

  assert.equal(short.ended.length, 15);
  assert.deepEqual([short.slotMs, short.ended[0]], [60_000, 4]);
  assert.equal(coarser(long, 60), long);
  assert.deepEqual(coarser(activity({ ended: [1, 1, 1], failed: [0, 1, 0] }), 2).ended, [2, 1]);
});

test('a small line goes from edge to edge, and lies on the ground where nothing was', () => {
  assert.equal(sparkPoints([0, 5, 10], 96, 18), '0,18 48,9 96,0');
  assert.equal(sparkPoints([0, 0], 96, 18), '0,18 96,18');
  assert.equal(sparkPoints([], 96, 18), '');
});

test('bars of runs that took no time, or an unknown time, are seen', () => {
  assert.deepEqual(barHeights([0, null, 50, 100], 20), [2, 2, 10, 20]);
});
