import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { until } from '../support/conditions.ts';
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
  assert.deepEqual(spoolsIn(TMPDIR), []);
  assert.deepEqual(byVoice(stdout), byVoice((shown?.text ?? '').replace(/^.*\n/, '')));
});

test('an interrupted quick start stops its worker and leaves nothing behind', async (t) => {
  const TMPDIR = tempDir(t);
  const child = spawn(process.execPath, ['scripts/quickstart.mjs'], {
    cwd: REPOSITORY,
    env: { ...process.env, TMPDIR },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));

  await until(() => said.includes('main.ts\n'), 'the program of the quick start runs');
  child.kill('SIGINT');
  const [code] = await ended;

  assert.equal(code, 130);
  assert.deepEqual(spoolsIn(TMPDIR), []);
});

function spoolsIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.startsWith('fsq-'));
}

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
