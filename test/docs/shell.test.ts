import assert from 'node:assert/strict';
import test from 'node:test';
import { runPage } from '../support/document.ts';

test('the producer and the reader in shell work against a real worker', { timeout: 120_000 }, async (t) => {
  const { files, commands } = await runPage(t, 'docs/spool-format.md');

  assert.ok(files >= 3 && commands >= 6, `the page has ${files} files and ${commands} commands`);
});
