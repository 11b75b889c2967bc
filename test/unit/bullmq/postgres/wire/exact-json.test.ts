import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  exactData,
  exactText,
  shownText,
  storableData,
  storableText,
  storableValue,
} from '../../../../../src/bullmq/postgres/wire/exact-json.ts';

const HALF = '\ud83d';

/** As PostgreSQL has it: its jsonb puts the shorter keys first. */
function asJsonb(text: string): string {
  assert.doesNotMatch(text, /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i, 'jsonb refuses it');
  return JSON.stringify(sorted(JSON.parse(text)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(
    ([a], [b]) => Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}

const ARGS: readonly (readonly unknown[])[] = [
  [],
  [1, 'a', null, true, -1.5e300],
  [{ a: 1, b: 2, aa: 3 }],
  [{ subject: 1, to: 2 }],
  [[{ b: [{ z: 1, a: 2 }] }]],
  [{ ü: 1, z: 2 }],
  ['a\0b'],
  [`${HALF} alone`],
  [{ ['a\0']: 1 }],
  ['\\u0000 as it is typed'],
  [{ fsqText: 'of a user' }, '"fsqText"'],
];

describe('the data of a job', () => {
  for (const args of ARGS) {
    test(`comes back with arguments as they were: ${JSON.stringify(args)}`, () => {
      const text = JSON.stringify({ v: 1, id: 'a', args, headers: {} });

      const back = exactData(asJsonb(storableData(text)));

      const found = (JSON.parse(back) as { readonly args: unknown }).args;
      assert.equal(JSON.stringify(found), JSON.stringify(args));
    });
  }

  test('is stored once where it comes back as it was, for other programs too', () => {
    const text = JSON.stringify({ v: 1, id: 'a', args: [{ a: 1, aa: 2 }], headers: { a: 'b' } });

    assert.equal(storableData(text), text);
  });

  test('shows other programs the arguments, even where some of it cannot be stored', () => {
    const text = JSON.stringify({ v: 1, id: 'a', args: [{ subject: 'a\0', to: HALF }] });

    const shown: unknown = JSON.parse(storableData(text));

    assert.deepEqual((shown as { readonly args: unknown }).args, [{ subject: 'a\ufffd', to: '\ufffd' }]);
  });

  test('of another program stays what it is', () => {
    for (const text of ['{"to":1,"a":2}', '[1]', '"fsqText"', '{"fsqText":1}', '{"a":{"fsqText":"b"}}'])
      assert.equal(exactData(text), text);
  });
});

describe('a value', () => {
  for (const value of [null, 0, '', [], {}, { a: 1, b: 2 }]) {
    test(`needs no second text: ${JSON.stringify(value)}`, () => {
      assert.deepEqual(storableValue(value), { json: JSON.stringify(value), exact: null });
    });
  }

  test('that was not returned is null', () => {
    assert.deepEqual(storableValue(undefined), { json: 'null', exact: null });
  });

  for (const value of ['\0', HALF, { subject: 1, to: 2 }, { ['\0']: [HALF] }]) {
    test(`has an exact text beside what is shown: ${JSON.stringify(value)}`, () => {
      const { json, exact } = storableValue(value);

      asJsonb(json);
      assert.equal(exact, JSON.stringify(value));
    });
  }
});

test('a text of a column comes back as it was', () => {
  for (const text of ['', 'a', 'a\0', HALF, '\u0001', '\u0001"a"', 'naïve 漢字 😀'])
    assert.equal(exactText(storableText(text)), text);
  assert.equal(storableText('a\nb'), 'a\nb');
});

test('a text for people has a mark where something cannot be stored', () => {
  assert.equal(shownText(`a\0b${HALF}c😀`), 'a\ufffdb\ufffdc😀');
});
