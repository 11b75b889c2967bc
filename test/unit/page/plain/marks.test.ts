import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { cutText, visible, visibleParts, withCommands, withoutColours } from '../../../../page/plain/marks.ts';

describe('what would not be seen in a name is a mark', () => {
  const cases: readonly (readonly [what: string, text: string, seen: string])[] = [
    ['a plain name', 'mail.send', 'mail.send'],
    ['an override of the direction', 'a\u202egpj.exe', 'a[RLO]gpj.exe'],
    ['an isolate', '\u2067a\u2069', '[RLI]a[PDI]'],
    ['NUL, ESC and DEL', '\0\u001b\u007f', '\\0\\x1b\\x7f'],
    ['ends of lines', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['C1', '\u009b31m', '[U+009B]31m'],
    ['characters of no width', 'a\u200bb\ufeff', 'a[U+200B]b[U+FEFF]'],
    ['other ends of lines', 'a\u2028b\u2029', 'a[U+2028]b[U+2029]'],
    ['half a pair of surrogates', 'a\ud83d', 'a[U+D83D]'],
    ['a whole pair, which is a picture', '\ud83d\ude00', '\ud83d\ude00'],
    ['right-to-left letters, which are text', '\u05e9\u05dc', '\u05e9\u05dc'],
  ];
  for (const [what, text, seen] of cases) test(what, () => assert.equal(visible(text), seen));
});

test('a text of many lines keeps its lines and tabs, and nothing else that is not seen', () => {
  assert.deepEqual(visibleParts('a\r\n\tb\rc\u202e', false), [
    { text: 'a\n\tb', isMark: false },
    { text: '\\r', isMark: true },
    { text: 'c', isMark: false },
    { text: '[RLO]', isMark: true },
  ]);
});

test('markup is text like any other', () => {
  const html = '<img src=x onerror=alert(1)>';

  assert.deepEqual(visibleParts(html, true), [{ text: html, isMark: false }]);
});

test('colours of a terminal are left out, other sequences are not', () => {
  assert.equal(withoutColours('\u001b[1;31mred\u001b[0m \u001b[2J'), 'red \u001b[2J');
});

test('a long text is cut, and never within a character', () => {
  assert.deepEqual(cutText('abc', 3), { text: 'abc', leftOut: 0 });
  assert.deepEqual(cutText('abcd', 3), { text: 'abc', leftOut: 1 });
  assert.deepEqual(cutText('ab\ud83d\ude00', 3), { text: 'ab', leftOut: 2 });
  assert.equal(cutText('x'.repeat(4_000_000), 4_000).leftOut, 3_996_000);
});

test('commands in a sentence are told apart from its words', () => {
  assert.deepEqual(withCommands('Start one: `fsq worker`.'), [
    { text: 'Start one: ', isCommand: false },
    { text: 'fsq worker', isCommand: true },
    { text: '.', isCommand: false },
  ]);
  assert.deepEqual(withCommands('a ` alone'), [{ text: 'a ` alone', isCommand: false }]);
});
