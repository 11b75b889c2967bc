/** A worker whose terminal closes, or whose npm is killed: it finishes its jobs and ends, unless it was started to stay. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until, within } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { type Project, REPOSITORY, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `import { existsSync, writeFileSync } from 'node:fs';
import { task } from 'fsq';
task('waits', async () => {
  writeFileSync('begun', '');
  while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
});
task('add', (a, b) => a + b);
writeFileSync('worker.pid', String(process.ppid));
`;

function pidIn(at: Project): Promise<number> {
  const path = join(at.path, 'worker.pid');
  // The file is there for a moment before its text is.
  return until(() => existsSync(path) && (Number(readFileSync(path, 'utf8')) || false), 'the worker has a child');
}

test('SIGHUP, also twice, as when a terminal is closed: the job at hand ends, the worker ends with 0', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const result = await send('waits', []);
  await until(() => existsSync(join(at.path, 'begun')), 'the job runs');

  worker.kill('SIGHUP');
  await worker.printed(/SIGHUP: finishing the jobs at hand/);
  worker.kill('SIGHUP');
  mkdirSync(join(at.path, 'go'));
  const { code, signal, stderr } = await worker.ended;

  assert.deepEqual([code, signal], [0, null]);
  assert.doesNotMatch(stderr, /stopping now/);
  assert.equal(await result.state(), 'succeeded');
  assert.equal((await result.info())?.standing.attempt, 1);
});

describe(
  'a worker that was started to stay outlives a SIGHUP',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  () => {
    for (const [how, line] of [
      ['nohup, from bash', 'nohup "$0" "$1" worker -c 1 < /dev/null > log 2>&1'],
      [
        'nohup in a terminal, from a shell that names no program',
        'exec env -u _ script -qec \'exec env -u _ nohup "$NODE" "$BIN" worker -c 1\' /dev/null',
      ],
    ] as const) {
      test(how, async (t) => {
        const at = tempProject(t, { 'tasks.js': TASKS });
        const { send } = sender(t, at);
        shell(t, at, line);
        const pid = await pidIn(at);

        process.kill(pid, 'SIGHUP');

        assert.equal(await (await send('add', [1, 2])).get('20s'), 3);
        assert.ok(isProcessAlive(pid));
        process.kill(pid, 'SIGTERM');
        await until(() => !isProcessAlive(pid), 'it ends when it is told to');
      });
    }
  },
);

test(
  'npx is killed: the worker that it had started ends',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    mkdirSync(join(at.path, 'node_modules/.bin'));
    symlinkSync('../fsq/bin/fsq.js', join(at.path, 'node_modules/.bin/fsq'));
    const { send } = sender(t, at);
    const npx = shell(t, at, 'exec npx --no fsq worker -c 1 2> log');
    const pid = await pidIn(at);
    const result = await send('waits', []);
    await until(() => existsSync(join(at.path, 'begun')), 'the job runs');

    npx.kill('SIGKILL');
    await until(
      () =>
        /npm \(pid \d+\), which had started this worker, has ended/.test(readFileSync(join(at.path, 'log'), 'utf8')),
      'it is told',
    );
    mkdirSync(join(at.path, 'go'));

    await within(
      until(() => !isProcessAlive(pid), 'the worker ends'),
      'the end',
    );
    assert.equal(await result.state(), 'succeeded');
  },
);

function shell(t: TestContext, at: Project, line: string): ReturnType<typeof spawn> {
  const bin = join(REPOSITORY, 'bin/fsq.js');
  const child = spawn('bash', ['-c', line, process.execPath, bin], {
    cwd: at.path,
    env: { ...process.env, NODE: process.execPath, BIN: bin, FSQ_LOG_FORMAT: 'json' },
    stdio: 'ignore',
  });
  t.after(() => {
    child.kill('SIGKILL');
    const path = join(at.path, 'worker.pid');
    const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    if (pid > 0 && isProcessAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return child;
}
