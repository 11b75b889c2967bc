/** What `fsq/testing` leaves behind when a test passes, fails, or its process is killed: nothing that runs, and no folder but then. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { type Project, run, tempProject } from '../support/project.ts';

const TASKS = `
import { task } from 'fsq';
export const add = task('add', (a, b) => a + b);
export const hang = task('hang', () => new Promise(() => setInterval(() => undefined, 1_000)));
export const pid = task('pid', () => process.pid);
`;

for (const [how, options] of [
  ['in its process', '{}'],
  ['forked', `{ fork: true, tasks: ['tasks.mjs'] }`],
] as const) {
  test(`after tests that pass, fail and throw, with a worker ${how}, their program ends and no folder is left`, async (t) => {
    const project = projectWith(t, {
      'some.test.mjs': `
        import assert from 'node:assert/strict';
        import test from 'node:test';
        import { temporarySpool } from 'fsq/testing';
        import { add } from './tasks.mjs';
        for (const name of ['passes', 'fails', 'passes again'])
          test(name, async (t) => {
            const spool = await temporarySpool(t, ${options});
            const result = await add.delay(1, 2);
            await add.applyAsync([1, 2], { countdown: '1h' });
            assert.equal(await result.get('20s'), name === 'fails' ? 4 : 3);
          });`,
    });

    const { code, stdout } = await run(project, process.execPath, ['--test', '--test-reporter=tap', 'some.test.mjs'], {
      env: { TMPDIR: join(project.path, 'tmp') },
    });

    assert.equal(code, 1, stdout);
    assert.match(stdout, /^# pass 2$/m);
    assert.match(stdout, /^# fail 1$/m);
    assert.deepEqual(readdirSync(join(project.path, 'tmp')), []);
    assert.equal(existsSync(project.spool), false);
  });

  test(`a program with a worker ${how} and a job that never ends ends once its spool is closed`, async (t) => {
    const project = projectWith(t, {
      'main.mjs': `
        import { temporarySpool } from 'fsq/testing';
        import { hang } from './tasks.mjs';
        const spool = await temporarySpool(${options});
        const result = await hang.delay();
        while ((await result.state()) !== 'running') await new Promise((resolve) => setImmediate(resolve));
        await spool.close();
        console.log('closed');
        if (${options}.fork !== true) process.exit(); // The function of the task goes on.`,
    });

    const { code, stdout, stderr } = await run(project, process.execPath, ['main.mjs'], {
      env: { TMPDIR: join(project.path, 'tmp') },
    });

    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'closed\n' }, stderr);
    assert.deepEqual(readdirSync(join(project.path, 'tmp')), []);
  });
}

test('children end with the process of their test, also when that is killed', async (t) => {
  const project = projectWith(t, {
    'main.mjs': `
      import { temporarySpool } from 'fsq/testing';
      import { pid } from './tasks.mjs';
      await temporarySpool({ fork: true, tasks: ['tasks.mjs'] });
      console.log(await (await pid.delay()).get());
      setInterval(() => undefined, 1_000);`,
  });
  const program = spawn(process.execPath, ['main.mjs'], {
    cwd: project.path,
    env: { ...process.env, TMPDIR: join(project.path, 'tmp') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => program.kill('SIGKILL'));
  const [line] = (await once(program.stdout, 'data')) as [Buffer];
  const child = Number(line.toString());

  program.kill('SIGKILL');

  assert.ok(child > 0 && child !== program.pid);
  await until(() => !existsSync(`/proc/${child}`), 'the child is gone');
});

/** With an empty folder `tmp`, for what the program puts into its temporary folder. */
function projectWith(t: TestContext, files: Readonly<Record<string, string>>): Project {
  const project = tempProject(t, { 'tasks.mjs': TASKS, ...files });
  mkdirSync(join(project.path, 'tmp'));
  return project;
}
