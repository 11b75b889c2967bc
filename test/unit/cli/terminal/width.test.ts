import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cut, padded, textWidth, wrapped } from '../../../../src/cli/terminal/width.ts';

/** The family of three is one picture of five characters. */
const FAMILY = '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}';

describe('the width of', () => {
  for (const [what, text, width] of [
    ['nothing', '', 0],
    ['letters', 'send-mail', 9],
    ['Japanese', '日本語', 6],
    ['full-width letters', 'ＡＢ', 4],
    ['the blank of Japanese', '\u3000', 2],
    ['half-width kana with a sound mark', 'ｶﾞ', 2],
    ['kana with a combining sound mark', 'か\u3099', 2],
    ['Korean', '한국', 4],
    ['Korean in its parts', '\u1112\u1161\u11ab', 2],
    ['an accent of its own', 'e\u0301', 1],
    ['two accents', 'a\u0301\u0323b', 2],
    ['an emoji', '🚀', 2],
    ['a family', FAMILY, 2],
    ['an emoji with a skin', '👍🏽', 2],
    ['a text character shown as an emoji', '❤\ufe0f', 2],
    ['the same as text', '❤', 1],
    ['a keycap', '1\ufe0f\u20e3', 2],
    ['a flag', '🇯🇵', 2],
    ['two flags', '🇯🇵🇫🇷', 4],
    ['half a flag', '🇯', 1],
    ['a flag of a region', '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}', 2],
    ['ambiguous characters', '…α§', 3],
    ['a joiner alone', '\u200d', 0],
    ['a soft hyphen', 'a\u00adb', 3],
    ['Thai with marks', 'ก\u0e33\u0e48', 2],
    ['Hindi that is written together', 'क्ष', 2],
    ['half a surrogate pair', '\ud83d', 1],
  ] as const)
    test(`${what} is ${width}`, () => assert.equal(textWidth(text), width));
});

test('padding counts cells', () => {
  assert.equal(padded('日本', 6), '日本  ');
  assert.equal(padded('日本', 6, 'right'), '  日本');
  assert.equal(padded('abc', 2), 'abc');
});

describe('cutting', () => {
  for (const [text, width, expected] of [
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    [`${FAMILY}x`, 3, `${FAMILY}x`],
    [`${FAMILY}xy`, 3, `${FAMILY}…`],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
    ['', 0, ''],
    ['abc', -1, ''],
  ] as const)
    test(`${JSON.stringify(text)} to ${width} cells`, () => {
      assert.equal(cut(text, width), expected);
      assert.ok(textWidth(expected) <= Math.max(0, width));
    });

  test('a text of ten million characters takes no longer than what is shown of it', () => {
    const before = process.cpuUsage();

    assert.equal(cut('日'.repeat(10_000_000), 5), '日日…');

    assert.ok(process.cpuUsage(before).user < 2_000_000, 'µs');
  });
});

describe('wrapping', () => {
  for (const [text, width, lines] of [
    ['one two three', 7, ['one two', 'three']],
    ['日本 語', 5, ['日本', '語']],
    ['日本 語', 7, ['日本 語']],
    ['a /very/long/path b', 6, ['a', '/very/', 'long/p', 'ath b']],
    ['日本語', 3, ['日', '本', '語']],
    ['日', 1, ['日']],
    ['', 5, ['']],
  ] as const)
    test(`${JSON.stringify(text)} in lines of ${width}`, () => assert.deepEqual(wrapped(text, width), lines));
});
