import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { NotSerialisableError, UsageError } from '../../../../src/job/errors.ts';
import {
  checkedArguments,
  checkedHeaders,
  checkedResult,
  MAX_HEADERS_BYTES,
  MAX_PAYLOAD_BYTES,
  copyOf,
  Count,
} from '../../../../src/job/values/payload.ts';
import { createContext, runInContext } from 'node:vm';
import { MAX_DEPTH } from '../../../../src/job/values/json.ts';

test('arguments that are undefined are left out at the end, and refused before another', () => {
  assert.deepEqual(checkedArguments('t', [1, undefined, undefined]), [1]);
  assert.deepEqual(checkedArguments('t', [undefined]), []);
  assert.throws(() => checkedArguments('t', [undefined, 2]), /args\[0\] is undefined/);
  assert.throws(() => checkedArguments('t', [[1, undefined]]), /args\[0\]\[1\] is undefined/);
});

test('what is bad only when it is read first is refused all the same', () => {
  let reads = 0;
  const turning = {
    get value(): unknown {
      return reads++ === 0 ? 1n : 1;
    },
  };

  assert.throws(() => checkedArguments('t', [turning]), { code: 'FSQ_NOT_SERIALISABLE', path: 'args[0].value' });
});

describe('a value that holds itself in several places is refused before all of its parts are looked at:', () => {
  /** Fails when it is read as often as no value needs to be. */
  const guarded = (value: object): object => {
    let reads = 0;
    return new Proxy(value, {
      ownKeys: (target) => {
        if (++reads > 10_000) throw new Error('it is read without end');
        return Reflect.ownKeys(target);
      },
      get: (target, key, receiver) => {
        if (++reads > 10_000) throw new Error('it is read without end');
        return Reflect.get(target, key, receiver);
      },
    });
  };
  const parent: Record<string, unknown> = {};
  const seenParent = guarded(parent);
  parent['children'] = Array.from({ length: 10 }, () => ({ parent: seenParent }));
  const list: unknown[] = [];
  const seenList = guarded(list);
  list.push(seenList, seenList, seenList);

  for (const [what, value] of [
    ['children that know their parent', seenParent],
    ['a list of itself', seenList],
  ] as const) {
    test(what, () => {
      assert.throws(() => checkedArguments('t', [value, value]), { code: 'FSQ_NOT_SERIALISABLE', message: /a cycle/ });
      assert.throws(() => checkedResult('t', value), { code: 'FSQ_NOT_SERIALISABLE', message: /a cycle/ });
    });
  }
});

test('a result is a copy: what the task changes later is not kept', () => {
  const cache = { rows: [1] };

  const result = checkedResult('t', cache);
  cache.rows.push(2);

  assert.deepEqual(result, { rows: [1] });
  assert.equal(checkedResult('t', undefined), undefined);
  assert.throws(() => checkedResult('t', 'x'.repeat(MAX_PAYLOAD_BYTES)), { code: 'FSQ_TOO_LARGE', message: /kept/ });
});

describe('headers', () => {
  test('are copied, without those that are undefined', () => {
    const headers = { a: 'x', b: undefined };

    const copy = checkedHeaders('t', headers);
    headers.a = 'y';

    assert.deepEqual(copy, { a: 'x' });
    assert.deepEqual(checkedHeaders('t', undefined), {});
  });

  const refused: readonly [string, unknown][] = [
    ['a number', { a: 1 }],
    ['null', { a: null }],
    ['an array', ['a']],
    ['a Map', new Map([['a', 'b']])],
    ['a Headers', new Headers({ a: 'b' })],
    ['null in their place', null],
    ['a symbol key', { [Symbol('s')]: 'x' }],
  ];
  for (const [what, headers] of refused) {
    test(`are refused with ${what}`, () => {
      assert.throws(() => checkedHeaders('t', headers), { message: /Expected `headers` to be an object of strings/ });
    });
  }

  test('with parts in common, which are billions when they are written, are refused at once', () => {
    let value: unknown = 'x';
    for (let i = 0; i < 40; i++) value = [value, value];

    assert.throws(() => checkedArguments('t', [value]), {
      code: 'FSQ_TOO_LARGE',
      message: /millions of bytes of JSON/,
    });
    assert.throws(() => checkedResult('t', { value }), { code: 'FSQ_TOO_LARGE' });
  });

  test('that are no text are named', () => {
    assert.throws(() => checkedHeaders('t', { ok: 'a', tenant: 1 }), { message: /got 1 as "tenant"$/ });
  });

  test('have a limit of bytes', () => {
    const room = MAX_HEADERS_BYTES - '{"a":""}'.length;

    assert.deepEqual(Object.keys(checkedHeaders('t', { a: 'x'.repeat(room) })), ['a']);
    for (const headers of [
      { a: 'x'.repeat(room + 1) },
      { a: 'é'.repeat(room / 2 + 1) },
      { ['k'.repeat(room + 2)]: '' },
    ])
      assert.throws(
        () => checkedHeaders('t', headers),
        (error) => error instanceof UsageError && error.code === 'FSQ_TOO_LARGE',
      );
  });
});

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
  ['an Error', new Error('x'), 'args[0]', /is an Error/],
  ['a RegExp', /x/, 'args[0]', /is a RegExp/],
  ['a Promise', Promise.resolve(1), 'args[0]', /is a Promise.*Await it first/],
  ['a boxed string', Object('x'), 'args[0]', /is a String/],
  ['a key that is no identifier', { '0x': { 'ключ"': new Date() } }, 'args[0]["0x"]["ключ\\""]', /is a Date/],
];

describe('a value that JSON would change is refused with its path:', () => {
  for (const [what, value, path, message] of REFUSED) {
    test(what, () => {
      assert.throws(
        () => copyOf(value, 'args[0]'),
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
  assert.throws(() => copyOf(cycle, 'args[0]'), /nested more than 64 levels deep or a cycle/);
});

test('nesting is accepted up to the limit and refused beyond it', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

  copyOf(nested(MAX_DEPTH), 'value');

  assert.throws(() => copyOf(nested(MAX_DEPTH + 1), 'value'), NotSerialisableError);
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
    copyOf(value, 'value');
    assert.deepEqual(JSON.parse(JSON.stringify(value)), JSON.parse(JSON.stringify(structuredClone(value))));
  }
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('minus zero is let through, and arrives as zero', () => {
  copyOf(-0, 'value');
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
      const count = new Count();

      assert.throws(() => copyOf(value, 'value', count));
      assert.ok(Number.isNaN(count.bytes));
    });
  }
});

describe('a copy', () => {
  test("is nobody else's, at any depth", () => {
    const value = { list: [{ n: 1 }], text: 'x' };

    const copy = copyOf(value, 'value');
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
    const count = new Count();

    const copy = copyOf([turning, proxy, list], 'value', count);

    assert.ok(count.bytes > 0);
    assert.equal(JSON.stringify(copy), '[{"value":"first"},{"n":"once"},[1]]');
  });

  test('keeps a key that is __proto__ as what it is', () => {
    const copy = copyOf(JSON.parse('{"__proto__":{"a":[1]}}'), 'value');

    assert.equal(JSON.stringify(copy), '{"__proto__":{"a":[1]}}');
  });
});

test('a property that is undefined is let through, and does not arrive', () => {
  const value = { a: undefined, b: [{ c: undefined }] };

  assert.equal(JSON.stringify(copyOf(value, 'value')), '{"b":[{}]}');
  assert.ok(boundOf(value) > 0);
});

function boundOf(value: unknown): number {
  const count = new Count();
  copyOf(value, 'value', count);
  return count.bytes;
}
