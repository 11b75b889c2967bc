import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withIdsFrom } from '../../../../../src/cli/commands/pipe/ids-from-stdin.ts';

async function* input(text: string): AsyncGenerator<string> {
  if (text !== '') yield text;
}

test('ids are the first words of lines, and stand where the - was', async () => {
  assert.deepEqual(await withIdsFrom(input('\u{feff}a1\r\n\n  b2 failed mail: Error: no\nc3'), ['x', '-', 'y']), [
    'x',
    'a1',
    'b2',
    'c3',
    'y',
  ]);
  assert.deepEqual(await withIdsFrom(input(''), ['-']), []);
});

test('of lines of JSON they are the ids of the objects', async () => {
  assert.deepEqual(await withIdsFrom(input('{"line":1,"id":"a1","value":{"id":"no"}}\n'), ['-']), ['a1']);
});

test('a line without an id is refused with its number, and so is a second -', async () => {
  for (const [text, args, message] of [
    ['a1\n{"line":1,"id":null}\n', ['-'], /^Expected line 2 of standard input to have the id of a job, got /],
    ['{"id"', ['-'], /^Expected line 1 of standard input/],
    ['', ['-', '-'], /^Expected - once/],
  ] as const)
    await assert.rejects(withIdsFrom(input(text), args), { code: 'FSQ_USAGE', message });
});
