import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { inOrder, sortedNames } from '../../../src/spool/sorted-names.ts';
import { random } from '../../support/random.ts';

/** Below, at and beyond the number of names that are sorted at once. */
for (const count of [0, 1, 2, 3, 511, 512, 513, 2_000])
  for (const order of ['ascending', 'descending'] as const)
    test(`${count} names come ${order}, equal ones as often as they are there`, () => {
      const { below } = random(count);
      const names = Array.from({ length: count }, () => String(below(count)).padStart(4, '0'));

      const sorted = [...inOrder([...names], order)];

      const wanted = names.toSorted();
      assert.deepEqual(sorted, order === 'ascending' ? wanted : wanted.toReversed());
    });

describe('of a directory', () => {
  test('the first names come when all were walked once, and nothing more is sorted', async () => {
    let walked = 0;
    const files = {
      *walk(): Generator<string> {
        for (let i = 10_000; i > 0; i--) {
          walked++;
          yield String(i).padStart(6, '0');
        }
      },
    };

    const names = sortedNames(files, '/pending', 'ascending');

    assert.deepEqual([(await names.next()).value, (await names.next()).value, walked], ['000001', '000002', 10_000]);
    await names.return();
  });
});
