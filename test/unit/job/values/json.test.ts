import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { copyOf, Count } from '../../../../src/job/values/payload.ts';
import { around, jsonOf, type JsonValue, longestCharacterBytes, whole } from '../../../../src/job/values/json.ts';
import { forSeeds, type Random } from '../../../support/random.ts';

const LONG = 'x'.repeat(100_000);

describe('the text is what JSON.stringify writes for', () => {
  const SAMPLES: readonly [what: string, value: JsonValue][] = [
    ['null', null],
    ['a short string', 'a\n"\ud800'],
    ['an object', { a: [1, 'é', LONG], b: {} }],
    ['an empty array', []],
    ['a long string that needs no escape', LONG],
    ['a long string of other characters', '漢é\u2028\u007f😀'.repeat(20_000)],
    ['long strings among other values', [LONG, null, 1.5, [LONG], 'y', { a: LONG }, LONG, LONG]],
    ['a long string in front', [LONG]],
    ['a long string at the end', [0, LONG]],
  ];
  for (const [what, value] of SAMPLES) {
    test(what, () => {
      assert.equal(whole(jsonOf(value)), JSON.stringify(value));
    });
  }

  test('a long string with any one character that is escaped', () => {
    const escaped = [...Array.from({ length: 0x20 }, (_, code) => code), 0x22, 0x5c, 0xd800, 0xdbff, 0xdc00, 0xdfff];
    for (const code of escaped) {
      const value = LONG + String.fromCharCode(code);
      assert.equal(whole(jsonOf(value)), JSON.stringify(value), `U+${code.toString(16)}`);
    }
  });

  test('a pair of surrogates wherever it stands', () => {
    for (let before = 16_380; before < 16_390; before++) {
      const value = `\n${'x'.repeat(before)}😀${'x'.repeat(16_384)}\ud83d`;
      assert.equal(whole(jsonOf(value)), JSON.stringify(value), `${before} characters before it`);
    }
  });

  test('random long strings', async () => {
    await forSeeds(200, (random) => {
      const value = [randomText(random), random.below(10), randomText(random)];
      assert.equal(whole(jsonOf(value)), JSON.stringify(value));
    });
  });
});

test('a long string that needs no escape is a piece itself', () => {
  const json = jsonOf([1, LONG]);

  assert.deepEqual(json, ['[1,"', LONG, '"]']);
  assert.deepEqual(around('{"a":', json, '}'), ['{"a":', '[1,"', LONG, '"]', '}']);
});

test('the longest character of a text bounds its bytes', async () => {
  await forSeeds(100, (random) => {
    const value = randomText(random).repeat(20);
    assert.ok(Buffer.byteLength(JSON.stringify(value)) <= 2 + longestCharacterBytes(value) * value.length);
    const count = new Count();
    copyOf(value, 'value', count);
    assert.ok(Buffer.byteLength(JSON.stringify(value)) <= count.bytes);
  });
  assert.equal(longestCharacterBytes(`"\\\n漢${LONG}`), 3);
  assert.equal(longestCharacterBytes(`${LONG}\u001f`), 6);
  assert.equal(longestCharacterBytes(`${LONG}\ud800`), 6);
});

function randomText(random: Random): string {
  const length = 8_000 + random.below(40_000);
  const rare = random.pick(['', '\n', '\ud800', '\udc00', '😀', 'é', '\u0001', '"', '漢\\']);
  let text = '';
  while (text.length < length) text += random.below(4) === 0 ? rare : 'abcdefgh'.repeat(random.below(600));
  return text;
}
