import assert from 'node:assert/strict';
import { createContext, runInContext } from 'node:vm';
import test, { describe } from 'node:test';
import { NotSerialisableError } from '../../../../src/job/errors.ts';
import { assertSerialisable, MAX_DEPTH } from '../../../../src/job/values/json.ts';
import { copyCounted } from '../../../../src/job/values/payload.ts';

class Money {
  readonly amount = 1;
}
class Named {
  toJSON(): string {
    return 'x';
  }
}

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

const REFUSED: readonly [what: string, value: unknown, path: string, message: RegExp][] = [
  ['a Date', { when: new Date(0) }, 'args[0].when', /is a Date.*toISOString/],
  ['a Map', new Map(), 'args[0]', /is a Map.*fromEntries/],
  ['a Set', [new Set()], 'args[0][0]', /is a Set.*\[\.\.\.value\]/],
  ['a BigInt', { deep: [{ n: 1n }] }, 'args[0].deep[0].n', /is a BigInt.*string/],
  ['NaN', Number.NaN, 'args[0]', /is NaN/],
  ['Infinity', { a: Infinity }, 'args[0].a', /is Infinity/],
  ['-Infinity', -Infinity, 'args[0]', /is -Infinity/],
  ['a function', { 'a b': () => 1 }, 'args[0]["a b"]', /is a function/],
  ['a symbol', Symbol('s'), 'args[0]', /is a symbol/],
  ['undefined', undefined, 'args[0]', /is undefined.*null/],
  ['undefined in an array', [1, undefined], 'args[0][1]', /is undefined/],
  ['a hole', Object.assign([], { length: 2 }), 'args[0][0]', /is a hole in an array/],
  ['a class instance', { price: new Money() }, 'args[0].price', /is a Money/],
  ['an object with toJSON', new Named(), 'args[0]', /is a Named/],
  ['an array with toJSON', Object.assign([1], { toJSON: () => 'x' }), 'args[0]', /is an array with a toJSON method/],
  ['a plain object with toJSON', { toJSON: () => 'x' }, 'args[0].toJSON', /is a function/],
  ['symbol keys', { [Symbol('s')]: 1 }, 'args[0]', /symbol keys/],
  ['a Buffer', Buffer.from('x'), 'args[0]', /is a Buffer.*base64/],
  ['an Error', new Error('x'), 'args[0]', /is a Error/],
  ['a RegExp', /x/, 'args[0]', /is a RegExp/],
  ['a Promise', Promise.resolve(1), 'args[0]', /is a Promise/],
  ['a boxed string', Object('x'), 'args[0]', /is a String/],
  ['a key that is no identifier', { '0x': { 'ключ"': new Date() } }, 'args[0]["0x"]["ключ\\""]', /is a Date/],
];

describe('a value that JSON would change is refused with its path:', () => {
  for (const [what, value, path, message] of REFUSED) {
    test(what, () => {
      assert.throws(
        () => assertSerialisable(value, 'args[0]'),
        (error) => {
          assert.ok(error instanceof NotSerialisableError);
          assert.equal(error.code, 'FSQ_NOT_SERIALISABLE');
          assert.equal(error.path, path);
          assert.ok(error.message.startsWith(`${path} is `), error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

test('a cycle is refused, and does not hang', () => {
  assert.throws(() => assertSerialisable(cycle, 'args[0]'), /nested more than 64 levels deep or a cycle/);
});

test('nesting is accepted up to the limit and refused beyond it', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

  assertSerialisable(nested(MAX_DEPTH), 'value');

  assert.throws(() => assertSerialisable(nested(MAX_DEPTH + 1), 'value'), NotSerialisableError);
});

test('plain data is accepted, and comes back from JSON as it went in', () => {
  const values: unknown[] = [
    null,
    true,
    0,
    1.5e-300,
    Number.MAX_SAFE_INTEGER,
    '',
    '\u2028\u0000"\\',
    '\ud83d\ude00',
    [],
    {},
    [[], [null, { a: [1, 'x', false] }]],
    Object.assign(Object.create(null) as object, { a: 1 }),
    JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
    runInContext('({ a: [1, { b: null }] })', createContext({})),
  ];

  for (const value of values) {
    assertSerialisable(value, 'value');
    assert.deepEqual(JSON.parse(JSON.stringify(value)), JSON.parse(JSON.stringify(structuredClone(value))));
  }
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('minus zero is let through, and arrives as zero', () => {
  assertSerialisable(-0, 'value');
});

describe('a bound of the bytes of JSON', () => {
  const SAMPLES: readonly unknown[] = [
    null,
    true,
    -1.2345678901234567e-100,
    '',
    '\u0000\u001f"\\é€😀\ud800',
    [],
    [1, [2, ['x']]],
    { '': 0, 'a\n"': { b: [null, false] } },
    Object.create(null),
  ];
  for (const value of SAMPLES) {
    test(`holds for ${JSON.stringify(value)}`, () => {
      assert.ok(boundOf(value) >= Buffer.byteLength(JSON.stringify(value)));
    });
  }

  for (const [what, value] of REFUSED) {
    test(`is none for ${what}, which is refused`, () => {
      assert.ok(Number.isNaN(boundOf(value)));
    });
  }
});

describe('a copy', () => {
  test("is nobody else's, at any depth", () => {
    const value = { list: [{ n: 1 }], text: 'x' };

    const copy = copyCounted(value, { bytes: 0, parts: 0 });
    value.list[0] = { n: 2 };
    value.list.push({ n: 3 });

    assert.deepEqual(copy, { list: [{ n: 1 }], text: 'x' });
  });

  test('reads each part once: what a getter or a Proxy says later does not count', () => {
    let reads = 0;
    const turning = {
      get value(): unknown {
        return reads++ === 0 ? 'first' : new Date(0);
      },
    };
    const proxy = new Proxy({ n: 1 }, { get: () => (reads++ === 1 ? 'once' : 1n) });
    const list = new Proxy([1], { get: (on, key) => (key === '0' && reads++ > 2 ? 1n : Reflect.get(on, key)) });
    const count = { bytes: 0, parts: 0 };

    const copy = copyCounted([turning, proxy, list], count);

    assert.ok(count.bytes > 0);
    assert.equal(JSON.stringify(copy), '[{"value":"first"},{"n":"once"},[1]]');
  });

  test('keeps a key that is __proto__ as what it is', () => {
    const copy = copyCounted(JSON.parse('{"__proto__":{"a":[1]}}'), { bytes: 0, parts: 0 });

    assert.equal(JSON.stringify(copy), '{"__proto__":{"a":[1]}}');
  });
});

test('a property that is undefined is let through, and does not arrive', () => {
  const value = { a: undefined, b: [{ c: undefined }] };

  assertSerialisable(value, 'value');

  assert.equal(JSON.stringify(copyCounted(value, { bytes: 0, parts: 0 })), '{"b":[{}]}');
  assert.ok(boundOf(value) > 0);
});

function boundOf(value: unknown): number {
  const count = { bytes: 0, parts: 0 };
  copyCounted(value, count);
  return count.bytes;
}
