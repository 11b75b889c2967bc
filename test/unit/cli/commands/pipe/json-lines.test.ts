import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../../../../src/cli/commands/pipe/json-lines.ts';

async function* chunks(...parts: readonly (Buffer | string)[]): AsyncGenerator<Buffer | string> {
  for (const part of parts) yield part;
}

async function textsOf(input: AsyncIterable<Buffer | string>, maxBytes: number = 100): Promise<string[][]> {
  const groups: string[][] = [];
  for await (const lines of linesOf(input, maxBytes))
    groups.push(lines.map((line) => `${line.number}:${'text' in line ? line.text : line.problem.message}`));
  return groups;
}

test('lines are numbered across chunks, and a line may begin in one and end in another', async () => {
  assert.deepEqual(await textsOf(chunks('a\nb', 'c\n', 'd\n')), [['1:a'], ['2:bc'], ['3:d']]);
});

test('a last line without a newline counts; a newline at the end begins none; an empty line is counted and left out', async () => {
  assert.deepEqual(await textsOf(chunks('a\n\n \nb')), [['1:a'], ['4:b']]);
  assert.deepEqual(await textsOf(chunks('a\n')), [['1:a']]);
  assert.deepEqual(await textsOf(chunks()), []);
  assert.deepEqual(await textsOf(chunks('\n\n')), [[]].slice(1));
});

test('a byte order mark and the CR of CRLF are no part of a line', async () => {
  assert.deepEqual((await textsOf(chunks('\u{feff}[1]\r\n', '[2]\r', '\n'))).flat(), ['1:[1]', '2:[2]']);
});

test('a character that is cut between two chunks is put together', async () => {
  const bytes = Buffer.from('é\n€\n');

  assert.deepEqual((await textsOf(chunks(bytes.subarray(0, 1), bytes.subarray(1, 4), bytes.subarray(4)))).flat(), [
    '1:é',
    '2:€',
  ]);
});

test('a line that is not UTF-8 is told with its number, and those after it are read', async () => {
  const wrong = Buffer.from([0x62, 0xff, 0x0a]);

  assert.deepEqual((await textsOf(chunks('a\n', wrong, 'c\n'))).flat(), [
    '1:a',
    '2:Expected line 2 to be UTF-8, got other bytes',
    '3:c',
  ]);
  const cut = Buffer.from([0xe2, 0x82]);
  assert.deepEqual((await textsOf(chunks('a\n', cut))).flat()[1], '2:Expected line 2 to be UTF-8, got other bytes');
});

test('a line that is too long is passed over, and those after it are read', async () => {
  async function* long(): AsyncGenerator<Buffer> {
    for (let i = 0; i < 64; i++) {
      yield Buffer.alloc(1 << 20, 'x');
    }
    yield Buffer.from('\n[2]\n');
  }

  const lines = (await textsOf(long(), 1 << 20)).flat();

  assert.deepEqual(lines, ['1:Line 1 has more than 1048576 bytes', '2:[2]']);
});
