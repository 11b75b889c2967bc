/** `fsq tasks` and `fsq init` in a user's project. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fsq, tempProject } from '../support/project.ts';

const ADD = `import { task } from 'fsq';

export const add = task('add', async (a: number, b: number) => a + b);
`;

describe('fsq tasks', () => {
  test('lists each task with the place in the user’s file, also where a loader rewrites stack traces', async (t) => {
    const project = tempProject(t, { 'tasks.ts': ADD });

    const { code, stdout, stderr } = await fsq(project, ['tasks']);

    assert.equal(stderr, '');
    assert.match(stdout, /^TASK +DEFINED AT\nadd +tasks\.ts:3\n$/);
    assert.equal(code, 0);
  });

  test('--json gives one document', async (t) => {
    const project = tempProject(t, { 'tasks.ts': ADD });

    const { stdout } = await fsq(project, ['tasks', '--json']);

    assert.deepEqual(JSON.parse(stdout), [{ name: 'add', definedAt: `${join(project.path, 'tasks.ts')}:3` }]);
  });

  test('one name in two files is an error that names both', async (t) => {
    const project = tempProject(t, { 'tasks/one.ts': ADD, 'tasks/two.ts': `\n${ADD}` });

    const { code, stderr } = await fsq(project, ['tasks']);

    assert.match(stderr, /add is registered twice: at .*one\.ts:3 and at .*two\.ts:4.*\(FSQ_DUPLICATE_TASK\)/);
    assert.equal(code, 78);
  });

  test('a delay() at import is refused with its line, and nothing is sent', async (t) => {
    const project = tempProject(t, { 'tasks.ts': `${ADD}await add.delay(1, 2);\n` });

    const { code, stderr } = await fsq(project, ['tasks']);

    assert.match(stderr, /tasks\.ts:4.*\(FSQ_DELAY_AT_IMPORT\)/);
    assert.equal(code, 78);
    assert.equal(existsSync(project.spool), false);
  });

  test('without a task module it says what was searched', async (t) => {
    const { code, stdout, stderr } = await fsq(tempProject(t, {}), ['tasks']);

    assert.match(stderr, /Found no task module\. Looked for:\n.*tasks\.\{ts,mts,js,mjs,cjs\}/);
    assert.deepEqual([code, stdout], [78, '']);
  });

  test('modules that register nothing are named', async (t) => {
    const { code, stderr } = await fsq(tempProject(t, { 'tasks.mjs': 'export {};\n' }), ['tasks']);

    assert.match(stderr, /register no task.*\n.*tasks\.mjs \(FSQ_NO_TASKS\)/);
    assert.equal(code, 78);
  });

  test('what a module prints, holds open or throws does not disturb the list', async (t) => {
    const talks = `import { task } from 'fsq';\nconsole.log('hello');\nsetInterval(() => {}, 1000);\ntask('t', () => 1);\n`;
    const listed = await fsq(tempProject(t, { 'tasks.mjs': talks }), ['tasks', '--json']);
    const threw = await fsq(tempProject(t, { 'tasks.mjs': `throw new Error('no database');\n` }), ['tasks']);
    const exited = await fsq(tempProject(t, { 'tasks.mjs': `process.exit(0);\n` }), ['tasks']);

    assert.equal((JSON.parse(listed.stdout) as unknown[]).length, 1);
    assert.match(listed.stderr, /hello/);
    assert.match(threw.stderr, /no database(.|\n)*tasks\.mjs:1(.|\n)*\(FSQ_IMPORT_FAILED\)/);
    assert.match(
      exited.stderr,
      /exited with 0 while it imported \S+\/tasks\.mjs: the module ended the process.*\(FSQ_IMPORT_FAILED\)/,
    );
    assert.deepEqual([listed.code, threw.code, exited.code], [0, 78, 78]);
  });
});

describe('fsq init', () => {
  for (const [what, manifest, files, written] of [
    ['that is a dependency', '{"devDependencies":{"nodemon":"^3"}}', {}, true],
    ['that a script runs with npx', '{"scripts":{"dev":"npx nodemon app.js"}}', {}, true],
    ['that has a file of its own', '{"devDependencies":{"nodemon":"^3"}}', { 'nodemon.json': '{}' }, false],
    ['that is configured in package.json', '{"scripts":{"dev":"nodemon"},"nodemonConfig":{"delay":1}}', {}, false],
  ] as const)
    test(`keeps nodemon ${what} from restarting at each job`, async (t) => {
      const project = tempProject(t, { 'package.json': manifest, ...files });

      const { stdout } = await fsq(project, ['init']);

      const made = join(project.path, 'nodemon.json');
      if (written) assert.deepEqual(JSON.parse(readFileSync(made, 'utf8')), { ignore: ['spool/'] });
      assert.match(
        stdout,
        written ? /^made nodemon\.json, so that/m : /^add "spool\/" to `ignore` in the configuration/m,
      );
    });

  test('leaves projects without nodemon as they are', async (t) => {
    const project = tempProject(t, {});

    const { stdout } = await fsq(project, ['init']);

    assert.doesNotMatch(stdout, /nodemon/);
    assert.equal(existsSync(join(project.path, 'nodemon.json')), false);
  });

  test('makes a spool and a first task that works, and then changes nothing any more', async (t) => {
    const project = tempProject(t, {});

    const first = await fsq(project, ['init']);
    const text = readFileSync(join(project.path, 'tasks.ts'), 'utf8');
    const second = await fsq(project, ['init']);
    const tasks = await fsq(project, ['tasks']);

    assert.match(first.stdout, /made the spool .*spool\nmade tasks\.ts/);
    assert.match(first.stdout, /npx fsq worker\n(.|\n)*npx fsq call add 1 2 --wait\n$/);
    assert.match(second.stdout, /is there already\ntask modules: tasks\.ts\n/);
    assert.equal(readFileSync(join(project.path, 'tasks.ts'), 'utf8'), text);
    assert.match(tasks.stdout, /add +tasks\.ts:3/);
    assert.deepEqual([first.code, second.code, first.stderr, second.stderr], [0, 0, '', '']);
  });

  test('leaves a project that has tasks alone', async (t) => {
    const project = tempProject(t, { 'src/tasks.ts': ADD });

    const { stdout, code } = await fsq(project, ['init']);

    assert.match(stdout, /task modules: src\/tasks\.ts/);
    assert.equal(existsSync(join(project.path, 'tasks.ts')), false);
    assert.equal(existsSync(join(project.spool, 'fsq.json')), true);
    assert.equal(code, 0);
  });

  test('writes JavaScript where nothing could load TypeScript', async (t) => {
    const project = tempProject(t, { 'package.json': '{"name":"project"}' });
    rmSync(join(project.path, 'node_modules/tsx'));

    await fsq(project, ['init']);
    const { stdout } = await fsq(project, ['tasks']);

    assert.match(stdout, /add +tasks\.(mjs|ts):3/);
  });

  test('a path where no spool can be made is exit 75', async (t) => {
    const project = tempProject(t, { file: '' });

    const { code, stderr } = await fsq(project, ['init', '--spool', 'file/spool']);

    assert.match(stderr, /^fsq init: The spool .* cannot be used: ENOTDIR.*\(FSQ_SPOOL\)\n$/);
    assert.equal(code, 75);
  });
});
