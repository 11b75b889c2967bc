import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PASSING = `import test from 'node:test';\ntest('passes', () => {});\n`;

test('the tests of a folder are found in its subfolders, run and counted', (t) => {
  const dir = folder(t, {
    'a.test.ts': PASSING,
    'deep/er/b.test.ts': PASSING,
    'not-a-test.ts': `throw new Error('run');\n`,
  });

  const { status, lastLine } = run(dir);

  assert.equal(status, 0);
  assert.equal(lastLine, '2 passed, 0 failed, 0 skipped');
});

test('a failing test fails the run', (t) => {
  const dir = folder(t, { 'a.test.ts': PASSING, 'b.test.ts': PASSING.replace('{}', '{ throw new Error() }') });

  const { status, lastLine } = run(dir);

  assert.equal(status, 1);
  assert.equal(lastLine, '1 passed, 1 failed, 0 skipped');
});

test('a file that defines no test fails the run', (t) => {
  const dir = folder(t, { 'a.test.ts': PASSING, 'empty.test.ts': `console.log('nothing');\n` });

  const { status, stderr } = run(dir);

  assert.equal(status, 1);
  assert.match(stderr, /empty\.test\.ts defines no test/);
});

test('a run in which every test is skipped fails', (t) => {
  const dir = folder(t, { 'a.test.ts': PASSING.replace('() =>', '{ skip: true }, () =>') });

  const { status, stderr } = run(dir);

  assert.equal(status, 1);
  assert.match(stderr, /no test ran/);
});

test('a folder without tests and a path that is not there fail', (t) => {
  const dir = folder(t, { 'readme.txt': '' });

  assert.match(run(dir).stderr, /no \*\.test\.ts in/);
  assert.equal(run(dir).status, 1);
  assert.match(run(join(dir, 'nowhere')).stderr, /no such file or folder/);
  assert.equal(run(join(dir, 'nowhere')).status, 1);
});

test('a process that outlives the tests fails the run and is killed, even in a process group of its own', (t) => {
  const dir = folder(t, {
    'a.test.ts': `import { spawn } from 'node:child_process';
      import test from 'node:test';
      test('leaves a process', () => spawn('sleep', ['71'], { detached: true, stdio: 'ignore' }).unref());\n`,
  });

  const { status, stderr } = run(dir);

  const pid = /outlived the tests and was killed: (\d+) sleep 71/.exec(stderr)?.[1];
  assert.equal(status, 1, stderr);
  assert.ok(pid !== undefined, stderr);
});

test('a test does not see the settings of whoever runs it', (t) => {
  const dir = folder(t, {
    'a.test.ts': `import assert from 'node:assert';
      import test from 'node:test';
      test('clean', () => assert.equal(process.env.FSQ_SPOOL, undefined));\n`,
  });

  const { status } = run(dir, { FSQ_SPOOL: '/somewhere' });

  assert.equal(status, 0);
});

function folder(t: TestContext, files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'fsq-runner-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(dir, file, '..'), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  return dir;
}

function run(path: string, env: NodeJS.ProcessEnv = {}): { status: number | null; stderr: string; lastLine: string } {
  // Without NODE_TEST_CONTEXT, or node would take this run for a part of ours and skip it.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test.mjs', path], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...inherited, ...env },
  });
  return { status, stderr, lastLine: stdout.trimEnd().split('\n').at(-1) ?? '' };
}
