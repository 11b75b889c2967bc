/** Processes that die: the job they held runs again, nothing is lost, nothing runs twice at once. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WorkerLostError } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
const say = (line) => appendFileSync('journal.txt', line + '\\n');
export const hold = task('hold', async (gate) => {
  say('begin ' + currentJob().attempt + ' ' + process.pid + ' ' + Date.now());
  while (!existsSync(gate)) await wait(5);
  say('end ' + currentJob().attempt);
  return currentJob().attempt;
});
export const exits = task('exits', async (code) => { say('exits'); process.exit(code); });
export const late = task('late', async () => { say('late'); setTimeout(() => { throw new Error('after the await'); }, 1); await wait(5_000); });
export const breeds = task('breeds', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  say('grandchild ' + child.pid);
  await wait(60_000);
});
export const spins = task('spins', () => { say('begin spins ' + process.pid); for (;;); });
export const add = task('add', (a, b) => a + b);
`;

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

function journal(at: Project): readonly string[] {
  const path = join(at.path, 'journal.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

function open(at: Project): void {
  appendFileSync(join(at.path, 'gate'), '');
}

/** The process that runs the job whose begin is the last line of the journal that says one. */
async function beginning(at: Project, count = 1): Promise<{ readonly pid: number; readonly atMs: number }> {
  const lines = await until(() => {
    const begins = journal(at).filter((line) => line.startsWith('begin'));
    return begins.length >= count ? begins : null;
  }, `run ${count} begins`);
  const [, , pid, atMs] = lines[count - 1]?.split(' ') ?? [];
  return { pid: Number(pid), atMs: Number(atMs) };
}

test('a child that is killed is replaced, and its job runs again with the death on record', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const startedAt = performance.now();
  const worker = await startWorker(t, at, ['-c', '2']);
  const startMs = performance.now() - startedAt;
  const result = await send('hold', ['gate']);
  const { pid } = await beginning(at);

  process.kill(pid, 'SIGKILL');
  const killedAt = performance.now();
  // Then whoever is free may run it: how long another child takes to start is not known from the first one.
  await until(async () => (await result.info())?.standing.crashes === 1, 'the job is recovered');
  const recoveryMs = performance.now() - killedAt;
  await beginning(at, 2);
  open(at);
  const value = await result.get('10s');
  const record = (await result.info())?.record;
  await worker.stop();

  assert.equal(value, 2);
  assert(recoveryMs < 1_000 + 2 * startMs, `recovered after ${recoveryMs} ms`);
  assert.deepEqual(
    record?.attempts.map(({ attempt, error }) => [attempt, error?.name]),
    [
      [1, 'WorkerLostError'],
      [2, undefined],
    ],
  );
  assert.equal(record.kept.crashes, 1);
  assertAtRest(at.spool, { results: 1 });
});

test('a task that ends its process, however politely, is started four times and then failed', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const result = await send('exits', [0]);
  const good = await send('add', [1, 2]);

  await assert.rejects(
    result.get('20s'),
    (error: unknown) => error instanceof WorkerLostError && error.code === 'FSQ_WORKER_LOST',
  );
  assert.equal(journal(at).length, 4);
  assert.equal(await good.get('10s'), 3);
});

test('an error thrown outside of the awaited task kills the child, and the job is counted as crashed', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);

  const result = await send('late', []);

  await worker.printed(/lost its process/);
  await until(async () => ((await result.info())?.standing.crashes ?? 0) >= 1, 'a crash is counted');
});

test('what a killed job has started dies with it', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  await send('breeds', []);
  const line = await until(
    () => journal(at).find((entry) => entry.startsWith('grandchild')) ?? null,
    'the grandchild is there',
  );
  const grandchild = Number(line.split(' ')[1]);
  assert(isProcessAlive(grandchild));

  worker.kill('SIGQUIT');
  await worker.ended;

  await until(() => !isProcessAlive(grandchild), 'the grandchild is gone');
});

test('the first SIGTERM lets the job at hand finish; the worker then ends with 0', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2']);
  const result = await send('hold', ['gate']);
  await beginning(at);

  worker.kill('SIGTERM');
  await worker.printed(/finishing the jobs at hand/);
  open(at);
  const { code } = await worker.ended;

  assert.equal(code, 0);
  assert.equal(await result.get(0), 1);
  assertAtRest(at.spool, { results: 1 });
});

for (const [signals, expected] of [
  [['SIGTERM', 'SIGTERM'], 143],
  [['SIGINT', 'SIGINT'], 130],
  [['SIGQUIT'], 131],
] as const) {
  test(`${signals.join(' then ')} stops the job at hand, queues it again without a crash and ends with ${expected}`, async (t) => {
    const at = project(t);
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    const result = await send('hold', ['gate']);
    await beginning(at);

    for (const signal of signals) {
      worker.kill(signal);
      await worker.printed(signals.length > 1 ? /finishing the jobs at hand/ : /stopping now/);
    }
    const { code } = await worker.ended;

    assert.equal(code, expected);
    const { state, standing } = (await result.info()) ?? {};
    assert.deepEqual(
      { state, attempt: standing?.attempt, crashes: standing?.crashes },
      { state: 'pending', attempt: 1, crashes: 0 },
    );
    assertAtRest(at.spool, { pending: 1 });
  });
}

test('a busy loop is stopped by force and its job queued again', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const result = await send('spins', []);
  await until(() => journal(at).length > 0, 'the loop spins');

  worker.kill('SIGQUIT');
  const { code } = await worker.ended;

  assert.equal(code, 131);
  assert.equal((await result.info())?.state, 'pending');
});

test("the terminal's Ctrl-C reaches the worker only: the job at hand finishes", async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1'], { isGroupLeader: true });
  const result = await send('hold', ['gate']);
  await beginning(at);

  process.kill(-worker.pid, 'SIGINT');
  await worker.printed(/finishing the jobs at hand/);
  open(at);
  const { code } = await worker.ended;

  assert.equal(code, 0);
  assert.equal(await result.get(0), 1);
});

test('a killed supervisor: its child finishes the job at hand, publishes it and ends', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const result = await send('hold', ['gate']);
  const { pid } = await beginning(at);

  worker.kill('SIGKILL');
  open(at);

  assert.equal(await result.get('10s'), 1);
  await until(() => !isProcessAlive(pid), 'the child ends');
  assert.deepEqual(journal(at).filter((line) => line.startsWith('begin')).length, 1);
});

test('while the child of a killed supervisor goes on with its job, that is told, and not that the job waits', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const result = await send('hold', ['gate']);
  const waiting = await send('hold', ['gate']);
  const { pid } = await beginning(at);

  worker.kill('SIGKILL');
  const running = new RegExp(`The job runs in process ${pid}, whose worker is gone`);
  await until(
    async () => running.test(String(await result.get(50).catch((error: unknown) => error))),
    'get() tells it',
  );
  const other = String(await waiting.get(50).catch((error: unknown) => error));
  const status = await fsq(at, ['status', '--json']);
  const got = await fsq(at, ['get', result.id, '--timeout', '50ms']);
  open(at);
  await result.get('10s');
  await until(() => !isProcessAlive(pid), 'the child ends');

  assert.match(other, /No worker is running on \S+: the job waits until `fsq worker` starts one/);
  const { advice } = JSON.parse(status.stdout) as { advice: readonly string[] };
  assert.equal(advice[0], 'No worker is running and 1 job waits. `fsq worker` starts one.');
  assert.match(advice.join(), new RegExp(`1 child of a worker that died \\(pid ${pid}\\) finishes the jobs at hand`));
  assert.equal(got.code, 124);
  assert.match(got.stderr, running);
  assert.doesNotMatch(got.stderr, /the job waits|No worker/);
});

test('a worker that is killed with its children loses nothing: another worker of the spool recovers the job', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const first = await startWorker(t, at, ['-c', '1']);
  const result = await send('hold', ['gate']);
  const { pid } = await beginning(at);
  const startedAt = performance.now();
  const second = await startWorker(t, at, ['-c', '1']);
  const startMs = performance.now() - startedAt;

  first.kill('SIGKILL');
  process.kill(pid, 'SIGKILL');
  const killedAtMs = Date.now();
  const again = await beginning(at, 2);
  open(at);
  const value = await result.get('10s');
  const isOfDead = (name: string): boolean => [first.pid, pid].includes(Number.parseInt(name, 10));
  await until(() => !readdirSync(join(at.spool, 'workers')).some(isOfDead), 'nothing is left of the dead');
  await second.stop();

  assert.equal(value, 2);
  assert(again.atMs - killedAtMs < 2_000 + 2 * startMs, `ran again after ${again.atMs - killedAtMs} ms`);
  assertAtRest(at.spool, { results: 1 });
});

test('a child that is stopped and resumed is not taken for dead', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);
  const result = await send('hold', ['gate']);
  const stopped = await beginning(at);
  const doomed = await startWorker(t, at, ['-c', '1']);
  const lost = await send('hold', ['gate']);
  const dead = await beginning(at, 2);
  const other = await startWorker(t, at, ['-c', '1']);

  process.kill(stopped.pid, 'SIGSTOP');
  doomed.kill('SIGKILL');
  process.kill(dead.pid, 'SIGKILL');
  // Somebody has looked at who lives since: the dead one's job was recovered.
  await until(async () => ((await lost.info())?.standing.crashes ?? 0) === 1, 'the job of the dead is recovered');
  open(at);
  process.kill(stopped.pid, 'SIGCONT');

  assert.equal(await result.get('10s'), 1);
  assert.equal(await lost.get('10s'), 2);
  assert.doesNotMatch(other.stderr(), new RegExp(`${result.id} lost its process`));
});
