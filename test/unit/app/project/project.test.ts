import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  findConfigFile,
  findTaskModules,
  namedTaskModules,
  packageFolder,
} from '../../../../src/app/project/project.ts';
import { tempDir } from '../../../support/temp.ts';

test('task modules are tasks.* and what is in tasks/, in the root, in src/ and below', (t) => {
  const root = project(t, [
    'tasks.ts',
    'src/tasks.mts',
    'src/mail/tasks/send.ts',
    'src/mail/tasks/receive.cjs',
    'src/mail/notasks.ts',
    'src/task.ts',
    'src/tasks.txt',
    'src/tasks.d.ts',
  ]);

  assert.deepEqual(found(root), ['src/mail/tasks/receive.cjs', 'src/mail/tasks/send.ts', 'src/tasks.mts', 'tasks.ts']);
});

test('tests, declarations and what lies in folders of others are no task modules', (t) => {
  const root = project(t, [
    'tasks.ts',
    'tasks/a.test.ts',
    'tasks/b.spec.mjs',
    'tasks/c.d.ts',
    'tasks/README.md',
    'test/tasks.ts',
    'node_modules/x/tasks.js',
    '.hidden/tasks.ts',
    'examples/tasks.ts',
    'packages/other/package.json',
    'packages/other/tasks.ts',
    'queue/fsq.json',
    'queue/tasks.ts',
    'a/b/c/d/tasks.ts',
  ]);

  assert.deepEqual(found(root), ['tasks.ts']);
});

test('a built twin beside its source is left out, in files and in tasks/', (t) => {
  const root = project(t, [
    'tasks.ts',
    'tasks.js',
    'src/tasks/a.mts',
    'src/tasks/a.mjs',
    'src/tasks/only.js',
    'dist/tasks.js',
  ]);

  assert.deepEqual(found(root), ['src/tasks/a.mts', 'src/tasks/only.js', 'tasks.ts']);
});

test('built code is looked into when the sources have no task module', (t) => {
  const root = project(t, ['dist/jobs/tasks.js', 'dist/tasks.js', 'src/index.ts']);

  assert.deepEqual(found(root), ['dist/jobs/tasks.js', 'dist/tasks.js']);
});

test('when there is none, it is told what was searched', (t) => {
  const root = project(t, ['index.ts']);

  const { files, searched } = findTaskModules(root);

  assert.deepEqual(files, []);
  assert.match(searched.join('\n'), /tasks\.\{ts,mts,js,mjs,cjs\}/);
  assert.ok(searched.every((line) => line.startsWith(root) || line.startsWith('the same')));
});

test('a link counts as what it leads to, as Kubernetes mounts the files of a ConfigMap', (t) => {
  const root = project(t, [
    '..2024_11/tasks.mjs',
    '..2024_11/add.mts',
    'elsewhere/mail/send.cjs',
    'elsewhere/code/tasks.ts',
  ]);
  symlinkSync('..2024_11', join(root, '..data'));
  symlinkSync('..data/tasks.mjs', join(root, 'tasks.mjs'));
  mkdirSync(join(root, 'jobs/tasks'), { recursive: true });
  symlinkSync('../../..data/add.mts', join(root, 'jobs/tasks/add.mts'));
  symlinkSync('elsewhere/mail', join(root, 'tasks'));
  symlinkSync('elsewhere/code', join(root, 'src'));
  symlinkSync('elsewhere/code', join(root, 'other'));

  assert.deepEqual(found(root), [
    'elsewhere/code/tasks.ts',
    'jobs/tasks/add.mts',
    'src/tasks.ts',
    'tasks.mjs',
    'tasks/send.cjs',
  ]);
  assert.deepEqual(namedTaskModules(['tasks', 'tasks.mjs'], root).files, [
    join(root, 'tasks/send.cjs'),
    join(root, 'tasks.mjs'),
  ]);
});

test('a link with the name of a task module or a configuration that leads nowhere, or in a circle, is told', (t) => {
  const root = project(t, ['tasks/a.mjs', 'jobs/b.mjs']);
  const lost = (name: string, to: string): void => symlinkSync(to, join(root, name));
  lost('tasks/gone.mjs', '../..data/gone.mjs');
  lost('jobs/circle.mjs', 'circle.mjs');
  lost('named', 'nowhere');
  lost('fsq.config.mjs', '..data/fsq.config.mjs');
  lost('jobs/.#b.mjs', 'somebody@host.4711');

  const told = (name: string, to: string, code: string): object => ({
    code,
    message: new RegExp(`^${join(root, name)} is a link to ${to}, where nothing can be read`),
  });
  assert.throws(() => findTaskModules(root), told('tasks/gone.mjs', '../..data/gone.mjs', 'FSQ_NO_TASKS'));
  assert.throws(() => namedTaskModules(['jobs'], root), told('jobs/circle.mjs', 'circle.mjs', 'FSQ_NO_TASKS'));
  assert.throws(() => namedTaskModules(['named'], root), told('named', 'nowhere', 'FSQ_NO_TASKS'));
  assert.throws(() => findConfigFile(root), told('fsq.config.mjs', '..data/fsq.config.mjs', 'FSQ_CONFIG'));
});

test('what begins with a dot is no module: editors keep their locks so', (t) => {
  const root = project(t, ['tasks/a.mjs', 'tasks/._a.mjs']);
  symlinkSync('somebody@host.4711', join(root, 'tasks/.#a.mjs'));

  assert.deepEqual(found(root), ['tasks/a.mjs']);
});

test('a folder that links to itself does not hang the search', (t) => {
  const root = project(t, ['src/tasks.ts']);
  symlinkSync(root, join(root, 'src/loop'));

  assert.deepEqual(found(root), ['src/tasks.ts']);
});

test('named modules are files, or folders of which all modules are taken', (t) => {
  const root = project(t, ['jobs/a.ts', 'jobs/a.test.ts', 'jobs/b.js', 'jobs/c.txt', 'x.mjs']);

  const { files } = namedTaskModules(['jobs', './x.mjs', join(root, 'jobs/b.js')], root);

  assert.deepEqual(
    files.map((file) => file.slice(root.length + 1)),
    ['jobs/a.ts', 'jobs/b.js', 'x.mjs', 'jobs/b.js'],
  );
});

test('a named module that does not exist is an error that names it', (t) => {
  const root = tempDir(t);

  assert.throws(() => namedTaskModules(['nowhere.ts'], root), {
    code: 'FSQ_NO_TASKS',
    message: new RegExp(`${root}/nowhere.ts does not exist`),
  });
});

test('root and configuration are the nearest upwards', (t) => {
  const root = project(t, ['package.json', 'fsq.config.mjs', 'app/package.json', 'app/src/x', 'fsq.config.json']);

  assert.equal(packageFolder(join(root, 'app/src')), join(root, 'app'));
  assert.equal(packageFolder(root), root);
  assert.equal(findConfigFile(join(root, 'app/src')), join(root, 'fsq.config.mjs'));
});

function found(root: string): string[] {
  return findTaskModules(root).files.map((file) => file.slice(root.length + 1));
}

function project(t: TestContext, files: readonly string[]): string {
  const root = tempDir(t);
  for (const name of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), '{}');
  }
  return root;
}
