import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import {
  age,
  bytes,
  count,
  duration,
  exactInstant,
  hourMinute,
  instant,
  oneUnit,
  percent,
  plural,
  rate,
  countSoFar,
  shortCount,
} from '../../../../page/plain/format.ts';

const HOUR = 3_600_000;

describe('a duration has two units at most', () => {
  const cases: readonly (readonly [ms: number, text: string])[] = [
    [-5, '0 ms'],
    [0, '0 ms'],
    [0.2, '< 1 ms'],
    [1.6, '2 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [4_250, '4.2 s'],
    [9_999, '9.9 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [192_000, '3 min 12 s'],
    [HOUR, '1 h'],
    [2 * HOUR + 300_000, '2 h 5 min'],
    [76 * HOUR, '3 d 4 h'],
    [1e15, '11,574,074 d 1 h'],
  ];
  for (const [ms, text] of cases) test(`${ms} ms is ${text}`, () => assert.equal(duration(ms), text));
});

describe('an age has one unit', () => {
  const cases: readonly (readonly [agoMs: number, text: string])[] = [
    [0, 'now'],
    [999, 'now'],
    [4_000, '4 s ago'],
    [-90_000, 'in 1 min'],
    [47 * HOUR, '47 h ago'],
    [48 * HOUR, '2 d ago'],
  ];
  for (const [agoMs, text] of cases)
    test(`${agoMs} ms ago is "${text}"`, () => assert.equal(age(1e12 - agoMs, 1e12), text));
});

test('one unit alone is rounded down', () => {
  assert.deepEqual([0, 59_999, 119_999, 2 * HOUR].map(oneUnit), ['0 s', '59 s', '1 min', '2 h']);
});

test('numbers are grouped, and shortened where they would not fit', () => {
  assert.deepEqual([0, 1_234_567].map(count), ['0', '1,234,567']);
  assert.deepEqual([99_999, 100_000, 1_250_000].map(shortCount), ['99,999', '100K', '1.3M']);
  assert.deepEqual([0, 0.25, 12.34, 1_234.5, 400_000].map(rate), ['0', '0.25', '12.3', '1,235', '400K']);
  assert.deepEqual(
    [plural(1, 'job'), plural(2, 'job'), plural(0, 'process', 'processes')],
    ['1 job', '2 jobs', '0 processes'],
  );
});

test('bytes go by 1024', () => {
  assert.deepEqual([0, 1023, 1024, 10_240, 1_610_612_736, 2 ** 62].map(bytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '10 KiB',
    '1.5 GiB',
    '4096 PiB',
  ]);
});

test('only the end is 100 %', () => {
  assert.deepEqual([-1, 0, 0.999, 1, 7].map(percent), ['0 %', '0 %', '99 %', '100 %', '100 %']);
});

test('an instant of today is its time, another one has its day', () => {
  const noon = new Date(2026, 2, 1, 12, 3, 4).getTime();

  assert.equal(instant(noon, noon + 1_000), '12:03:04');
  assert.equal(instant(noon, noon + 24 * HOUR), '2026-03-01 12:03:04');
  assert.equal(hourMinute(noon), '12:03');
});

test('what is no instant does not break the page', () => {
  assert.equal(instant(Number.NaN, 0), '?');
  assert.equal(exactInstant(1e300), '');
  assert.equal(exactInstant(0), '1970-01-01T00:00:00.000Z');
});

test('a count of jobs that are not all read yet says so, where names alone do not tell it', () => {
  const told = (['failed', 'succeeded', 'parked', 'pending'] as const).map((state) => countSoFar(12, state, false));

  assert.deepEqual(told, ['12+', '12+', '12+', '12']);
  assert.equal(countSoFar(12, 'failed', true), '12');
});
