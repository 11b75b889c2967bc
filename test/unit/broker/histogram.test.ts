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
  totalOf,
} from '../../../src/broker/histogram.ts';

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
