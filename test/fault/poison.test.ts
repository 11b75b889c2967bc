/** Jobs that ruin the process that runs them: each is started four times and then failed, everything else goes on. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AsyncResult, WorkerLostError } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

/** The first start and one more for each crash that is forgiven. */
const STARTS = 4;

const TASKS = `
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { task } from 'fsq';
const say = (line) => appendFileSync('journal.txt', line + '\\n');
const begin = (what) => say('begin ' + what + ' ' + process.pid);
task('exit', () => { begin('exit'); process.exit(0); });
task('abort', () => { begin('abort'); process.abort(); });
task('signal', () => { begin('signal'); process.kill(process.pid, 'SIGSEGV'); for (;;); });
task('hoard', () => { begin('hoard'); const hoard = []; for (;;) hoard.push(new Array(1e5).fill(hoard.length)); });
task('overflow', () => { begin('overflow'); const deeper = () => deeper() + 1; return deeper(); });
task('rejects', async () => { begin('rejects'); void Promise.reject(new Error('nobody listens')); await wait(10_000); });
task('disconnect', async () => { begin('disconnect'); process.disconnect(); return 'done'; });
task('breed', async () => {
  const { pid } = spawn('sleep', ['1000'], { stdio: 'ignore' });
  say('grandchild ' + pid);
  begin('breed');
  process.abort();
});
task('leave', () => { const { pid } = spawn('sleep', ['1000'], { stdio: 'ignore' }); say('grandchild ' + pid); begin('leave'); return pid; });
task('spin', () => { begin('spin'); for (;;); });
task('patricide', () => { begin('patricide'); process.kill(process.ppid, 'SIGKILL'); process.kill(process.pid, 'SIGKILL'); for (;;); });
task('add', (a, b) => a + b);
`;

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

/** What the journal says of \`word\`: the rest of each line that begins with it. */
function told(at: Project, word: string): readonly string[] {
  const path = join(at.path, 'journal.txt');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
}

async function assertGivenUp(result: AsyncResult): Promise<void> {
  await assert.rejects(result.get('60s'), (error: unknown) => error instanceof WorkerLostError);
  const record = (await result.info())?.record;
  assert.deepEqual(
    record?.attempts.map(({ attempt }) => attempt),
    [1, 2, 3, 4],
  );
}

test('exit, abort, a signal, out of memory, an unhandled rejection, each with what it started: failed after four starts, others run', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  // Small enough to be out of memory soon; core files would only take time.
  const worker = await startWorker(t, at, ['-c', '3'], { env: { NODE_OPTIONS: '--max-old-space-size=40' } });
  const poison = ['exit', 'abort', 'signal', 'hoard', 'rejects', 'breed'];

  const results = await Promise.all(poison.map((name) => send(name, [])));
  const good = await Promise.all(Array.from({ length: 20 }, (_, i) => send('add', [i, 1])));
  const values = await Promise.all(good.map((result) => result.get('60s')));
  await Promise.all(results.map(assertGivenUp));
  const after = await (await send('add', [1, 1])).get('20s');
  const { code } = await worker.stop();

  assert.deepEqual(
    values,
    good.map((_, i) => i + 1),
  );
  assert.equal(after, 2);
  assert.equal(code, 0);
  for (const name of poison) {
    const starts = told(at, 'begin').filter((line) => line.startsWith(`${name} `)).length;
    assert.equal(starts, STARTS, `${name} was started ${starts} times`);
  }
  for (const line of [...told(at, 'begin').map((entry) => entry.split(' ')[1]), ...told(at, 'grandchild')])
    assert(!isProcessAlive(Number(line)), `process ${line} is left`);
  assertAtRest(at.spool, { results: poison.length + good.length + 1 });
});

test('a stack overflow, and a channel to the parent that the task closes, cost nobody anything', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const overflow = await send('overflow', []);
  const closed = await send('disconnect', []);
  const good = await send('add', [1, 2]);

  await assert.rejects(overflow.get('20s'), /Maximum call stack size exceeded/);
  assert.equal(await closed.get('20s'), 'done');
  assert.equal(await good.get('20s'), 3);
  assert.equal(told(at, 'begin').length, 2);
});

test('a job that kills its worker each time: four workers die, the fifth fails the job and goes on', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const result = await send('patricide', []);

  for (let start = 1; start <= STARTS; start++) {
    // One that dies before it says so has started all the same.
    const worker = await startWorker(t, at, ['-c', '1']).catch(() => null);
    await worker?.ended;
    await until(() => told(at, 'begin').length === start, `start ${start}`);
    await until(
      () => told(at, 'begin').every((line) => !isProcessAlive(Number(line.split(' ')[1]))),
      'its child is gone',
    );
  }
  const last = await startWorker(t, at, ['-c', '1']);

  await assertGivenUp(result);
  assert.equal(await (await send('add', [1, 2])).get('10s'), 3);
  assert.equal((await last.stop()).code, 0);
  assertAtRest(at.spool, { results: 2 });
});

test('a forced stop ends a busy loop and what an earlier job of the child has left running', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const grandchild = Number(await (await send('leave', [])).get('10s'));
  const spin = await send('spin', []);
  await until(() => told(at, 'begin').length === 2, 'it spins');
  assert(isProcessAlive(grandchild));

  worker.kill('SIGQUIT');
  const { code } = await worker.ended;

  assert.equal(code, 131);
  await until(() => !isProcessAlive(grandchild), 'the grandchild is gone');
  assert(!isProcessAlive(Number(told(at, 'begin')[1]?.split(' ')[1])));
  assert.equal(await spin.state(), 'pending');
  assertAtRest(at.spool, { results: 1, pending: 1 });
});
