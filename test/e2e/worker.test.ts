/** A worker's ordinary life: jobs of every kind through the real command line and real forks. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TaskError } from 'fsq';
import { isProcessAlive } from '../support/processes.ts';
import { type Project, fsq, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { assertAtRest } from '../support/at-rest.ts';

const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';
export const add = task('add', async (a, b) => a + b);
export const order = task('order', async (n) => appendFileSync('order.txt', n + ' '));
export const boom = task('boom', async () => { throw new RangeError('too far', { cause: new Error('why') }); });
export const odd = task('odd', async () => { throw 'a string'; });
export const big = task('big', async () => 10n);
export const size = task('size', async (text) => text.length);
export const who = task('who', async () => { const { id, attempt, queue, headers } = currentJob(); return { id, attempt, queue, headers }; });
`;

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

test('a job goes from delay to get through a worker, and nothing but its outcome is left', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2']);

  const value = await (await send('add', [1, 2])).get('10s');
  const end = await worker.stop();

  assert.equal(value, 3);
  assert.equal(end.code, 0);
  assertAtRest(at.spool, { results: 1 });
});

test('what the task throws comes back as a TaskError with its name, message, cause and attempts', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const error: unknown = await (await send('boom', [])).get('10s').catch((reason: unknown) => reason);

  assert(error instanceof TaskError);
  const { remoteName, message, attempts, cause } = error;
  assert.deepEqual({ remoteName, message, attempts }, { remoteName: 'RangeError', message: 'too far', attempts: 1 });
  assert.equal((cause as { message?: unknown }).message, 'why');
});

test('a thrown non-Error and a result that JSON cannot carry are failed outcomes that say so', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const odd = await send('odd', []);
  const big = await send('big', []);

  await assert.rejects(odd.get('10s'), /threw "a string", which is not an Error/);
  await assert.rejects(
    big.get('10s'),
    (error: unknown) => error instanceof TaskError && error.remoteCode === 'FSQ_NOT_SERIALISABLE',
  );
});

test('arguments of 1 MB arrive whole; more than 4 MiB are refused before anything is queued', async (t) => {
  const at = project(t);
  const { send, app } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const length = await (await send('size', ['x'.repeat(1_000_000)])).get('10s');

  assert.equal(length, 1_000_000);
  await assert.rejects(send('size', ['x'.repeat(4 * 1024 * 1024)]), { code: 'FSQ_TOO_LARGE' });
  assert.equal((await (await app.broker()).counts()).pending, 0);
});

test('one child runs jobs in the order they were sent, urgent ones first', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  for (const n of [1, 2, 3]) await send('order', [n]);
  await send('order', [0], { priority: 0 });
  await send('order', [9], { priority: 9 });
  await send('order', [4]);

  const { code } = await fsq(at, ['worker', '-c', '1', '--burst', '-l', 'warn']);

  assert.equal(code, 0);
  assert.equal(readFileSync(join(at.path, 'order.txt'), 'utf8'), '0 1 2 3 4 9 ');
});

test('a worker takes jobs of the queues it was given and leaves the others', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const mail = await send('who', [], { queue: 'mail', headers: { trace: 'abc' } });
  const other = await send('add', [1, 1], { queue: 'other' });

  await fsq(at, ['worker', '-Q', 'mail,urgent', '--burst', '-c', '1']);

  assert.deepEqual(await mail.get(0), { id: mail.id, attempt: 1, queue: 'mail', headers: { trace: 'abc' } });
  assert.equal(await other.state(), 'pending');
});

test('a job with a countdown is delayed until it is due, then runs', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const sentAtMs = Date.now();
  const result = await send('who', [], { countdown: 400 });
  const state = await result.state();
  const wasDue = Date.now() >= sentAtMs + 400;
  await result.get('10s');
  const record = (await result.info())?.record;

  assert.ok(state === 'delayed' || wasDue, state);
  const startedAfterMs = (record?.attempts[0]?.startedAtMs ?? 0) - sentAtMs;
  t.diagnostic(`started after ${startedAfterMs} ms`);
  assert.ok(startedAfterMs >= 400, `started after ${startedAfterMs} ms`);
});

test('a job whose task nobody knows is parked, and runs as soon as a worker comes that knows it', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const result = await send('ad', [1, 2]);

  await worker.printed(/ad [0-9a-f-]+ is parked: no worker here knows task ad; did you mean add\?/);
  await worker.stop();
  const parked = await result.info();
  const second = tempProject(t, {
    'tasks.js': `import { task } from 'fsq'; export const ad = task('ad', (a, b) => a * 10 + b);`,
  });
  await startWorker(t, second, ['-c', '1', '--spool', at.spool]);

  assert.equal(parked?.state, 'delayed');
  assert.equal(parked.standing.attempt, 0);
  assert.match(parked.record?.parked?.reason ?? '', /did you mean add/);
  assert.equal(await result.get('5s'), 12);
});

test('a burst ends by itself when nothing is ready, and leaves what is delayed', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const first = await send('add', [1, 1]);
  const later = await send('add', [2, 2], { countdown: '1h' });

  const { code } = await fsq(at, ['worker', '--burst', '-c', '3']);

  assert.equal(code, 0);
  assert.equal(await first.get(0), 2);
  assert.equal(await later.state(), 'delayed');
  assertAtRest(at.spool, { results: 1, delayed: 1 });
});

test('a spool whose path has 300 characters works like any other', async (t) => {
  const at = project(t);
  const deep = join(at.path, ...Array.from({ length: 6 }, (_, i) => `${i}`.repeat(50)), 'spool');
  assert(deep.length > 300);
  const { send } = sender(t, { ...at, spool: deep });
  const worker = await startWorker(t, at, ['-c', '2', '--spool', deep]);

  const value = await (await send('add', [20, 3])).get('10s');
  const { code } = await worker.stop();

  assert.equal(value, 23);
  assert.equal(code, 0);
  assertAtRest(deep, { results: 1 });
});

test('a spool that is taken away ends the worker with 75, and it is not made anew', async (t) => {
  const at = project(t);
  const worker = await startWorker(t, at, ['-c', '2']);

  const { renameSync } = await import('node:fs');
  renameSync(at.spool, `${at.spool}-away`);
  const { code } = await worker.ended;

  assert.equal(code, 75);
  assert(!existsSync(at.spool));
});

test('a worker that is idle leaves no process behind when it ends', async (t) => {
  const at = project(t);
  const worker = await startWorker(t, at, ['-c', '3']);
  const { send } = sender(t, at);
  await (await send('add', [1, 2])).get('10s');
  const owners = readdirSync(join(at.spool, 'workers')).filter((name) => name.endsWith('.json'));
  const pids = owners.map((name) => Number(name.split('-')[0]));

  await worker.stop();

  assert(pids.length >= 2, `owners: ${owners.join(' ')}`);
  assert.deepEqual(pids.filter(isProcessAlive), []);
});
