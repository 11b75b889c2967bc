/** How soon a child that died is replaced. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartDelayMs } from '../../../src/worker/restart.ts';

test('a child that was ready is replaced at once, however many died before', () => {
  assert.equal(restartDelayMs(true, 50), 0);
});

test('children that die before they are ready are replaced ever more slowly, up to 10 s', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 6, 7, 100].map((deaths) => restartDelayMs(false, deaths)),
    [100, 200, 400, 800, 6_400, 10_000, 10_000],
  );
});
