import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { childrenOf, preview, troubleInArgs } from '../../../../page/plain/json-shape.ts';
import type { JsonValue } from '../../../../src/job/values/json.ts';

describe('a closed branch says in one line what is in it', () => {
  const cases: readonly (readonly [value: JsonValue, text: string])[] = [
    [null, 'null'],
    ['a"b', '"a\\"b"'],
    [[], '[]'],
    [{}, '{}'],
    [[1, true, 'x'], '[1, true, "x"]'],
    [{ to: 'ada', lines: [1, 2, 3], more: { a: 1 }, none: {} }, '{ to: "ada", lines: [3], more: {…}, none: {} }'],
  ];
  for (const [value, text] of cases) test(text, () => assert.equal(preview(value), text));
});

test('a line stays short, whatever is in it', () => {
  const long = Array.from({ length: 100_000 }, (_, i) => 'y'.repeat(i % 50));

  assert.ok(preview(long).length < 120, preview(long));
  assert.ok(preview('z'.repeat(4_000_000)).length < 70);
  assert.ok(preview({ ['k'.repeat(10_000)]: 1 }).length < 60);
});

test('children have names, in lists their numbers', () => {
  assert.deepEqual(childrenOf(['a']), [{ name: '0', value: 'a' }]);
  assert.deepEqual(childrenOf({ b: 1 }), [{ name: 'b', value: 1 }]);
  assert.deepEqual(childrenOf('leaf'), []);
});

test('arguments that somebody types are a JSON list, or there is a reason', () => {
  for (const text of ['[]', ' [1, {"a": null}]\n', '[9007199254740993]', '['.repeat(10_000) + ']'.repeat(10_000)])
    assert.equal(troubleInArgs(text), null, text.slice(0, 30));
  for (const text of ['', '[1,', '{"a": 1}', '3', 'undefined', '[],"id":"x"', '[1]}', '[NaN]'])
    assert.ok((troubleInArgs(text) ?? '').length > 10, text);
});
