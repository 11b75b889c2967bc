import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { normalise } from '../support/document.ts';
import { codeBlocks } from '../support/markdown.ts';
import { REPOSITORY, run } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');

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
