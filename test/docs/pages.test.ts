import assert from 'node:assert/strict';
import test from 'node:test';
import { runPage } from '../support/document.ts';

for (const page of [
  'docs/cli.md',
  'docs/tasks.md',
  'docs/queues.md',
  'docs/composition.md',
  'docs/from-celery.md',
  'docs/projects.md',
  'docs/deploying.md',
  'docs/ci.md',
  'docs/observing.md',
  'docs/testing.md',
]) {
  test(`what ${page} shows happens as it says`, { timeout: 120_000 }, async (t) => {
    const { files, commands } = await runPage(t, page);

    assert.ok(files + commands > 2, `${page} has ${files} files and ${commands} commands`);
  });
}
