import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { jsonText, outputTo, tableText } from '../../../src/cli/output.ts';

test('JSON reads back unchanged and holds nothing that a terminal obeys', () => {
  const value = { text: 'a\u001b[2J\u009b31m\u202e\u2028é"\\', list: [1, null] };

  const text = jsonText(value);

  assert.deepEqual(JSON.parse(text), value);
  for (const char of ['\u001b', '\u009b', '\u202e', '\u2028']) assert.ok(!text.includes(char), JSON.stringify(char));
  assert.match(text, /é/);
});

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

test('a stream is opened at the first write only', () => {
  let opened = 0;
  const output = outputTo(() => {
    opened++;
    return new Writable({ write: (_chunk, _encoding, done) => done() }) as NodeJS.WriteStream;
  });

  assert.equal(opened, 0);
  output.write('a');
  output.write('b');
  assert.equal(opened, 1);
});

test('a reader that went away is no failure, a full disk is', async () => {
  for (const [code, isFailure] of [
    ['EPIPE', false],
    ['ENOSPC', true],
  ] as const) {
    const output = outputTo(() => {
      const write = (_chunk: unknown, _encoding: unknown, done: (error: Error) => void): void =>
        done(Object.assign(new Error(code), { code }));
      return new Writable({ write }) as NodeJS.WriteStream;
    });

    output.write('a');
    await new Promise((resolve) => setImmediate(resolve));
    output.write('b');

    assert.equal(output.failure() !== null, isFailure, code);
  }
});
