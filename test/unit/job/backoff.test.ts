import assert from 'node:assert/strict';
import test from 'node:test';
import { crashBackoffMs, parkBackoffMs } from '../../../src/job/backoff.ts';

test('the first crash costs no wait, later ones more and more, up to a limit', () => {
  assert.deepEqual([1, 2, 3, 4].map(crashBackoffMs), [0, 500, 2_000, 8_000]);
  assert.equal(crashBackoffMs(1_000_000), crashBackoffMs(8));
});

test('a parked job waits as long again as it has waited, from a second to a minute', () => {
  assert.deepEqual(
    [-5_000, 0, 999, 1_500, 59_000, 61_000, 1e12].map(parkBackoffMs),
    [1_000, 1_000, 1_000, 1_500, 59_000, 60_000, 60_000],
  );
});
