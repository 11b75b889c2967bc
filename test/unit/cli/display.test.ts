import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { fieldLines, tableText, timeText } from '../../../src/cli/display.ts';

test('a table lines up, ends its lines without blanks, and escapes what it shows', () => {
  assert.equal(
    tableText(
      ['ID', 'TASK'],
      [
        ['1', 'a\u001b[2J'],
        ['22', ''],
      ],
    ),
    'ID  TASK\n1   a\\u{1b}[2J\n22\n',
  );
});

const paper = (columns: number, hasColours = false): { columns: number; hasColours: boolean } => ({
  columns,
  hasColours,
});

test('columns line up whatever is how wide', () => {
  const rows = [
    ['日本語', 'é'],
    ['👩‍👩‍👧', 'e\u0301x'],
    ['a', 'ｶﾞ'],
  ];

  assert.equal(
    tableText(
      ['TASK', 'Q', 'END'],
      rows.map((row) => [...row, '|']),
    ),
    ['TASK    Q   END', '日本語  é   |', '👩‍👩‍👧      e\u0301x  |', 'a       ｶﾞ  |', ''].join('\n'),
  );
});

test('a table that is wider than the terminal shows its first column on lines of its own', () => {
  const text = (width: number): string => tableText(['ID', 'TASK', 'STATE'], [['123', 'add', 'running']], paper(width));

  assert.equal(text(18), 'ID   TASK  STATE\n123  add   running\n');
  assert.equal(text(17), 'ID\n  TASK  STATE\n123\n  add   running\n');
});

test('what still is too wide is cut, the widest column first', () => {
  const text = tableText(['ID', 'TASK', 'ERROR'], [['123', 'add', '日本語のエラーです']], paper(20));

  assert.equal(text, 'ID\n  TASK  ERROR\n123\n  add   日本語のエ…\n');
});

test('a cell has its colour, and none of the blanks behind it', () => {
  const row = [{ text: 'failed\u0007', colour: 'red' } as const, { text: 'x', colour: null }];

  assert.equal(
    tableText(['STATE', 'ID'], [row], paper(80, true)),
    'STATE        ID\n\u001b[31mfailed\\u{7}\u001b[0m  x\n',
  );
  assert.equal(tableText(['STATE', 'ID'], [row], paper(80)), 'STATE        ID\nfailed\\u{7}  x\n');
});

test('a table of very many rows is made as one of few', () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => [String(i), 'x']);

  assert.equal(tableText(['N', 'X'], rows).split('\n').length, 200_002);
});

describe('a time', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  for (const [there, text] of [
    ['UTC', '2026-03-01 00:30:00.250+00:00'],
    ['Asia/Tokyo', '2026-03-01 09:30:00.250+09:00'],
    ['America/St_Johns', '2026-02-28 21:00:00.250-03:30'],
  ] as const)
    test(`is that of the clock in ${there}, with its zone, and programs read it back`, () => {
      process.env['TZ'] = there;
      const ms = Date.UTC(2026, 2, 1, 0, 30, 0, 250);

      assert.equal(timeText(ms), text);
      assert.equal(Date.parse(text), ms);
    });

  test('that no calendar has is a dash, not an exception', () => {
    process.env['TZ'] = 'Asia/Tokyo';

    for (const ms of [undefined, Number.NaN, 1e300]) assert.equal(timeText(ms), '-');
    for (const ms of [8.64e15, -8.64e15]) assert.match(timeText(ms), /^[+-]\d{6}-\d\d-\d\d/);
  });
});

test('a fact without a value has no line, and what a terminal would obey is escaped', () => {
  assert.deepEqual(
    fieldLines([
      ['spool', '/a\u001b[2J'],
      ['owner', null],
      ['', ''],
    ]),
    ['spool     /a\\u{1b}[2J', ''],
  );
});
