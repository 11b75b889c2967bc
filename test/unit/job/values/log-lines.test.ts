import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type LogLine,
  logText,
  MAX_LINE_LENGTH,
  parseLogText,
  printedLines,
} from '../../../../src/job/values/log-lines.ts';

test('a line is read as it was written, whatever its text', () => {
  const texts = ['hello', '', ' two  spaces ', 'ä€😀', '2026-11-26T20:59:03.120Z err forged', 'a\ttab'];
  for (const stream of ['stdout', 'stderr', 'fsq'] as const) {
    for (const text of texts) {
      const line: LogLine = { atMs: 1_795_703_522_744, stream, text };
      assert.deepEqual(parseLogText(logText(line)), line);
    }
  }
  assert.equal(logText({ atMs: 0, stream: 'stderr', text: 'no' }), '1970-01-01T00:00:00.000Z err no');
});

test('what is cut off, or no line of a log, is none', () => {
  for (const text of ['', 'hello', '2026-11-26T20:59:03.120Z', '2026-11-26T20:59:03.120Z foo bar', '{"v":1}'])
    assert.equal(parseLogText(text), null);
});

test('colours are left out, and nothing that a terminal would obey remains; tabs do', () => {
  const [text] = printedLines('\u001b[1;31mred\u001b[0m\t\u001b]0;title\u0007 \u202e\u0000');

  assert.equal(text, 'red\t\\u{1b}]0;title\\u{7} \\u{202e}\\u{0}');
});

test('lines end as on any system, and one without an end is one', () => {
  assert.deepEqual(printedLines('a\r\nb\n\nc'), ['a', 'b', '', 'c']);
  assert.deepEqual(printedLines('a\n'), ['a']);
});

test('a line of any length becomes lines of a bounded length', () => {
  const lines = printedLines(`${'x'.repeat(MAX_LINE_LENGTH * 2 + 1)}\nend\n`);

  assert.deepEqual(
    lines.map(({ length }) => length),
    [MAX_LINE_LENGTH, MAX_LINE_LENGTH, 1, 3],
  );
});
