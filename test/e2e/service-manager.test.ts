/** A worker and who started it: systemd, by its own program and a socket as it has, and a program that forked it. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until, within } from '../support/conditions.ts';
import { lacksProgram } from '../support/needs.ts';
import { fsq, REPOSITORY, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { notifySocket } from '../support/systemd.ts';

const TASKS = {
  'tasks.js': `
    import { existsSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { task } from 'fsq';
    task('env', () => Object.keys(process.env).filter((name) => /^(NOTIFY|WATCHDOG)_/.test(name)));
    task('held', async () => {
      while (!existsSync('go')) await sleep(5);
    });`,
};

describe('a worker whose start waits for READY=1', { skip: lacksProgram('systemd-notify', 'python3') }, () => {
  test('tells when it takes jobs, that it is well, and when it takes no more; its jobs cannot speak for it', async (t) => {
    const project = tempProject(t, TASKS);
    const { socket, messages } = await notifySocket(t, project.path);
    const { send } = sender(t, project);
    const held = await send('held', []);

    const worker = await startWorker(t, project, ['-c', '2', '-Q', 'default'], {
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' },
    });
    await until(() => messages.filter((text) => text === 'WATCHDOG=1').length >= 2, 'two signs of life');
    const names = await (await send('env', [])).get('20s');
    worker.kill('SIGTERM');
    await until(() => messages.at(-1)?.startsWith('STOPPING=1'), 'the worker tells that it ends, while a job runs');
    writeFileSync(join(project.path, 'go'), '');
    const { code } = await worker.ended;

    assert.equal(code, 0);
    assert.equal(messages[0], 'READY=1 STATUS=2 children, queues: default');
    assert.deepEqual(new Set(messages.slice(1, -1)), new Set(['WATCHDOG=1']));
    assert.deepEqual(names, []);
    assert.equal(await held.successful(), true);
  });

  test('that cannot load its tasks ends, and has not said that it is ready', async (t) => {
    const project = tempProject(t, { 'tasks.js': `throw new Error('half a deploy');` });
    const { socket, messages } = await notifySocket(t, project.path);

    const { code } = await fsq(project, ['worker', '-c', '1'], { env: { NOTIFY_SOCKET: socket } });

    assert.equal(code, 78);
    assert.deepEqual(messages, []);
  });
});

test('without the program systemd-notify a worker says so once, and works', async (t) => {
  const project = tempProject(t, TASKS);
  const { send } = sender(t, project);
  const result = await send('env', []);

  const { code, stderr } = await fsq(project, ['worker', '--burst', '-c', '1'], {
    env: { NOTIFY_SOCKET: join(project.path, 'notify'), PATH: project.path },
  });

  assert.equal(code, 0, stderr);
  assert.equal(
    stderr.match(/systemd could not be told READY=1: there is no program systemd-notify in PATH/g)?.length,
    1,
  );
  assert.deepEqual(await result.get('1s'), []);
});

test('a program that forked a worker gets the message ready, and the worker ends as ever', async (t) => {
  const project = tempProject(t, TASKS);
  const worker = fork(join(REPOSITORY, 'bin/fsq.js'), ['worker', '-c', '1', '-l', 'silent'], {
    cwd: project.path,
    env: { PATH: process.env['PATH'] ?? '' },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = once(worker, 'exit');
  t.after(() => void worker.kill('SIGKILL'));

  const [message] = await within(once(worker, 'message'), 'the message');
  worker.kill('SIGINT');

  assert.equal(message, 'ready');
  assert.deepEqual(await ended, [0, null]);
});
