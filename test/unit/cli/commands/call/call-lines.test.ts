import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../../../../src/cli/commands/call/call-lines.ts';

async function* chunks(...parts: readonly (Buffer | string)[]): AsyncGenerator<Buffer | string> {
  for (const part of parts) yield part;
}

async function textsOf(input: AsyncIterable<Buffer | string>, maxLength: number = 100): Promise<string[][]> {
  const groups: string[][] = [];
  for await (const lines of linesOf(input, maxLength))
    groups.push(lines.map(({ number, text }) => `${number}:${text}`));
  return groups;
}

test('lines are numbered across chunks, and a line may begin in one and end in another', async () => {
  assert.deepEqual(await textsOf(chunks('a\nb', 'c\n', 'd\n')), [['1:a'], ['2:bc'], ['3:d']]);
});

test('a last line without a newline counts; a newline at the end begins none', async () => {
  assert.deepEqual(await textsOf(chunks('a\n\nb')), [['1:a', '2:'], ['3:b']]);
  assert.deepEqual(await textsOf(chunks('a\n')), [['1:a']]);
  assert.deepEqual(await textsOf(chunks()), []);
});

test('a character that is cut between two chunks is put together', async () => {
  const bytes = Buffer.from('é\n€\n');

  assert.deepEqual((await textsOf(chunks(bytes.subarray(0, 1), bytes.subarray(1, 4), bytes.subarray(4)))).flat(), [
    '1:é',
    '2:€',
  ]);
});

test('bytes that are not UTF-8 are refused, near which line, also when the input ends in the middle of a character', async () => {
  await assert.rejects(textsOf(chunks('a\n', Buffer.from([0x62, 0xff, 0x0a]))), /Expected UTF-8.*line 2/);
  await assert.rejects(textsOf(chunks('a\n', Buffer.from([0xe2, 0x82]))), /Expected UTF-8.*line 2/);
});

test('a line that is too long is refused before all of it is read', async () => {
  async function* endless(): AsyncGenerator<string> {
    for (;;) yield 'x'.repeat(60);
  }

  await assert.rejects(textsOf(endless(), 100), { code: 'FSQ_TOO_LARGE', message: /Line 1 has more than 100/ });
});
