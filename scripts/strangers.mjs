/**
 * Runs fsq inside the test runners that give each file a realm of its own, with a real worker beside them: Jest, and vitest in all its
 * pools. Each must pass the same cases. It installs the runners from the network; the last line says what was counted.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNNERS = ['jest@30', 'vitest@3'];
/** Ours without FSQ_*: a stranger has the default settings. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('FSQ_') && name !== 'NODE_OPTIONS'),
);
const PATIENCE_MS = 120_000;

const TASKS = `
module.exports = ({ task }) => ({
  add: task('add', (a, b) => a + b),
  fail: task('fail', () => { throw Object.assign(new RangeError('too far'), { code: 'E_FAR' }); }),
  any: task('any', () => Promise.any([Promise.reject(new Error('left'))])),
});
`;

/** For both runners: with `fsq` as it came to them, by import or require. */
const CASES = `
module.exports = (fsq, { temporarySpool }) => {
  const tasks = require('./define.js')(fsq);
  const { spawn } = require('node:child_process');
  const assert = require('node:assert');
  let worker;
  beforeAll(() => {
    worker = spawn(process.execPath, ['node_modules/fsq/bin/fsq.js', 'worker', '-c', '1', '-l', 'error'], { stdio: 'inherit' });
  });
  afterAll(() => new Promise((resolve) => { worker.on('exit', resolve); worker.kill(); }));
  const reason = (promise) => promise.then(() => assert.fail('it resolved'), (error) => error);

  test('a job goes to the worker and comes back', async () => {
    expect(await (await tasks.add.delay(1, 2)).get('20s')).toBe(3);
  });
  test('what the task threw is a TaskError with all of it', async () => {
    const error = await reason((await tasks.fail.delay()).get('20s'));
    expect(error).toBeInstanceOf(fsq.TaskError);
    expect(error).toBeInstanceOf(fsq.FsqError);
    expect([error.remoteName, error.message, error.remoteCode]).toEqual(['RangeError', 'too far', 'E_FAR']);
  });
  test('the errors of Promise.any come along', async () => {
    const error = await reason((await tasks.any.delay()).get('20s'));
    expect(error.remoteErrors.map(({ message }) => message)).toEqual(['left']);
  });
  test('a job that nobody sent is unknown', async () => {
    const error = await reason(fsq.result('01a20337-3448-7000-9b98-e5b52532db7e').get('1s'));
    expect(error).toBeInstanceOf(fsq.UnknownJobError);
  });
  test('waiting ends at its time limit, and by a signal of this realm', async () => {
    const handle = await tasks.add.applyAsync([1, 2], { countdown: '1h' });
    expect(await reason(handle.get('50ms'))).toBeInstanceOf(fsq.TimeoutError);
    expect((await reason(handle.get({ signal: AbortSignal.abort() }))).name).toBe('AbortError');
    expect(await handle.revoke()).toBe('revoked');
  });
  test('dates, plain objects and arrays of this realm are what they are', async () => {
    const handle = await tasks.add.applyAsync([[1], { a: 1 }], { eta: new Date(0), expires: new Date(Date.now() + 60_000) });
    expect(typeof (await handle.get('20s'))).toBe('string');
    expect((await reason(tasks.add.delay(new Date(), 1))).message).toMatch(/is a Date/);
  });
  test('a temporary spool has forked children that run the jobs', async () => {
    const spool = await temporarySpool({ fork: true, tasks: ['tasks.js'] });
    try {
      expect(await (await tasks.add.delay(1, 2)).get('20s')).toBe(3);
      expect(await spool.drain()).toMatchObject({ succeeded: 1 });
    } finally {
      await spool.close();
    }
    expect(await (await tasks.add.delay(3, 4)).get('20s')).toBe(7);
  });
  test('with alwaysEager what this realm throws comes back whole', async () => {
    const eager = fsq.createApp({ alwaysEager: true });
    const own = eager.task('own', { retries: 1, retryOn: TypeError }, () => { throw new TypeError('mine'); });
    const error = await reason((await own.delay()).get());
    expect([error.remoteName, error.message, error.attempts]).toEqual(['TypeError', 'mine', 2]);
  });
};
`;

/** The examples of docs/testing.md, as they stand there, by the names in their first lines. */
const EXAMPLES = Object.fromEntries(
  [...readFileSync(join(ROOT, 'docs/testing.md'), 'utf8').matchAll(/^```\w+\n(\/\/ ([\w.]+)\n[^]*?)^```$/gm)].map(
    ([, text, name]) => [`examples/${name}`, text],
  ),
);

const FILES = {
  ...EXAMPLES,
  'package.json': '{ "name": "stranger", "private": true, "type": "commonjs" }',
  'define.js': TASKS,
  'tasks.js': `require('./define.js')(require('fsq'));\n`,
  'cases.js': CASES,
  'jest.test.js': `require('./cases.js')(require('fsq'), require('fsq/testing'));\n`,
  'requires.cjs': `require('fsq');\n`,
  'vitest.test.mjs': `import * as fsq from 'fsq';
import * as testing from 'fsq/testing';
import './requires.cjs';
import { createRequire } from 'node:module';
createRequire(import.meta.url)('./cases.js')(fsq, testing);\n`,
  'jest.config.json': '{ "testMatch": ["**/jest.test.js", "**/*.jest.test.cjs"], "testTimeout": 30000 }',
  'vitest.config.mjs': `export default { test: { globals: true, include: ['vitest.test.mjs', 'examples/*.vitest.test.ts'], testTimeout: 30000 } };\n`,
};

const folder = mkdtempSync(join(tmpdir(), 'fsq-strangers-'));
let failed = 0;
let passed = 0;
try {
  prepare();
  check('Jest', ['jest', '--ci', '--config', 'jest.config.json']);
  for (const pool of ['threads', 'forks', 'vmThreads', 'vmForks'])
    check(`vitest, ${pool}`, ['vitest', 'run', '--pool', pool]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function prepare() {
  mkdirSync(join(folder, 'examples'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', ...RUNNERS], folder);
  const own = join(folder, 'node_modules', 'fsq');
  mkdirSync(own);
  for (const part of ['package.json', 'bin', 'dist', 'testing'])
    cpSync(join(ROOT, part), join(own, part), { recursive: true });
}

function check(name, [program, ...args]) {
  rmSync(join(folder, 'spool'), { recursive: true, force: true });
  const { status, output } = attempt(join(folder, 'node_modules', '.bin', program), args, folder);
  if (status === 0) passed++;
  else failed++;
  console.log(status === 0 ? `ok ${name}` : `not ok ${name}\n${output}`);
}

function run(program, args, cwd) {
  const { status, output } = attempt(program, args, cwd);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${output}`);
}

function attempt(program, args, cwd) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: ENV,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  return { status, output: `${stdout}${stderr}` };
}
