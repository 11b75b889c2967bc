/** A project whose files are links, as Kubernetes mounts a ConfigMap. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fsq, type Project, run, startWorker, tempProject } from '../support/project.ts';

const TASKS = (value: string): string => `
import { task } from 'fsq';
export const where = task('where', () => '${value}');
`;

function mount(at: Project, folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(at.path, folder));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(at.path, folder, name), text);
  symlinkSync(folder, join(at.path, '..data_tmp'));
  renameSync(join(at.path, '..data_tmp'), join(at.path, '..data'));
}

test('task modules and the configuration may be links, also to files that are put in place of others', async (t) => {
  const at = tempProject(t, {});
  mount(at, '..1', { 'tasks.mjs': TASKS('first'), 'fsq.config.json': '{"spool":"queue"}' });
  for (const name of ['tasks.mjs', 'fsq.config.json']) symlinkSync(join('..data', name), join(at.path, name));
  const worker = await startWorker(t, at, ['-c', '1']);

  assert.equal((await fsq(at, ['call', 'where', '--wait'])).stdout, '"first"\n');
  assert.equal((await fsq(at, ['status', '--json'])).stdout.includes(join(at.path, 'queue')), true);
  await worker.stop();
  mount(at, '..2', { 'tasks.mjs': TASKS('second'), 'fsq.config.json': '{"spool":"queue"}' });
  await startWorker(t, at, ['-c', '1']);

  assert.equal((await fsq(at, ['call', 'where', '--wait'])).stdout, '"second"\n');
});

test('the command may be a link to a link', async (t) => {
  const at = tempProject(t, { 'tasks.mjs': TASKS('x') });
  mkdirSync(join(at.path, 'node_modules/.bin'));
  symlinkSync('../fsq/bin/fsq.js', join(at.path, 'node_modules/.bin/fsq'));
  symlinkSync('node_modules/.bin/fsq', join(at.path, 'queue'));

  const { stdout, code } = await run(at, join(at.path, 'queue'), ['tasks']);

  assert.equal(code, 0);
  assert.match(stdout, /where +tasks\.mjs:3/);
});

test('a worker whose task module is a link that leads nowhere says so', async (t) => {
  const at = tempProject(t, { 'fsq.config.json': '{}' });
  symlinkSync('..data/tasks.mjs', join(at.path, 'tasks.mjs'));

  const { code, stderr } = await fsq(at, ['worker', '--burst']);

  assert.equal(code, 78);
  assert.match(stderr, /tasks\.mjs is a link to \.\.data\/tasks\.mjs, where nothing can be read/);
});
