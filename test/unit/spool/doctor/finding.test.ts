/** What is counted, and what is kept. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Tally } from '../../../../src/spool/doctor/finding.ts';

test('of each kind the first hundred are kept, in their order, and the others counted', () => {
  const tally = new Tally<string>((text) => text.charAt(0));

  for (let i = 0; i < 250; i++) {
    tally.add(`a${i}`);
    if (i < 100) tally.add(`b${i}`);
    if (i < 101) tally.add(`c${i}`);
  }

  assert.equal(tally.kept.length, 300);
  assert.deepEqual(tally.kept.slice(0, 4), ['a0', 'b0', 'c0', 'a1']);
  assert.deepEqual(tally.cut, [
    { like: 'a0', count: 150 },
    { like: 'c0', count: 1 },
  ]);
});
