/** How many names a child is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextAppetite } from '../../../src/worker/appetite.ts';

test('it doubles while jobs are quick, up to 128', () => {
  assert.equal(nextAppetite(1, 0), 2);
  assert.equal(nextAppetite(32, 5), 64);
  assert.equal(nextAppetite(128, 5), 128);
});

test('a child with slow jobs gets one name at a time', () => {
  assert.equal(nextAppetite(64, 5_000), 1);
  assert.equal(nextAppetite(1, 60_000), 1);
});

test('it falls in proportion to the time that was needed', () => {
  assert.equal(nextAppetite(64, 40), 32);
});
