import assert from 'node:assert/strict';
import test from 'node:test';
import {
  addHistogram,
  addTime,
  BOUNDS_MS,
  emptyHistogram,
  type Histogram,
  parseHistogram,
  quantile,
  quantileOf,
  totalOf,
} from '../../../../src/broker/figures/histogram.ts';

function histogramOf(...times: readonly number[]): Histogram {
  const histogram = emptyHistogram();
  for (const ms of times) addTime(histogram, ms);
  return histogram;
}

test('a time falls into the first bucket whose bound it does not exceed', () => {
  assert.deepEqual(histogramOf(0, 1), { buckets: [2], sumMs: 1 });
  assert.deepEqual(histogramOf(2), { buckets: [0, 1], sumMs: 2 });
  assert.deepEqual(histogramOf(3), { buckets: [0, 0, 1], sumMs: 3 });
  assert.equal(histogramOf(86_400_000).buckets.length, BOUNDS_MS.length);
  assert.equal(histogramOf(86_400_001).buckets.length, BOUNDS_MS.length + 1);
});

test('a negative time, of a clock that was set back, counts as none', () => {
  assert.deepEqual(histogramOf(-5_000), { buckets: [1], sumMs: 0 });
});

test('histograms of many processes add up, also where one knows longer times', () => {
  const sum = emptyHistogram();
  addHistogram(sum, histogramOf(1, 100));
  addHistogram(sum, histogramOf(20_000));
  addHistogram(sum, histogramOf());

  assert.deepEqual(sum, histogramOf(1, 100, 20_000));
});

test('a quantile lies in the bucket of the time that has the rank', () => {
  const { buckets } = histogramOf(...Array.from({ length: 90 }, () => 4), ...Array.from({ length: 10 }, () => 150));

  assert.equal(totalOf(buckets), 100);
  const [p50, p90, p95, p100] = [0.5, 0.9, 0.95, 1].map((q) => quantile(buckets, q) ?? -1);
  assert.ok(p50 !== undefined && p50 > 2 && p50 < 5, `p50 ${p50}`);
  assert.equal(p90, 5);
  assert.equal(p95, 150);
  assert.equal(p100, 200);
});

test('of nothing there is no quantile, and of times beyond all bounds the last bound is told', () => {
  assert.equal(quantile([], 0.5), null);
  assert.equal(quantile([0, 0, 0], 0.5), null);
  assert.equal(quantile(histogramOf(1e12).buckets, 0.5), 86_400_000);
  assert.equal(quantile([3], 0), 0);
});

test('what is no histogram is refused', () => {
  const buckets = [1, 2];
  assert.deepEqual(parseHistogram({ buckets, sumMs: 5, more: 1 }), { buckets, sumMs: 5 });
  for (const bad of [null, 1, [], {}, { buckets }, { buckets: [-1], sumMs: 0 }, { buckets: [0.5], sumMs: 0 }])
    assert.equal(parseHistogram(bad), null);
  for (const sumMs of [-1, 1.5, Number.MAX_VALUE, '5', null]) assert.equal(parseHistogram({ buckets, sumMs }), null);
  assert.equal(parseHistogram({ buckets: Array.from({ length: 1_000 }, () => 0), sumMs: 0 }), null);
});

for (const [what, times, q, least, most] of [
  ['one job of 62 s', [62_000], 0.95, 62_000, 62_000],
  ['two jobs of 62 s', [62_000, 62_000], 0.95, 62_000, 64_000],
  ['a hundred jobs of 62 s', Array.from({ length: 100 }, () => 62_000), 0.95, 62_000, 94_000],
  ['a hundred quick ones and one of 62 s', [...Array.from({ length: 100 }, () => 3), 62_000], 1, 62_000, 62_200],
  ['one that took two days', [172_800_000], 0.95, 86_400_000, 86_400_000],
  ['times spread over a bucket', [60_100, 120_000, 180_000, 240_000, 299_900], 0.5, 150_000, 205_000],
] as const)
  test(`a quantile of ${what} is never longer than the sum of all times allows`, () => {
    const found = quantileOf(histogramOf(...times), q) ?? -1;

    assert.ok(found >= least && found <= most, String(found));
  });

test('a quantile with a sum that cannot be is no negative time, and there is none of nothing', () => {
  assert.equal(quantileOf({ buckets: [0, 0, 5], sumMs: 0 }, 0.95), 0);
  assert.equal(quantileOf(emptyHistogram(), 0.95), null);
});
