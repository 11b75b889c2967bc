import assert from 'node:assert/strict';
import { test } from 'node:test';
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

test('a table that is wider than the terminal shows its first column on lines of its own', () => {
  const text = (width: number): string => tableText(['ID', 'TASK', 'STATE'], [['123', 'add', 'running']], width);

  assert.equal(text(18), 'ID   TASK  STATE\n123  add   running\n');
  assert.equal(text(17), 'ID\n  TASK  STATE\n123\n  add   running\n');
});

test('a time that no calendar has is a dash, not an exception', () => {
  assert.equal(timeText(0), '1970-01-01T00:00:00.000Z');
  for (const ms of [undefined, Number.NaN, 1e300]) assert.equal(timeText(ms), '-');
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
