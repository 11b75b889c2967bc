/** The file of examples/pm2: the worker is started as pm2 starts it, and, where pm2 is installed, by pm2 itself. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readDuration } from '../../src/job/units.ts';
import { until, within } from '../support/conditions.ts';
import { lacksProgram } from '../support/needs.ts';
import { type Project, REPOSITORY, run, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const EXAMPLE = join(REPOSITORY, 'examples/pm2');
const TASKS = {
  'tasks.js': `
    import { appendFileSync, existsSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { task } from 'fsq';
    task('held', async () => {
      appendFileSync('begun.txt', '.');
      while (!existsSync('go')) await sleep(5);
    });
    task('step', async (n) => {
      appendFileSync('starts.txt', n + '\\n');
      await sleep(20);
    });`,
};
/** Jobs for the trial with pm2 itself. */
const MANY = 200;

interface AppEntry {
  readonly script: string;
  readonly args: string;
  readonly exec_mode: string;
  readonly kill_timeout: number;
  readonly treekill: boolean;
  readonly env: Readonly<Record<string, string>>;
}

const { apps } = createRequire(import.meta.url)(join(EXAMPLE, 'ecosystem.config.cjs')) as {
  readonly apps: readonly AppEntry[];
};
const entry = apps[0] ?? assert.fail('the file has no app');

test('the worker gives up before pm2 kills it, and only the worker is told to stop', () => {
  const shutdownMs = readDuration(entry.env['FSQ_SHUTDOWN_TIMEOUT']) ?? Number.POSITIVE_INFINITY;

  assert.ok(entry.kill_timeout - shutdownMs >= 5_000, `${entry.kill_timeout} and ${shutdownMs} ms`);
  assert.deepEqual([entry.exec_mode, entry.treekill], ['fork', false]);
});

test('as pm2 starts it, the worker says ready, and finishes its job after SIGINT', async (t) => {
  const project = tempProject(t, TASKS);
  const { send } = sender(t, project);
  const held = await send('held', []);
  const worker = fork(join(project.path, entry.script), entry.args.split(' '), {
    cwd: project.path,
    env: { PATH: process.env['PATH'] ?? '', ...entry.env, FSQ_CONCURRENCY: '1' },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  t.after(() => void worker.kill('SIGKILL'));
  const ended = once(worker, 'exit');

  const [message] = await within(once(worker, 'message'), 'the message');
  await until(async () => (await held.state()) === 'running', 'the job runs');
  worker.kill('SIGINT');
  writeFileSync(join(project.path, 'go'), '');

  assert.equal(message, 'ready');
  assert.deepEqual(await ended, [0, null]);
  assert.equal(await held.state(), 'succeeded');
});

test(
  'pm2 itself starts, reloads and stops workers, and no job is lost or runs twice',
  {
    skip: lacksProgram('pm2'),
    timeout: 120_000,
  },
  async (t) => {
    const project = tempProject(t, TASKS);
    cpSync(EXAMPLE, project.path, { recursive: true });
    const pm2 = pm2In(t, project);
    const { send } = sender(t, project);
    const numbers = Array.from({ length: MANY }, (_, i) => i);

    await pm2('start', 'ecosystem.config.cjs');
    const sent = await Promise.all(numbers.map((n) => send('step', [n])));
    await pm2('reload', 'fsq');
    await pm2('stop', 'fsq');
    await pm2('start', 'fsq');
    await Promise.all(sent.map((result) => result.get('30s')));

    const starts = readFileSync(join(project.path, 'starts.txt'), 'utf8').trimEnd().split('\n').map(Number);
    assert.deepEqual(
      starts.toSorted((a, b) => a - b),
      numbers,
    );
  },
);

/** pm2 with a daemon of its own, which ends after the test. */
function pm2In(t: TestContext, project: Project): (...args: readonly string[]) => Promise<void> {
  const env = { PM2_HOME: join(project.path, 'pm2'), FSQ_SPOOL: project.spool };
  const pm2 = async (...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await run(project, 'pm2', args, { env, timeoutMs: 60_000 });
    assert.equal(code, 0, stdout + stderr);
  };
  t.after(() => pm2('kill'));
  return pm2;
}
