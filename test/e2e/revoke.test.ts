/** Stopping a job from another shell: what waits, what runs and listens, and what does not listen and has a process of its own. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RevokedError } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { currentJob, task } from 'fsq';
export const note = task('note', async (n) => appendFileSync('order.txt', n + ' '));
export const listen = task('listen', async () => {
  const { signal } = currentJob();
  writeFileSync('began', '');
  if (!signal.aborted) await once(signal, 'abort');
  writeFileSync('reason', signal.reason.name + ' ' + signal.reason.code);
  return 'a value all the same';
});
export const spin = task('spin', async () => {
  const { pid } = spawn('sleep', ['600'], { stdio: 'ignore' });
  writeFileSync('spinning', process.pid + ' ' + pid + ' ');
  for (;;) ;
});
export const idle = task('idle', async () => {
  const { pid } = spawn('sleep', ['600'], { stdio: 'ignore' });
  writeFileSync('spinning', process.pid + ' ' + pid + ' ');
  await new Promise((resolve) => setInterval(() => undefined, 1_000));
});
`;

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

/** The end may come before the command looks again. */
const ASKED = /^[0-9a-f-]{36} \w+ (?:requested|revoked)\n$/;

const has = (at: Project, file: string): boolean => existsSync(join(at.path, file));

test('what waits is revoked without a worker, says so, and never starts', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const [first, second] = [await send('note', [1]), await send('note', [2])];

  const revoked = await fsq(at, ['revoke', first.id]);
  const again = await fsq(at, ['revoke', first.id, '--json']);
  const got = await fsq(at, ['get', first.id]);
  const worker = await startWorker(t, at);
  await second.get('20s');
  const late = await fsq(at, ['revoke', second.id]);
  await worker.stop();

  assert.deepEqual([revoked.code, revoked.stdout], [0, `${first.id} note revoked\n`]);
  assert.deepEqual(JSON.parse(again.stdout), [{ id: first.id, task: 'note', result: 'revoked' }]);
  assert.equal(got.code, 4);
  assert.deepEqual([late.code, late.stdout], [0, `${second.id} note ended\n`]);
  assert.match(late.stderr, /has ended already \(succeeded\)/);
  assert.equal(readFileSync(join(at.path, 'order.txt'), 'utf8'), '2 ');
  assert.deepEqual(readdirSync(join(at.spool, 'cancel')), []);
  assertAtRest(at.spool, { results: 2 });
});

test('an unknown id exits 3', async (t) => {
  const at = project(t);
  await (await sender(t, at).send('note', [1])).ready();

  const ran = await fsq(at, ['revoke', '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3']);

  assert.equal(ran.code, 3);
});

test('among others an unknown one is told, and what came of the others is printed', async (t) => {
  const at = project(t);
  const sent = await sender(t, at).send('note', [1]);
  const other = await sender(t, at).send('note', [2]);
  const nobody = '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3';

  const ran = await fsq(at, ['revoke', sent.id, nobody, 'ffff', other.id, '--json']);
  const wrong = await fsq(at, ['revoke', sent.id, 'nonsense']);

  assert.deepEqual(JSON.parse(ran.stdout), [
    { id: sent.id, task: 'note', result: 'revoked' },
    { id: other.id, task: 'note', result: 'revoked' },
  ]);
  assert.match(ran.stderr, /There is no job that begins with ffff.*\n.*There is no job 0199f3c2-8d1e/);
  assert.deepEqual([ran.code, wrong.code, wrong.stdout], [3, 2, '']);
});

test('a run gets the abort with its reason, and its value does not count', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2']);
  const sent = await send('listen', []);
  await until(() => has(at, 'began'), 'the job runs');
  const startedAt = performance.now();

  const ran = await fsq(at, ['revoke', sent.id]);
  await assert.rejects(sent.get('20s'), RevokedError);

  t.diagnostic(`from the command line to the outcome: ${Math.round(performance.now() - startedAt)} ms`);
  assert.equal(ran.code, 0);
  assert.match(ran.stdout, ASKED);
  assert.equal(readFileSync(join(at.path, 'reason'), 'utf8'), 'RevokedError FSQ_REVOKED');
  assert.equal(await sent.state(), 'revoked');
  await until(() => readdirSync(join(at.spool, 'cancel')).length === 0, 'the marker is gone');
  await worker.stop();
  assertAtRest(at.spool, { results: 1 });
});

test('with --terminate a busy loop is killed with what it started, and others go on', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const sent = await send('spin', []);
  await until(() => has(at, 'spinning') && pids(at).length === 2, 'the job runs');
  const [child = 0, grandchild = 0] = pids(at);
  const after = await send('note', [3]);
  const startedAt = performance.now();

  const ran = await fsq(at, ['revoke', sent.id, '--terminate']);
  await assert.rejects(sent.get('20s'), { code: 'FSQ_REVOKED', message: /was revoked while attempt 1 ran/ });

  t.diagnostic(`from the command line to the outcome: ${Math.round(performance.now() - startedAt)} ms`);
  assert.match(ran.stdout, ASKED);
  await until(() => !isProcessAlive(child) && !isProcessAlive(grandchild), 'both processes are gone');
  await after.get('20s');
  await worker.stop();
  assertAtRest(at.spool, { results: 2 });
  const { record } = (await sent.info()) ?? {};
  assert.equal(record?.attempts.length, 1);
});

test('a run whose worker was killed hears of it as well', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const sent = await send('listen', []);
  await until(() => has(at, 'began'), 'the job runs');
  worker.kill('SIGKILL');
  await until(() => !isProcessAlive(worker.pid), 'the worker is gone');

  const ran = await fsq(at, ['revoke', sent.id]);
  await assert.rejects(sent.get('20s'), RevokedError);

  assert.match(ran.stdout, ASKED);
  assert.equal(readFileSync(join(at.path, 'reason'), 'utf8'), 'RevokedError FSQ_REVOKED');
});

test('a child whose worker was killed kills itself with what it started, and what ran beside goes back uncounted', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--slots', '2']);
  const beside = await send('listen', []);
  const sent = await send('idle', []);
  await until(() => has(at, 'began') && has(at, 'spinning') && pids(at).length === 2, 'both jobs run');
  worker.kill('SIGKILL');
  await until(() => !isProcessAlive(worker.pid), 'the worker is gone');

  const ran = await fsq(at, ['revoke', sent.id, '--terminate']);
  await until(() => pids(at).every((pid) => !isProcessAlive(pid)), 'both processes are gone');
  const again = await fsq(at, ['revoke', sent.id, '--terminate']); // A slow machine may have needed longer than the first waits.

  assert.match(ran.stdout, ASKED);
  assert.equal(ran.stderr, '');
  assert.equal(again.stdout, `${sent.id} idle revoked\n`);
  await assert.rejects(sent.get('1s'), { code: 'FSQ_REVOKED', message: /was revoked while attempt 1 ran/ });
  assert.equal(await beside.state(), 'delayed');
  assert.equal((await beside.info())?.standing.crashes, 0);
  assertAtRest(at.spool, { results: 1, delayed: 1 });
});

test('a busy loop that no worker looks after any more is revoked when the next worker finds it', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const sent = await send('spin', []);
  await until(() => has(at, 'spinning') && pids(at).length === 2, 'the job runs');
  worker.kill('SIGKILL');
  await until(() => !isProcessAlive(worker.pid), 'the worker is gone'); // Its streams stay open: the child has them too.

  const ran = await fsq(at, ['revoke', sent.id, '--terminate']);
  const explained = await fsq(at, ['explain', sent.id]);
  const [child = 0] = pids(at);
  for (const pid of pids(at)) process.kill(pid, 'SIGKILL');
  await until(() => pids(at).every((pid) => !isProcessAlive(pid)), 'the processes are gone');
  const again = await fsq(at, ['revoke', sent.id]);

  assert.equal(ran.stdout, `${sent.id} spin requested\n`);
  const advice = `whose worker is gone, and which has not answered for [0-9]+ s or longer\\. \`kill -9 ${child}\` ends it by hand`;
  for (const told of [ran.stderr, explained.stdout.replace(/\s+/g, ' ')]) {
    assert.match(told, /No process is there to kill it/);
    assert.match(told, new RegExp(advice));
    assert.doesNotMatch(told, /kills its process/);
  }
  assert.equal(again.stdout, `${sent.id} spin revoked\n`);
  await assert.rejects(sent.get('1s'), RevokedError);
});

function pids(at: Project): readonly number[] {
  const words = readFileSync(join(at.path, 'spinning'), 'utf8').split(' ');
  return words.slice(0, -1).map(Number);
}
