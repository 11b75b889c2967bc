import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseArgument, parseArguments } from '../../../../../src/cli/commands/call/call-options.ts';
import { UsageError } from '../../../../../src/job/errors.ts';

describe('an argument is', () => {
  const cases: readonly (readonly [text: string, value: unknown])[] = [
    ['1', 1],
    ['-2.5e3', -2500],
    ['true', true],
    ['null', null],
    ['{"a":[1]}', { a: [1] }],
    ['"1"', '1'],
    ['Ada', 'Ada'],
    ['', ''],
    ['2026-01-01', '2026-01-01'],
    ['01', '01'],
    ['NaN', 'NaN'],
    ['{broken', '{broken'],
    ['9007199254740991', 9007199254740991],
    ['"12345678901234567890"', '12345678901234567890'],
    ['a12345678901234567890', 'a12345678901234567890'],
    ['{"id":"12345678901234567890"}', { id: '12345678901234567890' }],
    ['0.12345678901234567890', 0.12345678901234568],
    ['1.5e10', 1.5e10],
    ['1152921504606846976', 2 ** 60],
    ['1152921504606847000', 2 ** 60],
    ['["1e999"]', ['1e999']],
  ];
  for (const [text, value] of cases) {
    test(`${JSON.stringify(value)} for ${text === '' ? 'nothing' : text}`, () => {
      assert.deepEqual(parseArgument(text), value);
    });
  }
});

describe('a number that would arrive as another is refused', () => {
  for (const text of [
    '9007199254740993',
    '-9007199254740993',
    '[1,12345678901234567890]',
    '{"a":"\\"","b":9007199254740993}',
    '647463207857815565',
    '[[1e999]]',
    '-1E400',
  ]) {
    test(text, () => {
      assert.throws(
        () => parseArgument(text),
        (error) => error instanceof UsageError && /would arrive as/.test(error.message),
      );
    });
  }
});

test('arguments together are a JSON array, and what came instead is named', () => {
  assert.deepEqual(parseArguments('[1,"a",[]]', 'line 1'), [1, 'a', []]);
  for (const text of ['1', '{"a":1}', '"x"', 'null', '', '[1,'])
    assert.throws(() => parseArguments(text, 'line 7'), /Expected line 7 to be a JSON array of arguments/);
});
