/** `fsq exec` by real command lines. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { fsq, type Project, type Ran, startWorker, tempProject } from '../support/project.ts';

function textOf(project: Project, name: string): string | null {
  try {
    return readFileSync(join(project.path, name), 'utf8');
  } catch {
    return null;
  }
}

/** A shell that writes down the process ids of itself and of what it started, and then waits. */
const WAITING = 'sleep 600 & echo "$$ $!" > pids.tmp; mv pids.tmp pids.txt; wait';

async function pidsOf(project: Project): Promise<readonly number[]> {
  const text = await until(() => textOf(project, 'pids.txt') || null, 'the command has started');
  return text.trim().split(' ').map(Number);
}

async function areGone(pids: readonly number[]): Promise<void> {
  await until(() => !pids.some(isProcessAlive), 'the command and what it started are gone');
}

/** Runs a shell until its limit, the shortest at which it has begun by then: a machine takes a while to start a command. */
async function limited(project: Project, option: string, script: string): Promise<Ran & { pids: readonly number[] }> {
  for (let limitMs = 500; ; limitMs *= 2) {
    const ran = await fsq(project, ['exec', option, `${limitMs}ms`, '--wait', '--', 'sh', '-c', script]);
    if (textOf(project, 'pids.txt') === null && limitMs < 10_000) continue;
    const pids = await pidsOf(project);
    rmSync(join(project.path, 'pids.txt'));
    return { ...ran, pids };
  }
}

/** No task module: a worker that runs commands needs none. */
async function sceneWith(t: TestContext, ...args: readonly string[]): Promise<Project> {
  const project = tempProject(t, {});
  await startWorker(t, project, ['-c', '1', '--allow-exec', ...args]);
  return project;
}

describe('fsq exec --wait', () => {
  test('prints what the command prints, each on its stream, and exits as it does; it runs here, without a shell', async (t) => {
    const project = await sceneWith(t);
    const sh = 'echo "out $1 $A $(pwd)"; printf "bad \\033[2J" >&2; exit 3';

    const ran = await fsq(project, ['exec', '--wait', '--env', 'A=b c', '--', 'sh', '-c', sh, 'x', '$HOME; *']);
    const good = await fsq(project, ['exec', '--wait', '--cwd', '/', '--', 'pwd']);

    assert.deepEqual([ran.code, ran.stdout], [3, `out $HOME; * b c ${project.path}\n`]);
    assert.equal(ran.stderr, 'bad \\u{1b}[2J\n');
    assert.deepEqual([good.code, good.stdout, good.stderr], [0, '/\n', '']);
  });

  test('exits with 127 when there is no such command, 128 and the signal when one ended it, 124 when the time is over', async (t) => {
    const project = await sceneWith(t);

    const missing = await fsq(project, ['exec', '--wait', '--', 'no-such-command']);
    const killed = await fsq(project, ['exec', '--wait', '--', 'sh', '-c', 'kill -9 $$']);
    const late = await fsq(project, ['exec', '--timeout', '100ms', '--', 'sh', '-c', WAITING]);

    assert.deepEqual([missing.code, killed.code, late.code], [127, 137, 124]);
    assert.match(missing.stderr, /^fsq exec: no-such-command could not be started: there is no such command/);
    assert.match(killed.stderr, /^fsq exec: sh -c kill -9 \$\$ was ended by SIGKILL\n$/);
    const id = /Job (\S+) has no outcome yet/.exec(late.stderr)?.[1] ?? '';
    const pids = await pidsOf(project);
    assert.equal((await fsq(project, ['revoke', id])).code, 0);
    await areGone(pids);
  });
});

describe('a command is ended, with all that it has started,', () => {
  test('by SIGTERM at the soft time limit, where it may say a last word, and killed at the other', async (t) => {
    const project = await sceneWith(t);

    const soft = await limited(project, '--soft-time-limit', `trap "echo bye; exit 0" TERM; ${WAITING}`);
    const hard = await limited(project, '--time-limit', `trap "" TERM; ${WAITING}`);

    assert.deepEqual([soft.code, soft.stdout, hard.code], [1, 'bye\n', 1]);
    for (const { stderr, pids } of [soft, hard]) {
      assert.match(stderr, /FSQ_TIME_LIMIT/);
      await areGone(pids);
    }
  });

  test('with its worker, however that ends', async (t) => {
    const project = tempProject(t, {});
    const worker = await startWorker(t, project, ['-c', '1', '--allow-exec']);
    await fsq(project, ['exec', '--', 'sh', '-c', WAITING]);
    const pids = await pidsOf(project);

    worker.kill('SIGQUIT');

    await worker.ended;
    await areGone(pids);
  });
});

test('a worker runs no command unless it was told to: the job waits, and is told why', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': "import { task } from 'fsq'; task('nothing', () => null);" });
  await startWorker(t, project, ['-c', '1']);

  const sent = await fsq(project, ['exec', '--', 'touch', 'ran.txt']);

  const id = sent.stdout.trim();
  assert.match(sent.stderr, /No running worker allows commands\. .*`fsq worker --allow-exec`/);
  const shown = await until(async () => {
    const { stdout } = await fsq(project, ['show', id]);
    return stdout.includes('parked') && stdout;
  }, 'it is parked');
  assert.match(shown, /no worker here knows task fsq:exec; one that was started with --allow-exec does/);
  assert.equal(textOf(project, 'ran.txt'), null);
  const drained = await fsq(project, ['drain', '-c', '1', '--allow-exec']);
  assert.deepEqual([drained.code, textOf(project, 'ran.txt')], [0, '']);
  const value = await fsq(project, ['get', id]);
  assert.deepEqual(JSON.parse(value.stdout), { exitCode: 0, signal: null });
});

test('names of tasks that begin with fsq: are its own', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': "import { task } from 'fsq'; task('fsq:exec', () => null);" });

  const { code, stderr } = await fsq(project, ['worker', '-c', '1', '--burst']);

  assert.equal(code, 78);
  assert.match(stderr, /Expected another name than fsq:exec: those that begin with fsq: are fsq's own/);
});
