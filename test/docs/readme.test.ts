import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { runPage } from '../support/document.ts';
import { codeBlocks } from '../support/markdown.ts';
import { REPOSITORY } from '../support/project.ts';

const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');

test('the README, followed from top to bottom, prints what it says', { timeout: 120_000 }, async (t) => {
  const { files, commands } = await runPage(t, 'README.md', { isNpxReal: true });

  assert.ok(files >= 2 && commands >= 6, `the README has ${files} files and ${commands} commands`);
});

test('the quick start of the README and examples/quickstart are the same files', () => {
  const inReadme = codeBlocks(README).map(({ text }) => text);

  for (const name of ['tasks.ts', 'main.ts']) {
    const example = readFileSync(join(REPOSITORY, 'examples/quickstart', name), 'utf8');
    assert.ok(inReadme.includes(example), `examples/quickstart/${name} is not in the README as it stands`);
  }
});
