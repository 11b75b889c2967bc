import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { normalise, runPage } from '../support/document.ts';
import { codeBlocks } from '../support/markdown.ts';
import { REPOSITORY, run } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');

test('the README, followed from top to bottom, prints what it says', { timeout: 120_000 }, async (t) => {
  const { files, commands } = await runPage(t, 'README.md');

  assert.ok(files >= 2 && commands >= 6, `the README has ${files} files and ${commands} commands`);
});

test('the quick start of the README and examples/quickstart are the same files', () => {
  const inReadme = codeBlocks(README).map(({ text }) => text);

  for (const name of ['tasks.ts', 'main.ts']) {
    const example = readFileSync(join(REPOSITORY, 'examples/quickstart', name), 'utf8');
    assert.ok(inReadme.includes(example), `examples/quickstart/${name} is not in the README as it stands`);
  }
});

test('npm run quickstart prints what the README shows, and leaves nothing behind', { timeout: 120_000 }, async (t) => {
  const shown = codeBlocks(README).find(({ text }) => text.startsWith('$ npm run -s quickstart\n'));
  const repository = { path: REPOSITORY, spool: '' };
  const TMPDIR = tempDir(t);

  const { code, stdout, stderr } = await run(repository, process.execPath, ['scripts/quickstart.mjs'], {
    env: { TMPDIR },
    timeoutMs: 100_000,
  });

  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(
    readdirSync(TMPDIR).filter((name) => name.startsWith('fsq-')),
    [],
  );
  assert.deepEqual(byVoice(stdout), byVoice((shown?.text ?? '').replace(/^.*\n/, '')));
});

/** What the worker and the program said, each in its order: which of the two is first to tell of a result is chance. */
function byVoice(output: string): { readonly worker: string; readonly program: string } {
  const lines = output.split('\n').map((line) => line.replace(/^ +\d+\.\d s /, ''));
  const isWorkers = (line: string): boolean => line.startsWith('  worker |');
  const text = (of: readonly string[]): string => normalise(of.join('\n'));
  return {
    worker: text(lines.filter(isWorkers)),
    program: text(lines.filter((line) => !isWorkers(line))),
  };
}
