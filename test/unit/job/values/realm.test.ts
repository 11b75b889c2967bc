/* eslint-disable unicorn/no-thenable -- what is asked about may be one */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import vm from 'node:vm';
import {
  isAbortSignal,
  isArray,
  isBuiltIn,
  isDate,
  isErrorLike,
  isLanguageClass,
  isMap,
  isOptions,
  isRecord,
  isSet,
  peek,
  reasonOf,
} from '../../../../src/job/values/realm.ts';

const foreign = (code: string): unknown => vm.runInNewContext(code);
const revoked = Proxy.revocable({}, {});
revoked.revoke();

test('an error of another realm is an error, with its class and those above it', () => {
  const error = foreign('new RangeError("too far")');

  assert.equal(error instanceof Error, false);
  assert.equal(isErrorLike(error), true);
  assert.equal(reasonOf(error), 'too far');
  assert.equal(isBuiltIn(error, 'RangeError'), true);
  assert.equal(isBuiltIn(error, 'Error'), true);
  assert.equal(isBuiltIn(error, 'TypeError'), false);
});

test('a class of a program that is called as one of the language is none', () => {
  const Imitated = class RangeError {
    readonly message = 'x';
  };

  assert.equal(isBuiltIn(new Imitated(), 'RangeError'), false);
  assert.equal(isLanguageClass(Imitated, 'RangeError'), false);
  assert.equal(isLanguageClass(foreign('RangeError'), 'RangeError'), true);
});

test('what has a message that is text tells what went wrong; what has none does not', () => {
  assert.equal(isErrorLike({ message: 'no' }), true);
  for (const value of [null, undefined, 'no', 7, {}, { message: 7 }, [], () => 'no', revoked.proxy])
    assert.equal(isErrorLike(value), false);
});

test('an array is no record; what refuses to be looked at is neither', () => {
  const values = [{}, foreign('({})'), [], foreign('[]'), revoked.proxy, null, 'text'];

  assert.deepEqual(values.map(isRecord), [true, true, false, false, false, false, false]);
  assert.deepEqual(values.map(isArray), [false, false, true, true, false, false, false]);
});

describe('nothing throws at', () => {
  const hostile: readonly [string, unknown][] = [
    ['a revoked proxy', revoked.proxy],
    ['an object without prototype', Object.create(null)],
    ['a symbol', Symbol('x')],
    [
      'a proxy that is its own prototype',
      (() => {
        const loop: object = new Proxy({}, { getPrototypeOf: () => loop });
        return loop;
      })(),
    ],
    [
      'an object whose constructor throws',
      Object.create(Object.create(null, { constructor: { get: () => foreign('throw 1') } })),
    ],
  ];
  for (const [what, value] of hostile) {
    test(what, () => {
      assert.equal(peek(value, 'message'), undefined);
      assert.equal(isBuiltIn(value, 'Error'), false);
      assert.equal(isAbortSignal(value), false);
      assert.equal(isArray(value), false);
      assert.equal(typeof isRecord(value), 'boolean');
      assert.equal(typeof reasonOf(value), 'string');
    });
  }
});

test('a Date, a Map and a Set are known by what they are, in any realm', () => {
  const values: readonly unknown[] = [foreign('new Date(0)'), foreign('new Map()'), foreign('new Set()'), {}, null, 7];
  const imitated = { [Symbol.toStringTag]: 'Date', getTime: () => 0 };

  assert.deepEqual(values.map(isDate), [true, false, false, false, false, false]);
  assert.deepEqual(values.map(isMap), [false, true, false, false, false, false]);
  assert.deepEqual(values.map(isSet), [false, false, true, false, false, false]);
  assert.equal(isDate(imitated), false);
});

test('a signal is what can be listened to as one, of any realm and of packages', () => {
  const ofPackage = Object.assign(new EventTarget(), { aborted: false });

  assert.equal(isAbortSignal(new AbortController().signal), true);
  assert.equal(isAbortSignal(ofPackage), true);
  assert.equal(isAbortSignal({ aborted: false }), false);
  assert.equal(isAbortSignal(new EventTarget()), false);
});

test('options are objects, of any realm and class, but none that has no place for them', () => {
  class Own {
    readonly timeout = '1s';
  }
  for (const options of [{}, { then: 1 }, Object.create(null), foreign('({ a: 1 })'), new Own()])
    assert.equal(isOptions(options), true);
  for (const none of [
    null,
    [],
    'x',
    Promise.resolve({ timeout: '1s' }),
    foreign('Promise.resolve()'),
    Object.create({ then: () => undefined }),
    new Date(),
    new Map([['timeout', '1s']]),
    foreign('new Set()'),
  ])
    assert.equal(isOptions(none), false);
});
