/** Every way in which a child of a worker can end, or not begin: its job runs again, in time, alone, and with the right count. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { NO_STRACE } from '../support/strace.ts';

const TASKS = `
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { currentJob, task } from 'fsq';
const note = (file, text) => appendFileSync(file, text + '\\n');
task('add', (a, b) => a + b);
task('fails', () => { throw new Error('on fire'); });
task('dies', () => process.exit(0));
task('breeds', async () => {
  if (currentJob().attempt > 1) return 'again';
  note('pids.txt', process.pid);
  note('pids.txt', spawn('sleep', ['600'], { stdio: 'ignore' }).pid);
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
note('started.txt', process.pid);
`;

const needsProc = process.platform !== 'linux' && 'needs /proc';

function pidsIn(at: Project, file: string, least: number): Promise<readonly number[]> {
  const path = join(at.path, file);
  const read = (): readonly number[] =>
    existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1).map(Number) : [];
  return until(() => read().length >= least && read(), `${least} pids are in ${file}`);
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

describe('a worker none of whose children can start ends with 78 and says what the child printed', () => {
  const cases: readonly [string, Readonly<Record<string, string>>, readonly string[], RegExp][] = [
    [
      'a module of --import that is not there, behind another',
      { 'first.js': '' },
      ['--import', './first.js', '--import', 'typo'],
      /exited with 1 before it began to import the task modules[^]*It printed:[^]*'typo'/,
    ],
    [
      'process.exit() at import',
      { 'tasks.js': 'console.error("no database"); process.exit(3);' },
      [],
      /exited with 3 while it imported \S+\/tasks\.js: the module ended the process, by process\.exit\(\) say\. It printed:\s+no database/,
    ],
    [
      'process.exit(0) at import, without a word',
      { 'tasks.js': 'process.exit(0);' },
      ['--burst'],
      /exited with 0 while it imported \S+\/tasks\.js: the module ended the process, by process\.exit\(\) say \(FSQ_CONFIG\)/,
    ],
    [
      'process.exit() in a module of --import',
      { 'first.js': 'process.exit(5);' },
      ['--import', './first.js'],
      /exited with 5 before it began to import the task modules: a module of --import/,
    ],
    [
      'process.exit() in what one of two task modules imports',
      { 'tasks/a.js': '', 'tasks/b.js': 'import "../lib/c.js";', 'lib/c.js': 'process.exit(4);' },
      ['--tasks', 'tasks'],
      /exited with 4 while it imported \S+\/tasks\/b\.js/,
    ],
    [
      'a signal',
      { 'tasks.js': 'process.kill(process.pid, "SIGKILL"); for (;;);' },
      ['-c', '4'],
      /was killed by SIGKILL while it imported \S+\/tasks\.js: the module ended the process/,
    ],
  ];
  for (const [why, files, args, said] of cases) {
    test(why, async (t) => {
      const at = tempProject(t, { 'tasks.js': TASKS, ...files });

      const { code, stderr } = await fsq(at, ['worker', ...args]);

      assert.equal(code, 78, stderr);
      assert.match(stderr, /No child can start: 3 in a row have ended before they were ready to work/);
      assert.match(stderr, said);
    });
  }
});

test('a worker that has had a child ready goes on trying', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const [first = 0] = await pidsIn(at, 'started.txt', 1);
  writeFileSync(join(at.path, 'tasks.js'), 'process.exit(3);');

  process.kill(first, 'SIGKILL');
  await worker.printed(/exited with 3 .*; a new one starts in 800 ms/);
  writeFileSync(join(at.path, 'tasks.js'), TASKS);

  assert.equal(await (await send('add', [1, 2])).get('20s'), 3);
  assert.equal((await worker.stop()).code, 0);
});

test('a child that ends by itself while it has no job, again and again, is replaced ever more slowly, and jobs run in between', async (t) => {
  const at = tempProject(t, { 'tasks.js': `${TASKS}\nsetTimeout(() => process.exit(0), 1_500);` });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);

  await worker.printed(
    /exited with 0; a new one starts in 100 ms\. It ended by itself without a job[^]*exited with 0; a new one starts in 200 ms/,
  );

  assert.equal(await (await send('add', [1, 2])).get('20s'), 3);
});

test('a burst exits with 1 when a job failed in it, by itself or because its process died too often; else with 0', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const burst = async (): Promise<number | null> => (await fsq(at, ['worker', '--burst', '-c', '2'])).code;

  await send('add', [1, 2]);
  assert.equal(await burst(), 0);
  await Promise.all([send('add', [1, 2]), send('fails', [])]);
  assert.equal(await burst(), 1);
  assert.equal(await burst(), 0, 'what failed before is not of this burst');
  await send('dies', [], { onCrash: 'fail' });
  assert.equal(await burst(), 1);
  const revoked = await send('fails', []);
  await revoked.revoke();
  await send('fails', [], { expires: new Date(Date.now() - 1) });
  assert.equal(await burst(), 0, 'neither ran');
});

test('the log shows where a failed task threw, unless stacks are kept back', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const logOf = async (env: Readonly<Record<string, string>>): Promise<string> => {
    await send('fails', []);
    return (await fsq(at, ['worker', '--burst', '-c', '1'], { env })).stderr;
  };

  assert.match(await logOf({ FSQ_LOG_FORMAT: 'json' }), /"stack":"Error: on fire\\n {4}at \S.*tasks\.js:7:/);
  assert.match(await logOf({ FSQ_LOG_FORMAT: 'text' }), /ERROR fails .*: Error: on fire\n {4}at .*tasks\.js:7:/);
  for (const FSQ_LOG_FORMAT of ['json', 'text']) {
    const log = await logOf({ FSQ_LOG_FORMAT, FSQ_STACKS: 'false' });
    assert.match(log, /on fire/);
    assert.doesNotMatch(log, /at .*tasks\.js/);
  }
});

test(
  'a child that dies while its worker drains: what its job had started is killed before another worker runs the job',
  { skip: needsProc },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    const result = await send('breeds', []);
    const [child = 0, grandchild = 0] = await pidsIn(at, 'pids.txt', 2);

    const ended = worker.stop();
    await worker.printed(/finishing the jobs at hand/);
    process.kill(child, 'SIGKILL');

    const { code, stderr } = await ended;
    assert.equal(code, 0);
    assert.match(stderr, new RegExp(`child ${child} was killed by SIGKILL`));
    await until(() => !isProcessAlive(grandchild), 'what the job had started is gone with the worker');
    await fsq(at, ['worker', '--burst', '-c', '1']);
    await startWorker(t, at, ['-c', '1']);
    assert.equal(await result.get('20s'), 'again');
    assert.equal((await result.info())?.standing.crashes, 1);
  },
);

test(
  'a child that is ready, takes a job and dies while its worker is stopped: the job runs again at once',
  { skip: needsProc },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    const [first = 0] = await pidsIn(at, 'started.txt', 1);

    process.kill(first, 'SIGKILL');
    const second = (await pidsIn(at, 'started.txt', 2))[1] ?? 0;
    worker.kill('SIGSTOP');
    // It announces itself and looks out for jobs without hints from above.
    await until(
      () => existsSync(join(at.spool, 'workers')) && ownersOf(at).includes(second),
      'the new child is an owner',
    );
    const result = await send('add', [1, 2]);
    process.kill(second, 'SIGKILL');
    await until(() => !isProcessAlive(second), 'it has died');
    worker.kill('SIGCONT');

    assert.equal(await result.get('10s'), 3);
    await until(() => !ownersOf(at).includes(second), 'the dead child is forgotten', 5_000);
  },
);

function ownersOf(at: Project): readonly number[] {
  return readdirSync(join(at.spool, 'running')).map((name) => Number.parseInt(name, 10));
}

describe('a child that stands still', { skip: needsProc }, () => {
  test('and whose worker is dead is let go on by another worker, and its job runs once', async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS.replace('600_000', '300') });
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    const result = await send('breeds', []);
    const [child = 0, left = 0] = await pidsIn(at, 'pids.txt', 2);
    t.after(() => process.kill(left, 'SIGKILL')); // What its job has started may outlive an orderly end.
    process.kill(-child, 'SIGSTOP');
    await until(() => stateOf(child) === 'T', 'the child stands still');
    worker.kill('SIGKILL');
    await until(() => !isProcessAlive(worker.pid), 'its worker is dead');

    const other = await startWorker(t, at, ['-c', '1']);

    await other.printed(/was stopped and its worker is dead; it goes on/);
    await result.get('10s');
    assert.equal((await result.info())?.standing.attempt, 1);
    await until(() => !isProcessAlive(child), 'it ends after its job');
  });

  test('and whose worker lives is left alone', async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { send } = sender(t, at);
    await startWorker(t, at, ['-c', '1', '-Q', 'one']);
    await send('breeds', [], { queue: 'one' });
    const [child = 0] = await pidsIn(at, 'pids.txt', 2);
    process.kill(-child, 'SIGSTOP');
    await until(() => stateOf(child) === 'T', 'the child stands still');

    const other = await startWorker(t, at, ['-c', '1', '-Q', 'two']);
    // Two looks at all owners: what the other worker removes of the dead shows that it has looked.
    await send('add', [1, 2], { queue: 'two' });
    await fsq(at, ['doctor', '--repair']);

    assert.equal(stateOf(child), 'T');
    assert.equal((await other.stop()).code, 0);
    process.kill(-child, 'SIGKILL');
  });
});

test(
  'no memory for a process (ENOMEM): the worker waits and has a child again later',
  { skip: NO_STRACE },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    const [child = 0] = await pidsIn(at, 'started.txt', 1);
    const calls = 'clone,clone3,fork,vfork';
    const tracer = spawn(
      'strace',
      ['-p', `${worker.pid}`, '-e', `trace=${calls}`, '-e', `inject=${calls}:error=ENOMEM`],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    t.after(() => tracer.kill('SIGKILL'));
    let text = '';
    tracer.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await until(() => /attached/.test(text), 'strace is attached');

    process.kill(child, 'SIGKILL');
    await worker.printed(/no child can be started \(.*ENOMEM.*\); a new one starts in 200 ms/);
    tracer.kill('SIGINT');

    assert.equal(await (await send('add', [1, 2])).get('20s'), 3);
    assert.equal((await worker.stop()).code, 0);
  },
);
