import assert from 'node:assert/strict';
import test from 'node:test';
import { escape, format, suggest } from '../../../src/job/text.ts';

const ATTACKS = [
  '\u001b]52;c;ZXZpbA==\u0007',
  '\u001b[2J',
  'a\rb',
  'a\nb',
  '\u202egnp.exe',
  '\u009b31m',
  '\u007f',
  '\ufeff',
  '\u2066x',
];

for (const text of ATTACKS) {
  test(`${JSON.stringify(text)} reaches no terminal as it is`, () => {
    for (const shown of [
      escape(text),
      format(text),
      format({ name: text }),
      format(Object.defineProperty(() => 1, 'name', { value: text })),
    ]) {
      assert.doesNotMatch(shown, /[\p{Cc}\u202e\u2066\ufeff]/u);
    }
  });
}

test('ordinary text stays as it is, in any language', () => {
  assert.equal(escape('Grüße, 世界 👋 – ok'), 'Grüße, 世界 👋 – ok');
});

test('every kind of value is described in a few words', () => {
  const shown = [
    'x',
    1,
    Number.NaN,
    5n,
    true,
    null,
    undefined,
    Symbol('s'),
    [1, 2],
    {},
    new Date(0),
    function named() {},
    () => 1,
  ].map(format);

  assert.deepEqual(shown, [
    '"x"',
    '1',
    'NaN',
    '5n',
    'true',
    'null',
    'undefined',
    'Symbol(s)',
    'an array of 2',
    'an object',
    'a Date',
    'function named',
    'function (anonymous)',
  ]);
});

test('a long text is cut', () => {
  assert.equal(format('x'.repeat(10_000)).length, 80);
});

const KNOWN = ['add', 'subtract', 'mail.send', 'mail.receive', 'p'];

const CASES: readonly [string, string | null][] = [
  ['ad', 'add'],
  ['ADD', 'add'],
  ['dad', 'add'],
  ['substract', 'subtract'],
  ['mail.sned', 'mail.send'],
  ['mail-send', 'mail.send'],
  ['send', null],
  ['zzz', null],
  ['', null],
  ['x', null],
  ['pp', 'p'],
  ['ls', null],
  ['multiply', null],
];

for (const [name, nearest] of CASES) {
  test(`${JSON.stringify(name)}: ${nearest === null ? 'nothing is near' : `did you mean ${nearest}?`}`, () => {
    assert.equal(suggest(name, KNOWN), nearest);
  });
}

test('nothing is near when nothing is known', () => {
  assert.equal(suggest('add', []), null);
});
