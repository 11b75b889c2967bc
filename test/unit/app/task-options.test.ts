import assert from 'node:assert/strict';
import test from 'node:test';
import vm from 'node:vm';
import { PermanentError } from '../../../src/job/errors.ts';
import { toPredicate } from '../../../src/app/task-options.ts';

const foreign = (code: string): unknown => vm.runInNewContext(code);

test('a class of the language stands for that of every realm, with the classes that extend it', () => {
  const onError = toPredicate(Error);
  const onRange = toPredicate([TypeError, RangeError]);

  assert.equal(onError(foreign('new RangeError("x")')), true);
  assert.equal(onError(foreign('new (class Own extends Error {})("x")')), true);
  assert.equal(onRange(foreign('new RangeError("x")')), true);
  assert.equal(onRange(foreign('new SyntaxError("x")')), false);
  assert.equal(onError({ message: 'not of a class', name: 'Error' }), false);
});

test('a class of another realm is taken as a class, not for a function that decides', () => {
  const onForeign = toPredicate(foreign('RangeError'));

  assert.equal(onForeign(new RangeError('x')), true);
  assert.equal(onForeign(new TypeError('x')), false);
  assert.equal(toPredicate(foreign('(class Own extends TypeError {})'))(new TypeError('x')), false);
});

test('any other class matches as instanceof does: one of the same name is another', () => {
  const Twin = class Busy extends Error {};
  const Busy = class Busy extends Error {};

  assert.equal(toPredicate(Busy)(new Busy('x')), true);
  assert.equal(toPredicate(Busy)(new Twin('x')), false);
});

test('a class of fsq stands for that of every copy of fsq', () => {
  const ofOtherCopy = Object.create(
    Object.create(Error.prototype, { [Symbol.for('fsq.error')]: { value: 'PermanentError' } }),
  );

  assert.equal(toPredicate(PermanentError)(ofOtherCopy), true);
});

test('what is neither class nor function is refused', () => {
  for (const bad of [{}, 'Error', [], [Date], [() => true], foreign('[Map]')])
    assert.throws(() => toPredicate(bad), { code: 'FSQ_USAGE' });
});
