/** Commands and programs with the address of a broker where nobody answers: each says so, makes no spool, and tells no password. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { fsq, type Project, run, runScript, tempProject } from '../support/project.ts';

const ID = '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3';
/** Nobody listens at port 1. */
const SHOWN = 'bullmq+redis://127.0.0.1:1/0';
const env = { FSQ_BROKER: 'bullmq+redis://somebody:s3cret@127.0.0.1:1' };
const TASKS = `import { task } from 'fsq';
export const add = task('add', async (a, b) => a + b);
`;

describe('where the broker does not answer, with an error that names it,', { concurrency: true }, () => {
  const commands = [
    ['init'],
    ['worker', '-c', '1'],
    ['drain', '-c', '1'],
    ['call', 'add', '1', '2'],
    ['exec', '--', 'true'],
    ['map', 'add'],
    ['status'],
    ['check'],
    ['metrics'],
    ['ls'],
    ['events'],
    ['show', ID],
    ['get', ID, '--timeout', '30s'],
    ['wait', ID],
    ['replay', ID],
    ['retry', ID],
    ['revoke', ID],
    ['forget', ID],
    ['pause', 'mail'],
    ['schedule', 'list'],
    ['doctor'],
  ];
  for (const args of commands) {
    test(`fsq ${args.join(' ')} ends`, async (t) => {
      const project = tempProject(t, { 'tasks.mjs': TASKS });

      const { code, stdout, stderr } = await fsq(project, args, { env });

      assert.ok(code !== null && code > 0, `${code}`);
      const told = stdout + stderr;
      assert.ok(told.includes('127.0.0.1:1'), told);
      assert.match(told, /\((?:FSQ_\w+|unreachable)\)/);
      refuseSecrets(told);
      assert.ok(!existsSync(project.spool), 'it made a spool');
    });
  }
});

test('a wrong address is told by its setting, and not shown', async (t) => {
  const project = tempProject(t, {});

  const { code, stderr } = await fsq(project, ['status'], { env: { FSQ_BROKER: 'redis://somebody:s3cret@db' } });

  assert.equal(code, 78);
  assert.match(stderr, /^fsq status: Expected FSQ_BROKER to be .* did you mean bullmq\+redis\?.*\(FSQ_CONFIG\)\n$/);
  refuseSecrets(stderr);
});

test('--spool means that spool, for a command, a worker, and what its tasks send', async (t) => {
  const project = tempProject(t, {
    'tasks.mjs': `${TASKS}export const twice = task('twice', async (n) => (await add.delay(n, n)).id);`,
    'fsq.config.json': JSON.stringify({ broker: env.FSQ_BROKER }),
  });

  const made = await fsq(project, ['init', '--spool', 'mine'], { env });
  const called = await fsq(project, ['call', 'twice', '2', '--spool', 'mine'], { env });
  const worked = await fsq(project, ['drain', '-c', '1', '--spool', 'mine'], { env });
  const listed = await fsq(project, ['status', '--json', '--spool', 'mine'], { env });

  assert.deepEqual([made.code, called.code, worked.code], [0, 0, 0], made.stderr + called.stderr + worked.stderr);
  const { spool, jobs } = JSON.parse(listed.stdout);
  assert.deepEqual([spool, jobs.succeeded ?? jobs.results], [join(project.path, 'mine'), 2], listed.stdout);
  assert.ok(!existsSync(project.spool));
});

test('a spool of the environment is stronger than the broker of the configuration, which is told', async (t) => {
  const project = tempProject(t, { 'fsq.config.json': JSON.stringify({ broker: env.FSQ_BROKER }) });

  const { code, stdout, stderr } = await fsq(project, ['init'], { env: { FSQ_SPOOL: 'mine' } });

  assert.equal(code, 0, stderr);
  assert.match(stdout, /made the spool .*mine/);
  assert.match(stderr, /`broker` in .*fsq\.config\.json is not used: FSQ_SPOOL is stronger/);
  refuseSecrets(stdout + stderr);
});

test('a configuration with a broker has types', async (t) => {
  const project = tempProject(t, {
    'fsq.config.ts': `import { defineConfig } from 'fsq';
export default defineConfig({ broker: process.env['JOBS'] ?? 'bullmq+redis://somebody:s3cret@127.0.0.1:1' });
`,
    'wrong.ts': `import { defineConfig } from 'fsq';
export default defineConfig({ broker: 6379 });
`,
  });

  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  const flags = ['--noEmit', '--module', 'nodenext', '--target', 'es2022', '--strict', '--types', 'node'];
  const types = join(import.meta.dirname, '../../node_modules/@types');
  const right = await run(project, tsc, [...flags, '--typeRoots', types, 'fsq.config.ts']);
  const wrong = await run(project, tsc, [...flags, '--typeRoots', types, 'wrong.ts']);
  const used = await fsq(project, ['status']);

  assert.equal(right.code, 0, right.stdout);
  assert.match(wrong.stdout, /wrong\.ts\(2,\d+\): error .*'number' is not assignable to type 'string/);
  assert.ok(used.stderr.includes(SHOWN) || used.stderr.includes('127.0.0.1:1'), used.stderr);
  refuseSecrets(used.stderr);
});

for (const fork of [false, true]) {
  test(`a test with a temporary spool never asks the broker, with fork: ${fork}`, async (t) => {
    const project = tempProject(t, {
      'tasks.mjs': TASKS,
      'in-test.mjs': `import assert from 'node:assert/strict';
import { temporarySpool } from 'fsq/testing';
import { add } from './tasks.mjs';
const spool = await temporarySpool({ fork: ${fork} });
assert.equal(await add.run(1, 2), 3);
assert.equal(await (await add.delay(2, 3)).get({ timeout: 30_000 }), 5);
await spool.close();
await assert.rejects(add.delay(1, 1), { code: 'FSQ_TESTING' });
console.log('done');
`,
    });

    const { code, stdout, stderr } = await runScript(project, 'in-test.mjs', { env });

    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'done\n', stderr: '' });
  });
}

test('a program hears of it where it sends, and may send on once the broker is there', async (t) => {
  const project: Project = tempProject(t, {
    'tasks.mjs': TASKS,
    'send.mjs': `import { add } from './tasks.mjs';
for (let i = 0; i < 2; i++)
  await add.delay(1, 2).catch((error) => console.log(error.code?.startsWith('FSQ_'), String(error.stack)));
`,
  });

  const { code, stdout, stderr } = await runScript(project, 'send.mjs', { env });

  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/^true /gm)?.length, 2, stdout);
  refuseSecrets(stdout + stderr);
});

function refuseSecrets(text: string): void {
  assert.doesNotMatch(text, /s3cret|somebody/);
}
