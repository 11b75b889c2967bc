import assert from 'node:assert/strict';
import { test } from 'node:test';
import { span, timeText } from '../../../src/cli/ages.ts';

test('a span is told in the largest unit that fits, rounded down', () => {
  const cases: readonly (readonly [number, string])[] = [
    [-5, '0 ms'],
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 m'],
    [3_600_000, '1 h'],
    [86_400_000 * 2.9, '2 d'],
  ];
  for (const [ms, text] of cases) assert.equal(span(ms), text);
});

test('a time that no calendar has is a dash, not an exception', () => {
  assert.equal(timeText(0), '1970-01-01T00:00:00.000Z');
  for (const ms of [undefined, Number.NaN, 1e300]) assert.equal(timeText(ms), '-');
});
