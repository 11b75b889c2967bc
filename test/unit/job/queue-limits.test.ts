import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/job/errors.ts';
import { parseConcurrency, parseRate, type QueueLimits, strictest, windowOf } from '../../../src/job/queue-limits.ts';

test('a rate is so many in a second, a minute, an hour or a day', () => {
  assert.deepEqual(parseRate('10/s', 'rateLimit'), { count: 10, periodMs: 1_000 });
  assert.deepEqual(parseRate('100/m', 'rateLimit'), { count: 100, periodMs: 60_000 });
  assert.deepEqual(parseRate('5/d', 'rateLimit'), { count: 5, periodMs: 86_400_000 });
});

for (const value of [
  '0/s',
  '10',
  '10/x',
  '-1/s',
  '1.5/s',
  '10 / s',
  '20000/s',
  10,
  null,
  '',
  '1e3/s',
  '9999999999/d',
]) {
  test(`a rate of ${JSON.stringify(value)} is refused, with what was wanted`, () => {
    assert.throws(
      () => parseRate(value, 'rateLimit'),
      (error: Error) =>
        error instanceof UsageError && /Expected `rateLimit` to be a rate such as '10\/s'/.test(error.message),
    );
  });
}

test('whoever wants nothing to start is told of fsq pause', () => {
  assert.throws(() => parseRate('0/m', 'rateLimit'), /fsq pause/);
  assert.throws(() => parseConcurrency(0, 'concurrency'), /fsq pause/);
});

for (const value of [0, -1, 1.5, '2', Number.NaN, 100_001, null]) {
  test(`a concurrency of ${JSON.stringify(value)} is refused`, () => {
    assert.throws(() => parseConcurrency(value, 'concurrency'), /Expected `concurrency` to be a whole number from 1/);
  });
}

test('starts are spread: a window has one slot, or as many as a tenth of a second has', () => {
  assert.deepEqual(windowOf({ count: 10, periodMs: 1_000 }, 1_250), { index: 12, slots: 1, endsAtMs: 1_300 });
  assert.deepEqual(windowOf({ count: 1_000, periodMs: 1_000 }, 1_250), { index: 12, slots: 100, endsAtMs: 1_300 });
  assert.deepEqual(windowOf({ count: 10, periodMs: 60_000 }, 61_000), { index: 10, slots: 1, endsAtMs: 66_000 });
});

test('whatever the rate, the windows of a period have no more slots than it allows', () => {
  for (const count of [1, 3, 7, 10, 15, 64, 99, 1_000, 3_333, 10_000]) {
    const rate = { count, periodMs: 1_000 };
    const seen = new Map<number, number>();
    for (let ms = 0; ms < 30_000; ms++) {
      const { index, slots } = windowOf(rate, ms);
      seen.set(index, slots);
    }
    const slots = [...seen.values()].reduce((sum, each) => sum + each, 0);
    const most = Math.max(...seen.values());
    assert.ok(slots <= 30 * count + most && slots >= 30 * count - most, `${count}/s: ${slots} slots in 30 s`);
  }
});

test('of versions that run side by side the strictest limits hold', () => {
  const version = (limits: QueueLimits): ReadonlyMap<string, QueueLimits> => new Map([['mail', limits]]);
  const [slow, quick] = [parseRate('30/m', 'rateLimit'), parseRate('1/s', 'rateLimit')];

  const found = strictest([
    version({ concurrency: 4, rate: slow }),
    new Map([['other', { concurrency: 1, rate: null }]]),
    version({ concurrency: 2, rate: quick }),
    version({ concurrency: null, rate: null }),
  ]);

  assert.deepEqual(found.get('mail'), { concurrency: 2, rate: slow });
  assert.deepEqual(found.get('other'), { concurrency: 1, rate: null });
  assert.equal(strictest([]).size, 0);
});
