/** `fsq worker --watch`: new code without a restart, and no job lost on the way. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { assertInvariants } from '../support/invariants.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { task } from 'fsq';
import { value } from './lib/value.ts';
export const what = task('what', () => value);
export const hold = task('hold', async () => { while (!existsSync('go')) await wait(10); return value; });
`;
const TS_VALUE = (value: string): string => `export const value: string = '${value}';\n`;

/** As editors do it: a new file in place of the old one. */
function put(at: Project, name: string, text: string): void {
  mkdirSync(dirname(join(at.path, name)), { recursive: true });
  writeFileSync(join(at.path, `${name}.new`), text);
  renameSync(join(at.path, `${name}.new`), join(at.path, name));
}

test('children start anew when what a task module imports has changed, and the old ones finish their jobs', async (t) => {
  const at = tempProject(t, { 'tasks.ts': TASKS, 'lib/value.ts': TS_VALUE('old') });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2', '--watch']);
  const held = await send('hold', []);
  await until(async () => (await held.state()) === 'running', 'the job runs');

  put(at, 'lib/value.ts', TS_VALUE('new'));
  await worker.printed(/lib\/value\.ts has changed/);
  await until(async () => (await (await send('what', [])).get('20s')) === 'new', 'a new child runs jobs');
  writeFileSync(join(at.path, 'go'), '');

  assert.equal(await held.get('20s'), 'old');
  assert.equal((await held.info())?.standing.attempt, 1);
  await worker.stop();
  assert.equal(worker.stderr().match(/has changed/g)?.length, 1, worker.stderr());
  await assertInvariants(at.spool);
});

test('jobs that are sent while modules change again and again all run, once each', async (t) => {
  const at = tempProject(t, { 'tasks.ts': TASKS, 'lib/value.ts': TS_VALUE('0') });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2', '--watch']);

  const sent = [];
  for (let round = 1; round <= 4; round++) {
    put(at, 'lib/value.ts', TS_VALUE(String(round)));
    for (let i = 0; i < 25; i++) sent.push(await send('what', []));
    await worker.printed(new RegExp(`(has changed[^]*){${round}}`));
  }
  const infos = await Promise.all(
    sent.map(async (result) => {
      await result.get('20s');
      return result.info();
    }),
  );

  assert.deepEqual(new Set(infos.map((info) => info?.standing.attempt)), new Set([1]));
  await worker.stop();
  assertAtRest(at.spool, { results: 100 });
  await assertInvariants(at.spool);
});

test('a module that cannot be loaded is told once, and again when it has changed; then jobs run', async (t) => {
  const at = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\nexport const one = task('one', () => 1);\n` });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2', '--watch']);

  put(at, 'tasks.mjs', 'throw new Error("half of it");\n');
  await worker.printed(/cannot be loaded[^]*half of it/);
  const waiting = await send('two', []);
  put(at, 'tasks.mjs', 'throw new Error("three quarters");\n');
  await worker.printed(/cannot be loaded[^]*three quarters/);
  put(at, 'tasks.mjs', `import { task } from 'fsq';\nexport const two = task('two', () => 2);\n`);

  assert.equal(await waiting.get('20s'), 2);
  assert.equal(worker.stderr().match(/half of it/g)?.length, 1, worker.stderr());
  assert.equal((await worker.stop()).code, 0);
});

test('a worker whose modules cannot be loaded at its start waits until they can, also for one that is missing', async (t) => {
  const at = tempProject(t, { 'tasks.mjs': `import './later.mjs';\n` });
  const { send } = sender(t, at);
  const started = startWorker(t, at, ['-c', '1', '--watch']);
  const waiting = await send('late', []);

  writeFileSync(
    join(at.path, 'later.mjs'),
    `import { task } from 'fsq';\nexport const late = task('late', () => 'here');\n`,
  );
  await started;

  assert.equal(await waiting.get('20s'), 'here');
});

const named = (name: string): string =>
  `import { task } from 'fsq';\nexport default task('${name}', () => '${name}');\n`;

describe('a task module that was found and goes drops out, and the others run on:', () => {
  const cases: readonly [string, (at: Project) => void, string][] = [
    ['it is removed', (at) => rmSync(join(at.path, 'tasks.js')), 'one'],
    ['it gets another name', (at) => renameSync(join(at.path, 'tasks/one.js'), join(at.path, 'tasks/two.js')), 'one'],
    ['its folder is removed', (at) => rmSync(join(at.path, 'tasks'), { recursive: true }), 'root'],
    ['its folder becomes a project of its own', (at) => put(at, 'sub/package.json', '{}'), 'one'],
  ];
  for (const [how, change, task] of cases) {
    test(how, async (t) => {
      const at = tempProject(t, {
        'tasks.js': named('root'),
        'tasks/one.js': named('one'),
        'sub/tasks.js': named('other'),
      });
      const { send } = sender(t, at);
      const worker = await startWorker(t, at, ['-c', '1', '--watch']);

      change(at);
      await worker.printed(/has changed/);

      assert.equal(await (await send(task, [])).get('20s'), task);
      const { stderr } = await worker.stop();
      assert.doesNotMatch(stderr, /cannot be loaded|exited with/);
      assert.equal(stderr.match(/has changed/g)?.length, 1, stderr);
    });
  }
});

test('where the last task module goes the worker waits for another one', async (t) => {
  const at = tempProject(t, { 'tasks.js': named('first') });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--watch']);

  rmSync(join(at.path, 'tasks.js'));
  await worker.printed(/cannot be loaded[^]*tasks\.js/);
  put(at, 'src/tasks.js', named('second'));

  assert.equal(await (await send('second', [])).get('20s'), 'second');
});

test('a new task module is found, and one that is a link into a folder that is replaced', async (t) => {
  const at = tempProject(t, { '..1/tasks.mjs': named('first'), '..2/other.mjs': named('second') });
  symlinkSync('..1', join(at.path, '..data'));
  symlinkSync('..data/tasks.mjs', join(at.path, 'tasks.mjs'));
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--watch']);
  assert.equal(await (await send('first', [])).get('20s'), 'first');

  renameSync(join(at.path, '..2/other.mjs'), join(at.path, '..2/tasks.mjs'));
  symlinkSync('..2', join(at.path, '..data_tmp'));
  renameSync(join(at.path, '..data_tmp'), join(at.path, '..data'));
  assert.equal(await (await send('second', [])).get('20s'), 'second');

  writeFileSync(join(at.path, 'tasks.js'), named('third'));
  assert.equal(await (await send('third', [])).get('20s'), 'third');
  await worker.stop();
});

test('a task that sends its worker messages of its own does not end it', async (t) => {
  const at = tempProject(t, {
    'tasks.mjs': `import { task } from 'fsq';
      export default task('say', () => process.send({ 'watch:import': ['file:///a%2Fb', 'file://host/c', 'd'] }) && process.ppid);`,
  });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--watch']);

  const first = await (await send('say', [])).get('20s');

  assert.equal(await (await send('say', [])).get('20s'), first);
  assert.equal((await worker.stop()).code, 0);
});

test('--watch is for workers that go on', async (t) => {
  const at = tempProject(t, { 'tasks.mjs': '' });

  const { code, stderr } = await fsq(at, ['worker', '--watch', '--burst']);

  assert.equal(code, 2);
  assert.match(stderr, /--watch or --burst, got both/);
});
