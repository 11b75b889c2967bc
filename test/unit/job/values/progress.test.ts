import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import {
  checkedProgress,
  MAX_DETAIL_BYTES,
  parseProgress,
  progressLine,
  progressText,
} from '../../../../src/job/values/progress.ts';

describe('a progress is', () => {
  const good: readonly [what: string, value: unknown, report: object][] = [
    ['nothing', 0, { value: 0 }],
    ['all', 1, { value: 1 }],
    ['a share', 0.25, { value: 0.25 }],
    ['so much of so much', { done: 1, total: 4 }, { value: 0.25, done: 1, total: 4 }],
    ['all of nothing', { done: 0, total: 0 }, { value: 1, done: 0, total: 0 }],
    ['a part of one', { done: 0.5, total: 2 }, { value: 0.25, done: 0.5, total: 2 }],
  ];
  test('two numbers, as other queues take them, are refused with the right form', () => {
    for (const [value, detail] of [
      [1, 20],
      [2, 20],
      [0, 0],
    ] as const)
      assert.throws(
        () => checkedProgress(value, detail),
        new RegExp(`; got ${value} and ${detail}\\. Write progress\\(\\{ done: ${value}, total: ${detail} \\}\\)$`),
      );
    assert.throws(
      () => checkedProgress({ done: 1, total: 2 }, 3),
      /detail no number; got .* and 3\. Write a note as text$/,
    );
  });
  for (const [what, value, report] of good)
    test(what, () => assert.deepEqual(checkedProgress(value, undefined), report));
});

describe('a progress is refused with what was wanted and what came:', () => {
  const bad: readonly [what: string, value: unknown, message: RegExp][] = [
    ['NaN', Number.NaN, /number from 0 to 1, or \{ done, total \}.*; got NaN$/],
    ['infinite', Number.POSITIVE_INFINITY, /got Infinity$/],
    ['2', 2, /got 2\. For per cent, divide by 100: 0\.02$/],
    ['per cent', 42, /divide by 100: 0\.42$/],
    ['negative', -0.1, /got -0\.1$/],
    ['a text', '0.5', /got "0\.5"$/],
    ['a BigInt', 1n, /got 1n$/],
    ['nothing', undefined, /got undefined$/],
    ['null', null, /got null$/],
    ['a list', [1, 2], /got an array of 2$/],
    ['more than all', { done: 5, total: 4 }, /done from 0 to total; got \{ done: 5, total: 4 \}$/],
    ['without a total', { done: 5 }, /got \{ done: 5, total: undefined \}$/],
    ['of NaN', { done: 0, total: Number.NaN }, /total: NaN \}$/],
    ['below nothing', { done: -1, total: 4 }, /got \{ done: -1/],
    ['with a detail in the wrong place', { done: 1, total: 4, detail: 'x' }, /got also "detail"$/],
  ];
  for (const [what, value, message] of bad)
    test(what, () => assert.throws(() => checkedProgress(value, undefined), { code: 'FSQ_USAGE', message }));
});

describe('a detail', () => {
  test('is copied as it stands', () => {
    const detail = { file: 'a.csv', rows: [1, null] };

    const report = checkedProgress(0.5, detail);
    detail.file = 'changed';

    assert.deepEqual(report, { value: 0.5, detail: { file: 'a.csv', rows: [1, null] } });
  });

  const refused: readonly [what: string, detail: unknown, code: string, message: RegExp][] = [
    ['a Date', { at: new Date() }, 'FSQ_NOT_SERIALISABLE', /^detail\.at is a Date/],
    ['a function', () => 1, 'FSQ_NOT_SERIALISABLE', /^detail is a function/],
    ['a BigInt in a list', [1n], 'FSQ_NOT_SERIALISABLE', /^detail\[0\] is a BigInt/],
    ['a megabyte', 'x'.repeat(1024 ** 2), 'FSQ_TOO_LARGE', /^The detail has 1048578 bytes of JSON; at most 65536 are/],
    ['one byte too much', 'x'.repeat(MAX_DETAIL_BYTES - 1), 'FSQ_TOO_LARGE', /65537 bytes/],
  ];
  for (const [what, detail, code, message] of refused)
    test(`that is ${what} is refused`, () => assert.throws(() => checkedProgress(0, detail), { code, message }));

  test('of exactly the limit is told', () => {
    const detail = 'x'.repeat(MAX_DETAIL_BYTES - 2);

    assert.equal(checkedProgress(0, detail).detail, detail);
  });
});

test('a progress that was written down is read; anything else is none', () => {
  const whole = { value: 0.25, done: 1, total: 4, detail: { a: [1] }, attempt: 2, atMs: 7 };
  assert.deepEqual(parseProgress(JSON.stringify({ v: 1, ...whole, more: 'x' })), whole);
  const bad = ['', '{"value":0.5', '[]', 'null', '"x"', '\0\0', '{}', '{"value":2,"attempt":1,"atMs":1}'];
  for (const text of [...bad, '{"value":0.5,"atMs":1}', '{"value":0.5,"attempt":"1","atMs":1}'])
    assert.equal(parseProgress(text), null, text);
});

test('for people it is per cent, and never all before it is all', () => {
  const texts = [0, 0.29, 0.999, 1].map((value) => progressText({ value }));

  assert.deepEqual(texts, ['0 %', '29 %', '99 %', '100 %']);
  assert.equal(progressText({ value: 0.42, done: 420, total: 1000 }), '42 % (420 of 1000)');
  assert.equal(progressLine({ value: 0.5, attempt: 2, atMs: 1_000 }, 2, 4_000), '50 %, 3 s ago');
  assert.equal(progressLine({ value: 0.5, attempt: 1, atMs: 1_000 }, 2, 4_000), '50 %, 3 s ago, in attempt 1');
});
