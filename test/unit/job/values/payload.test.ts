import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { NotSerialisableError, UsageError } from '../../../../src/job/errors.ts';
import {
  checkedArguments,
  checkedHeaders,
  checkedResult,
  MAX_HEADERS_BYTES,
  MAX_PAYLOAD_BYTES,
} from '../../../../src/job/values/payload.ts';

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

  assert.throws(() => checkedArguments('t', [turning]), NotSerialisableError);
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
