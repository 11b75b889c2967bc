import assert from 'node:assert/strict';
import test from 'node:test';
import { beginning, escape, fineSpan, format, jsonText, size, some, span, suggest } from '../../../src/job/text.ts';

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

test('what refuses to be looked at is described as well', () => {
  const [object, list, code] = [Proxy.revocable({}, {}), Proxy.revocable([], {}), Proxy.revocable(() => 1, {})];
  for (const { revoke } of [object, list, code]) revoke();
  const named = Object.defineProperty(() => 1, 'name', { value: 5 });
  const endless = new Proxy([], { get: () => assert.fail('looked at') });

  const shown = [object.proxy, list.proxy, code.proxy, named, endless].map(format);

  assert.deepEqual(shown, ['an object', 'an object', 'function (anonymous)', 'function (anonymous)', 'an array']);
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

test('JSON reads back unchanged and holds nothing that a terminal obeys', () => {
  const value = { text: 'a\u001b[2J\u009b31m\u202e\u2028é"\\', list: [1, null] };

  const text = jsonText(value);

  assert.deepEqual(JSON.parse(text), value);
  for (const char of ['\u001b', '\u009b', '\u202e', '\u2028']) assert.ok(!text.includes(char), JSON.stringify(char));
  assert.match(text, /é/);
});

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

test('a span that is compared with a clock is told with the next unit', () => {
  const spans = [-5, 999, 12_900, 60_000, 60_999, 107_000, 3_659_000, 7_500_000, 86_400_000 * 3 + 4 * 3_600_000];

  assert.deepEqual(spans.map(fineSpan), [
    '0 ms',
    '999 ms',
    '12 s',
    '1 m',
    '1 m',
    '1 m 47 s',
    '1 h',
    '2 h 5 m',
    '3 d 4 h',
  ]);
});

test('a size and a count are told with their unit', () => {
  assert.deepEqual([0, 512, 1_000, 64e6, 76.9e9, 2e12].map(size), ['0 B', '512 B', '1 kB', '64 MB', '76 GB', '2 TB']);
  assert.deepEqual([some(1, 'job'), some(0, 'job'), some(2, 'child', 'children')], ['1 job', '0 jobs', '2 children']);
});

test('the beginning of a text ends with no half of a character', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((most) => beginning('a🐟b', most)),
    ['a', 'a', 'a🐟', 'a🐟b', 'a🐟b'],
  );
  assert.deepEqual(
    [beginning('\ud83db', 1), beginning('🐟🐟', 2)],
    ['', '🐟'],
    'half of one that stood alone goes as well',
  );
});
