/** `fsq wait`, by real command lines. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { returned, threw } from '../support/factory.ts';
import { fsq, type Project, REPOSITORY, startWorker, tempProject } from '../support/project.ts';

const TASKS = {
  'tasks.mjs': `import { task } from 'fsq';
export const ok = task('ok', () => 42);
export const bad = task('bad', () => { throw new Error('no \\u001b]52;c;x\\u0007\\nsecond line'); });
`,
};

/** Revokes a job that waits. */
async function revoked(spool: string): Promise<string> {
  const [id = ''] = await pendingJobs(spool, { task: 'never' });
  const broker = openSpool({ path: spool });
  await broker.revoke([id]);
  await broker.close();
  return id;
}

describe('fsq wait', () => {
  test('waits for jobs that a worker runs, prints a line for each, and exits by the worst', async (t) => {
    const project = tempProject(t, TASKS);
    const [ok = '', bad = ''] = await pendingJobs(project.spool, { task: 'ok' }, { task: 'bad' });
    const waiting = fsq(project, ['wait', bad, ok]);
    await startWorker(t, project, ['-c', '1']);

    const { code, stdout, stderr } = await waiting;

    assert.equal(code, 1);
    assert.deepEqual(
      stdout.trimEnd().split('\n').toSorted(),
      [`${bad} failed bad: Error: no \\u{1b}]52;c;x\\u{7}`, `${ok} succeeded ok`].toSorted(),
    );
    assert.match(stderr, /^(?:|fsq wait: (?:No worker is running|A worker .* none of its children is ready).*\n)$/);
  });

  test('exits by what has become of jobs that have ended', async (t) => {
    const project = tempProject(t, {});
    const good = await settledJob(project.spool, { task: 'one' }, returned(1));
    const failed = await settledJob(project.spool, { task: 'two' }, threw('no'));
    const gone = await revoked(project.spool);
    const codeOf = async (...args: readonly string[]): Promise<number | null> =>
      (await fsq(project, ['wait', ...args])).code;

    assert.equal(await codeOf(good), 0);
    assert.equal(await codeOf(good, gone), 4);
    assert.equal(await codeOf(good, gone, failed), 1);
    assert.equal(await codeOf('--any', good, failed), 0, 'the first that has an outcome decides');
    assert.equal(await codeOf('--all'), 0, 'nothing is left to wait for');
  });

  test('--json prints an object in each line, with the value or the error', async (t) => {
    const project = tempProject(t, {});
    const good = await settledJob(project.spool, { task: 'one' }, returned({ a: 1 }));
    const failed = await settledJob(project.spool, { task: 'two' }, threw('no'));

    const { stdout } = await fsq(project, ['wait', good, failed, '--json']);

    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      { ...first, endedAtMs: 0 },
      { id: good, task: 'one', attempts: 1, endedAtMs: 0, state: 'succeeded', value: { a: 1 } },
    );
    assert.deepEqual([second?.['id'], second?.['state']], [failed, 'failed']);
  });

  test('an id that no job has is told at once, before anything is waited for', async (t) => {
    const project = tempProject(t, {});
    const [id = ''] = await pendingJobs(project.spool, {});

    const { code, stdout, stderr } = await fsq(project, [
      'wait',
      id,
      '00000000',
      '00000000-0000-7000-8000-000000000000',
    ]);

    assert.deepEqual([code, stdout], [3, '']);
    assert.equal(stderr.match(/FSQ_UNKNOWN_JOB/g)?.length, 2);
  });

  test('when the time is over it says how many are left, and exits with 124', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {}, { etaMs: Date.now() + 3_600_000 });

    const { code, stderr } = await fsq(project, ['wait', '--all', '--timeout', '100ms']);

    assert.equal(code, 124);
    assert.match(stderr, /2 of 2 jobs have no outcome yet; they go on/);
    assert.match(stderr, /No worker is running on this spool/);
  });

  test('many jobs are one watch, and Ctrl-C ends the wait as it ends any program', { skip: notLinux() }, async (t) => {
    const project = tempProject(t, {});
    const ids = await pendingJobs(project.spool, ...Array.from({ length: 300 }, () => ({})));
    const child = startWait(t, project, ids);
    const ended = once(child, 'close');

    const watches = await until(() => watchesOf(child.pid ?? 0) || false, 'the watch to be there');
    child.kill('SIGINT');

    assert.equal(watches, 1);
    assert.deepEqual(await ended, [null, 'SIGINT']);
  });

  test('a spool that vanishes ends the wait with 75', async (t) => {
    const project = tempProject(t, {});
    const ids = await pendingJobs(project.spool, {});
    const child = startWait(t, project, ids);
    const ended = once(child, 'close');
    await until(() => child.said().includes('No worker'), 'it to say that it waits');

    rmSync(project.spool, { recursive: true });

    assert.deepEqual(await ended, [75, null]);
  });

  test('a reader that has gone away ends it', async (t) => {
    const project = tempProject(t, {});
    const good = await settledJob(project.spool, {}, returned(1));
    const line = `node ${join(REPOSITORY, 'bin/fsq.js')} wait ${good} --json | true; echo "\${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', line], { cwd: project.path, stdio: ['ignore', 'pipe', 'pipe'] });
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];

    assert.equal(chunk.toString(), '0\n');
  });

  for (const [args, error] of [
    [[], /Expected ids or --all, got neither/],
    [['--all', '0199f3c2'], /Expected ids or --all, got both/],
    [['0199f3c2', '--timeout', '5'], /--timeout.*a duration with its unit/],
    [['0199f3c2', '--timeout'], /Expected a value for --timeout/],
    [['no-id'], /Expected a job id or its beginning/],
    [['--any=1', '0199f3c2'], /Expected --any alone/],
    [['--al'], /did you mean --all/],
  ] as const)
    test(`${args.join(' ') || 'nothing'} is wrong usage`, async (t) => {
      const project = tempProject(t, {});
      await pendingJobs(project.spool, {});

      const { code, stderr } = await fsq(project, ['wait', ...args]);

      assert.equal(code, 2);
      assert.match(stderr, error);
    });
});

function startWait(
  t: TestContext,
  project: Project,
  ids: readonly string[],
): ReturnType<typeof spawn> & { said(): string } {
  const bin = join(REPOSITORY, 'bin/fsq.js');
  const child = spawn(process.execPath, [bin, 'wait', ...ids], {
    cwd: project.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  t.after(() => child.kill('SIGKILL'));
  return Object.assign(child, { said: () => said });
}

/** How many inotify instances the process has. */
function watchesOf(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // Closed meanwhile.
    }
  });
  return links.filter((link) => link.includes('inotify')).length;
}

function notLinux(): string | false {
  return process.platform === 'linux' ? false : 'needs /proc';
}

test('- stands for the ids on standard input; none is nothing to do', async (t) => {
  const project = tempProject(t, {});
  const [first = '', second = ''] = await pendingJobs(project.spool, {}, {});

  const none = await fsq(project, ['wait', '-'], { input: '\n' });
  const some = await fsq(project, ['revoke', '-'], { input: `${first} pending\r\n{"id":"${second}"}\n` });
  const wrong = await fsq(project, ['show', '-'], { input: 'not an id\n' });

  assert.deepEqual([none.code, none.stdout], [0, '']);
  assert.equal(none.stderr, 'fsq wait: No id came on standard input: nothing was done.\n');
  assert.deepEqual([some.code, some.stdout], [0, `${first} echo revoked\n${second} echo revoked\n`]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Expected a job id or its beginning/);
});
