/** Failing, waiting and being tried again, through real workers. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExpiredError, TaskError, WorkerLostError } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { assertInvariants } from '../support/invariants.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, PermanentError, task } from 'fsq';
const note = () => appendFileSync('ran.txt', currentJob().attempt + ' ');
export const flaky = task('flaky', { retries: 3, backoff: { initial: 20, jitter: false } }, (needed) => {
  note();
  if (currentJob().attempt < needed) throw Object.assign(new Error('not yet'), { code: 'EAGAIN' });
  return currentJob().attempt;
});
export const picky = task('picky', { retries: 3, backoff: 1, retryOn: RangeError }, (kind) => {
  note();
  if (kind === 'permanent') throw new PermanentError('of no use');
  if (kind === 'other') throw new TypeError('another');
  throw new RangeError('passing');
});
export const ask = task('ask', { retries: 1 }, () => { note(); currentJob().retry({ countdown: 10 }); });
export const die = task('die', { onCrash: 'fail' }, () => { note(); process.kill(process.pid, 'SIGKILL'); });
export const late = task('late', () => note());
`;

const ran = (at: Project): string => readFileSync(join(at.path, 'ran.txt'), 'utf8');

test('a job that fails is tried again until it succeeds, and its outcome holds every attempt', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2']);

  const result = await send('flaky', [3], { retries: 3, backoff: { initial: 20, jitter: false } });
  const value = await result.get('20s');
  const end = await worker.stop();

  assert.equal(value, 3);
  assert.equal(ran(at), '1 2 3 ');
  const record = (await result.info())?.record;
  assert.deepEqual(
    record?.attempts.map(({ attempt, error }) => [attempt, error?.message, error?.code]),
    [
      [1, 'not yet', 'EAGAIN'],
      [2, 'not yet', 'EAGAIN'],
      [3, undefined, undefined],
    ],
  );
  for (const [i, waitMs] of [20, 40].entries()) {
    const waitedMs = (record?.attempts[i + 1]?.startedAtMs ?? 0) - (record?.attempts[i]?.endedAtMs ?? 0);
    assert.ok(waitedMs >= waitMs - 1, `attempt ${i + 2} began after ${waitedMs} ms`);
  }
  assert.match(end.stderr, /flaky \S+ failed in attempt 1: Error: not yet; it runs again in 20 ms/);
  assertAtRest(at.spool, { results: 1 });
  await assertInvariants(at.spool);
});

test('a job of another program is tried again as its task says', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  assert.equal(await (await send('flaky', [2])).get('20s'), 2);
  const error: unknown = await (await send('flaky', [9])).get('20s').catch((reason: unknown) => reason);

  assert.ok(error instanceof TaskError);
  assert.deepEqual([error.attempts, error.remoteCode], [4, 'EAGAIN']);
});

test('a PermanentError, an error that retryOn does not name and a used up retry() end the job', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);
  const attempts = async (task: string, args: readonly unknown[]): Promise<unknown> => {
    const error: unknown = await (await send(task, args)).get('20s').catch((reason: unknown) => reason);
    return error instanceof TaskError ? [error.remoteName, error.attempts] : error;
  };

  assert.deepEqual(await attempts('picky', ['permanent']), ['PermanentError', 1]);
  assert.deepEqual(await attempts('picky', ['other']), ['TypeError', 1]);
  assert.deepEqual(await attempts('picky', ['passing']), ['RangeError', 4]);
  assert.deepEqual(await attempts('ask', []), ['RetryError', 2]);
});

test('a task that must not run twice fails when its process dies, and runs once', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const result = await send('die', [], { onCrash: 'fail' });

  await assert.rejects(result.get('20s'), WorkerLostError);
  assert.equal(ran(at), '1 ');
  await assertInvariants(at.spool);
});

test('a job that is too late ends as expired, by fsq call too, and exits with 4', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const waiting = await send('late', [], { expires: new Date(Date.now() - 1) });
  const called = await fsq(at, ['call', 'late', '--expires', '2001-01-01T00:00:00Z', '--retries', '3']);
  await startWorker(t, at, ['-c', '1']);

  await assert.rejects(waiting.get('20s'), ExpiredError);
  const got = await fsq(at, ['get', called.stdout.trim()]);

  assert.equal(await waiting.state(), 'expired');
  assert.deepEqual([got.code, got.stdout], [4, '']);
  assert.match(got.stderr, /could not be started before it expired, at 2001-01-01T00:00:00\.000Z/);
  assert.equal(readdirSync(at.path).includes('ran.txt'), false);
});

test('a burst does not end before a retry that is due at once, although its child asks for more while that is on its way to the disk', async (t) => {
  const at = tempProject(t, {
    'tasks.js': TASKS,
    'fsq.config.json': '{ "fsync": true }',
  });
  const { send } = sender(t, at);
  for (let round = 0; round < 4; round++) {
    const result = await send('flaky', [2], { retries: 1, backoff: 0 });

    await fsq(at, ['worker', '-c', '1', '--burst']);

    assert.equal((await result.info())?.state, 'succeeded', `round ${round}`);
  }
});
