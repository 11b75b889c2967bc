import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FailureKinds, shapeOf } from '../../../../../src/ui/desk/index/failure-kinds.ts';
import { sighting } from '../../../../support/sighting.ts';

describe('the shape of a message', () => {
  for (const [message, shape] of [
    ['no answer', 'no answer'],
    ['no answer in 30 s', 'no answer in … s'],
    ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED …'],
    ['connect ECONNREFUSED ::1:5432', 'connect ECONNREFUSED ::…'],
    ['order 0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3 is gone', 'order … is gone'],
    ['order 0199F3C2-8D1E-7B3A-9C4D-5E6F708192A3 is gone', 'order … is gone'],
    ['object at 0xdeadbeef moved', 'object at … moved'],
    ['commit 3f5a9c1b2d is unknown', 'commit … is unknown'],
    ['a decade of defaced facades', 'a decade of defaced facades'],
    ['device aa:bb:cc:dd:ee:ff is away', 'device … is away'],
    [`Unexpected token 'x' at "user-12"`, `Unexpected token 'x' at …`],
    ["can't parse 'abc' as 7", "can't parse 'abc' as …"],
    [
      "ENOENT: no such file or directory, open '/srv/in/2026-11-27/part-0003.csv'",
      'ENOENT: no such file or directory, open …',
    ],
    ['cannot read /srv/in/2026-11-27/part-0003.csv', 'cannot read /srv/in/…/part….csv'],
    ['-3.5 is not in [0, 1]', '… is not in […]'],
    ['rows 1, 2, 3 and 4 failed', 'rows … and … failed'],
    ['1,234,567 of 2_000_000', '… of …'],
    ['took\n\t 5 ms', 'took … ms'],
    ['', ''],
  ] as const)
    test(`of ${JSON.stringify(message)}`, () => assert.equal(shapeOf(message), shape));

  test('stays as it is when it is taken of a shape, whatever the message was', () => {
    const parts = [
      'abc',
      '12',
      '-',
      ' ',
      '"',
      "'",
      '`',
      '0x',
      'ff',
      ':',
      '/',
      '.',
      ',',
      '…',
      'a1b2c3d4',
      '\n',
      'é',
      '[',
      ']',
    ];
    let seed = 1;
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647);
    for (let i = 0; i < 5_000; i++) {
      const message = Array.from({ length: next() % 14 }, () => parts[next() % parts.length] ?? '').join('');

      const shape = shapeOf(message);

      assert.equal(shapeOf(shape), shape, JSON.stringify(message));
      assert.doesNotMatch(shape, /\d/);
    }
  });

  test('takes no long time of a long message', () => {
    const startedAt = performance.now();

    assert.ok(shapeOf(`"1`.repeat(2_000_000)).length <= 400);
    assert.ok(shapeOf('a'.repeat(4_000_000)).length <= 400);

    assert.ok(performance.now() - startedAt < 1_000);
  });
});

function failed(message: string, task = 'mail', name = 'Error'): Parameters<FailureKinds['of']>[0] {
  return sighting({}, { task, outcome: { state: 'failed', error: { name, message } } });
}

describe('kinds of failures', () => {
  test('are the same for messages that differ in their numbers, and others for another task or error', () => {
    const kinds = new FailureKinds();
    const kind = kinds.of(failed('no answer in 30 s'));

    assert.equal(kinds.of(failed('no answer in 5 s')), kind);
    assert.deepEqual(kind, { key: kind?.key, task: 'mail', error: 'Error', message: 'no answer in … s', roots: [] });
    const others = [
      failed('no answer'),
      failed('no answer in 30 s', 'add'),
      failed('no answer in 30 s', 'mail', 'TypeError'),
    ];
    assert.equal(new Set([kind, ...others.map((one) => kinds.of(one))].map((one) => one?.key)).size, 4);
    assert.equal(new FailureKinds().of(failed('no answer in 1 s'))?.key, kind?.key);
    assert.match(kind?.key ?? '', /^[0-9a-f]{12}$/);
  });

  test('are told apart up to a number, and what comes later is of one kind with its task and error', () => {
    const kinds = new FailureKinds();
    const word = (i: number): string => Array.from(String(i), (digit) => 'abcdefghij'[Number(digit)] ?? '').join('');
    for (let i = 0; i < 5_000; i++) kinds.of(failed(`oh ${word(i)}`));

    assert.equal(kinds.of(failed('something else'))?.message, '…');
    assert.equal(kinds.of(failed('something different')), kinds.of(failed('something else')));
    assert.equal(kinds.of(failed(`oh ${word(7)}`))?.message, 'oh h');
  });

  test('have no job that has not failed, or that cannot be read', () => {
    const kinds = new FailureKinds();

    assert.equal(kinds.of(sighting()), null);
    assert.equal(kinds.of(sighting({}, null)), null);
    assert.equal(kinds.of(sighting({}, { outcome: { state: 'succeeded', value: 1 } })), null);
  });
});
