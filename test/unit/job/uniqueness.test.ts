import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../../src/job/errors.ts';
import { checkKey, checkUnique, isKey } from '../../../src/job/uniqueness.ts';

test('a key is any text of 1 to 1,024 bytes of UTF-8', () => {
  for (const key of ['a', ' ', '\0', '../..', 'ä'.repeat(512), '\u{1F600}', 'x'.repeat(1_024)])
    assert.equal(checkKey(key), key);
});

const BAD: readonly [what: string, key: unknown, message: RegExp][] = [
  ['an empty key', '', /got an empty one; leave it out for none/],
  ['10 KB', 'x'.repeat(10_240), /of 1 to 1024 bytes of UTF-8, got 10240 bytes: use a hash of it/],
  ['characters of two bytes', 'ä'.repeat(513), /got 1026 bytes/],
  ['half a character', 'a\uD800', /half a character/],
  ['a number', 7, /got 7/],
  ['null', null, /got null/],
];
for (const [what, key, message] of BAD) {
  test(`${what} is refused as a key`, () => {
    assert.throws(
      () => checkKey(key),
      (error) => error instanceof UsageError && message.test(error.message),
    );
    assert.equal(isKey(key), false);
  });
}

test('unique is one of two words, or some time', () => {
  assert.equal(checkUnique('while-pending'), 'started');
  assert.equal(checkUnique('while-unfinished'), 'ended');
  assert.deepEqual(checkUnique('1h'), { ms: 3_600_000 });
  assert.deepEqual(checkUnique(5), { ms: 5 });
  for (const bad of [0, '0s', 'while-running', true, null, undefined, {}])
    assert.throws(() => checkUnique(bad), /'while-pending', 'while-unfinished' or a duration of more than 0/);
  for (const bad of [-1, '3 weeks', Number.NaN]) assert.throws(() => checkUnique(bad), UsageError);
});
