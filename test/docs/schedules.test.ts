import assert from 'node:assert/strict';
import test from 'node:test';
import { runPage } from '../support/document.ts';

test('what docs/schedules.md shows happens as it says', { timeout: 120_000 }, async (t) => {
  const { files, commands } = await runPage(t, 'docs/schedules.md');

  assert.deepEqual([files, commands], [2, 4]);
});
