import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { until } from '../support/conditions.ts';
import { runPage } from '../support/document.ts';
import { type Project, REPOSITORY, run, startWorker, tempProject } from '../support/project.ts';

test('checksums sums up what the workers found, and lists a file that vanished', async (t) => {
  const project = example(t);
  const alpha = file(project, 'a/alpha.txt', 'alpha\n'.repeat(1_000));
  const empty = file(project, 'a/b/empty.txt', '');
  const vanished = file(project, 'vanished.txt', 'soon gone');
  symlinkSync(alpha, join(project.path, 'data/link.txt'));

  const program = run(project, process.execPath, ['--import', 'tsx', 'main.ts', 'data', 'sums.txt']);
  await until(() => pending(project) === 3, 'three jobs are accepted');
  rmSync(vanished);
  const worker = await startWorker(t, project, ['-c', '2']);
  const { code, stdout } = await program;
  await worker.stop();

  assert.equal(code, 1);
  assert.match(stdout, /^3 jobs accepted in /);
  assert.match(stdout, /^files +2$/m);
  assert.match(stdout, /^bytes +6,000$/m);
  assert.match(stdout, new RegExp(`^gzip bytes +${gzipBytes(alpha) + gzipBytes(empty)} `, 'm'));
  assert.match(stdout, /^failed +1$/m);
  assert.match(stdout, new RegExp(`^  ${vanished}: ENOENT: no such file or directory`, 'm'));
  assert.equal(
    readFileSync(join(project.path, 'sums.txt'), 'utf8'),
    [alpha, empty].map((path) => `${sha256(path)}  ${path}\n`).join(''),
  );
});

test('checksums without a directory says how to use it', async (t) => {
  const project = example(t);

  const { code, stderr } = await run(project, process.execPath, ['--import', 'tsx', 'main.ts', 'nowhere']);

  assert.deepEqual({ code, stderr }, { code: 2, stderr: 'usage: node --import tsx main.ts DIRECTORY [SUMS]\n' });
});

test('the README of checksums can be followed', { timeout: 60_000 }, async (t) => {
  const { commands } = await runPage(t, 'examples/checksums/README.md', {
    folder: 'examples/checksums',
    prepare: ({ path }) => {
      copyExample(join(path, 'examples/checksums'));
      symlinkSync(join(REPOSITORY, 'bin'), join(path, 'bin'));
      writeFileSync(join(path, 'node_modules/some.js'), 'export {};');
    },
  });

  assert.equal(commands, 1);
});

function copyExample(to: string): void {
  cpSync(join(REPOSITORY, 'examples/checksums'), to, { recursive: true, filter: (path) => !path.endsWith('/spool') });
}

/** The example in a project of its own, with an empty folder `data`. */
function example(t: TestContext): Project {
  const project = tempProject(t, {});
  copyExample(project.path);
  mkdirSync(join(project.path, 'data'));
  return project;
}

function file(project: Project, name: string, text: string): string {
  const path = join(project.path, 'data', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** How many jobs wait; 0 while there is no spool. */
function pending({ spool }: Project): number {
  const directory = join(spool, 'pending');
  return existsSync(directory) ? readdirSync(directory).length : 0;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function gzipBytes(path: string): number {
  return gzipSync(readFileSync(path)).length;
}
