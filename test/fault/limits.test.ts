/** Limits of the system reached at run time: descriptors, file size, processes, memory. Correct in each, only slower. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { WorkerLostError } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { namesIn } from '../support/invariants.ts';
import { lacks } from '../support/needs.ts';
import { type Project, run, startWorker, tempProject, type WorkerHandle } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { task } from 'fsq';
task('add', (a, b) => a + b);
task('pad', (n) => 'x'.repeat(n));
task('hoard', () => { const hoard = []; for (;;) hoard.push(Buffer.alloc(1 << 20, 1)); });
`;
const BIN = 'node_modules/fsq/bin/fsq.js';

function project(t: TestContext): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

/** Sets a soft limit of processes that run. */
function limit(pids: readonly number[], what: string, value: number | string, as: readonly string[] = []): void {
  for (const pid of pids) {
    const [program = '', ...args] = [...as, 'prlimit', '--pid', `${pid}`, `--${what}=${value}:`];
    execFileSync(program, args);
  }
}

/** As /proc/<pid>/limits calls it, such as 'processes'. */
function hardLimitOf(pid: number, what: string): string {
  return new RegExp(`^Max ${what} +\\S+ +(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '';
}

/**
 * The lowest number that a new descriptor of a process at rest would get: limited to it, the process can open nothing. What it
 * opens for a moment (an fsync, a probe) counts as free, so the least of many looks is taken.
 */
async function lowestFreeDescriptor(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let looks = 0;
  return until(() => {
    const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
    let free = 0;
    while (open.has(free)) free++;
    looks = free < least ? 0 : looks + 1;
    least = Math.min(least, free);
    return looks >= 100 && least;
  }, `the descriptors of ${pid} are at rest`);
}

describe('descriptors', { skip: lacks('prlimit') }, () => {
  test('a worker that runs out of them does not take the queue for empty, says so, and goes on when there are some', async (t) => {
    const at = project(t);
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    await (await send('add', [1, 1])).get('10s');
    const pids = [worker.pid, ...childrenOf(worker.pid)];
    for (const pid of pids) limit([pid], 'nofile', await lowestFreeDescriptor(pid));

    const results = await Promise.all(Array.from({ length: 10 }, (_, i) => send('add', [i, 1])));
    await worker.printed(/EMFILE/);
    const ready = await Promise.all(results.map((result) => result.ready()));
    limit(pids, 'nofile', 1_024);
    const values = await Promise.all(results.map((result) => result.get('20s')));
    const runs = await Promise.all(results.map(async (result) => (await result.info())?.record?.attempts.length));
    const { code } = await worker.stop();

    assert(ready.includes(false), 'the limit was felt');
    assert.deepEqual(
      values,
      results.map((_, i) => i + 1),
    );
    assert.deepEqual(new Set(runs), new Set([1]));
    assert.equal(code, 0);
    assertAtRest(at.spool, { results: 11 });
  });

  for (const most of [24, 34, 41, 48]) {
    test(`a burst with ${most} of them ends well only when the queue is empty`, async (t) => {
      const at = project(t);
      const { send } = sender(t, at);
      await send('add', [1, 1]);
      const args = [`--nofile=${most}`, process.execPath, BIN, 'worker', '--burst', '-c', '2'];

      const { code, stderr } = await run(at, 'timeout', ['--kill-after=5', '5', 'prlimit', ...args]);

      const left = namesIn(at.spool, 'pending').length;
      assert(code !== 0 || left === 0, `it ended with ${code} and left ${left} jobs:\n${stderr}`);
      t.diagnostic(`ended with ${code}, ${left} jobs left`);
    });
  }
});

test('a result larger than a file may be fails its job and nothing else', { skip: lacks('prlimit') }, async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  limit(childrenOf(worker.pid), 'fsize', 20_000);

  const large = await send('pad', [100_000]);
  const small = await send('pad', [10]);

  await assert.rejects(large.get('20s'), { code: 'FSQ_TASK_FAILED', remoteCode: 'FSQ_TOO_LARGE' });
  assert.equal(await small.get('20s'), 'x'.repeat(10));
  assert.equal((await worker.stop()).code, 0);
  assertAtRest(at.spool, { results: 2 });
});

test(
  'no process can be started for a while: the worker stays, says so, and has a child again later',
  { skip: lacks('prlimit', 'setpriv') },
  async (t) => {
    const at = project(t);
    chmodSync(at.path, 0o777);
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const worker = await startWorker(t, at, ['-c', '1'], { within: asNobody });
    limit([worker.pid], 'nproc', 1, asNobody);

    for (const pid of childrenOf(worker.pid)) process.kill(pid, 'SIGKILL');
    await worker.printed(/no child can be started \(.*EAGAIN/);
    limit([worker.pid], 'nproc', hardLimitOf(worker.pid, 'processes'), asNobody);
    await until(() => childrenOf(worker.pid).length === 1, 'there is a child again');
    const called = await run(at, 'setpriv', [
      ...asNobody.slice(1),
      process.execPath,
      BIN,
      'call',
      'add',
      '1',
      '2',
      '--wait',
    ]);

    assert.equal(called.stdout.trim(), '3', called.stderr);
    assert.equal((await worker.stop()).code, 0);
  },
);

test(
  'the kernel kills a child for want of memory: the crashes are counted and bounded, others run',
  { skip: lacks() || noMemoryGroup() },
  async (t) => {
    const at = project(t);
    const { send } = sender(t, at);
    const group = memoryGroup(t, 160 * 1024 * 1024);
    const workers: WorkerHandle[] = [];
    const startInGroup = async (): Promise<void> => {
      const worker = await startWorker(t, at, ['-c', '1']);
      for (const pid of [worker.pid, ...childrenOf(worker.pid)]) writeFileSync(join(group, 'cgroup.procs'), `${pid}`);
      workers.push(worker);
      // While it still frees what the child had, the kernel may look for another, and find the worker: as it would one of systemd's.
      void worker.ended.then(({ signal }) => (signal === 'SIGKILL' ? startInGroup() : undefined));
    };
    await startInGroup();

    const poison = await send('hoard', []);
    const good = await send('add', [1, 2]);

    assert.equal(await good.get('30s'), 3);
    await assert.rejects(poison.get('60s'), WorkerLostError);
    assert.equal((await poison.info())?.record?.attempts.length, 4);
    // A worker that was killed itself has not told how its child ended.
    const told = (): number => workers.flatMap((one) => one.stderr().match(/was killed by SIGKILL/g) ?? []).length;
    await until(() => told() >= 5 - workers.length, 'the deaths of the children are told');
    assert.equal((await workers.at(-1)?.stop())?.code, 0);
    assertAtRest(at.spool, { results: 2 });
  },
);

test('a child that hangs in its start holds up no orderly end', async (t) => {
  const hanging = `import { existsSync, writeFileSync } from 'node:fs'; if (existsSync('hang')) { writeFileSync('hangs', ''); await new Promise(() => setInterval(() => {}, 1e6)); }`;
  const at = tempProject(t, { 'tasks.js': `${hanging}\n${TASKS}` });
  const worker = await startWorker(t, at, ['-c', '1']);
  writeFileSync(join(at.path, 'hang'), '');
  for (const pid of childrenOf(worker.pid)) process.kill(pid, 'SIGKILL');
  await until(() => existsSync(join(at.path, 'hangs')), 'another child starts');

  const { code } = await worker.stop();

  assert.equal(code, 0);
  assertAtRest(at.spool);
});

/** Where a control group that limits memory can be made, of either version. */
function memoryRoot(): { readonly path: string; readonly limit: string } | null {
  if (existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes'))
    return { path: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' };
  const controllers = '/sys/fs/cgroup/cgroup.subtree_control';
  if (existsSync(controllers) && readFileSync(controllers, 'utf8').includes('memory'))
    return { path: '/sys/fs/cgroup', limit: 'memory.max' };
  return null;
}

function noMemoryGroup(): string | false {
  return memoryRoot() === null && 'needs control groups for memory';
}

/** A control group of so many bytes; removed after the test. */
function memoryGroup(t: TestContext, bytes: number): string {
  const root = memoryRoot();
  assert(root !== null);
  const path = join(root.path, `fsq-test-${process.pid}`);
  mkdirSync(path);
  t.after(() => until(() => isRemoved(path), 'the control group is empty'));
  writeFileSync(join(path, root.limit), `${bytes}`);
  return path;
}

function isRemoved(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false; // A process is still in it.
  }
}
