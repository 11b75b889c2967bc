import assert from 'node:assert/strict';
import test from 'node:test';
import { durationMs, readByteSize } from '../../../src/job/units.ts';
import { UsageError } from '../../../src/job/errors.ts';

const GOOD: readonly [unknown, number][] = [
  [0, 0],
  [3000, 3000],
  [0.4, 0],
  ['250ms', 250],
  ['3s', 3_000],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['0s', 0],
  ['0.1ms', 0],
];

for (const [given, ms] of GOOD) {
  test(`${JSON.stringify(given)} is ${ms} ms`, () => {
    assert.equal(durationMs(given, 'timeout'), ms);
  });
}

const BAD: readonly unknown[] = [
  -1,
  Number.NaN,
  Infinity,
  -Infinity,
  1e300,
  '3',
  's',
  '3 s',
  ' 3s',
  '3s ',
  '-3s',
  '+3s',
  '1e3s',
  '3S',
  '3sec',
  '.5s',
  '1.s',
  '999999999d',
  '',
  '3s\n',
  null,
  undefined,
  true,
  {},
  [],
  3n,
  new Date(0),
];

for (const given of BAD) {
  const shown = typeof given === 'bigint' ? `${given}n` : (JSON.stringify(given) ?? String(given));
  test(`${shown === 'null' ? String(given) : shown} is no duration, and the message names the option`, () => {
    assert.throws(
      () => durationMs(given, 'countdown'),
      (error) => error instanceof UsageError && /^Expected `countdown` to be .*, got /.test(error.message),
    );
  });
}

test('a size is a number of bytes, or one of KB, MB or GB, each 1,024 of the one before', () => {
  assert.equal(readByteSize(1), 1);
  assert.equal(readByteSize('512KB'), 524_288);
  assert.equal(readByteSize('200MB'), 209_715_200);
  assert.equal(readByteSize('1.5GB'), 1_610_612_736);
});

test('anything else is no size', () => {
  for (const wrong of [0, -1, Number.NaN, Infinity, null, '', '200', '200 MB', '200mb', '-1MB', '0MB', '1TB', '1e3MB'])
    assert.equal(readByteSize(wrong), null, String(wrong));
});

test('a unit of the other kind, or of no kind, is refused', () => {
  for (const text of ['3KB', '3constructor', '3S', '3', 's', '']) {
    assert.throws(() => durationMs(text, 'timeout'), {
      code: 'FSQ_USAGE',
      message: /^Expected `timeout` to be a number of/,
    });
  }
  for (const text of ['3s', '3kb', '3toString', '3', 'KB', '0KB']) assert.equal(readByteSize(text), null, text);
});
