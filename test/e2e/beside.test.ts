/** Progress and checkpoints of jobs of a real worker, whatever ends their runs, and what the command line shows of them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until, within } from '../support/conditions.ts';
import { type Project, fsq, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
const AT_ONCE = { initial: 0, max: 0 };
// A run that is killed earlier has no checkpoint yet: a disk may take a good part of a second for one.
const KEPT_BY_THEN = '2s';
const forever = () => new Promise(() => setInterval(() => undefined, 1_000));
/** In its first run it keeps a checkpoint and ends as told; the next one gives what it found. */
const dying = (end) => async () => {
  const job = currentJob();
  if (job.attempt > 1) return job.checkpointed ?? 'nothing';
  job.progress(0.8);
  await job.checkpoint({ row: 80 });
  return end();
};
task('throws', { retries: 1, backoff: AT_ONCE }, dying(() => { throw new Error('no'); }));
task('asks', { retries: 1, backoff: AT_ONCE }, dying(() => currentJob().retry()));
task('exits', dying(() => process.exit(3)));
task('killed', dying(() => process.kill(process.pid, 'SIGKILL') && forever()));
task('late', { timeLimit: KEPT_BY_THEN, retries: 1, backoff: AT_ONCE }, dying(forever));
task('spins', { timeLimit: KEPT_BY_THEN, retries: 1, backoff: AT_ONCE }, dying(() => { for (;;); }));
task('stays', dying(forever));
task('fails', dying(() => { currentJob().progress(0.81); currentJob().progress({ done: 9, total: 10 }, { step: 'ä' }); throw new Error('no'); }));
task('blocks', (ms, until = 'never') => {
  for (const endAt = Date.now() + ms; Date.now() < endAt && !existsSync(until); ) currentJob().progress(Math.min(0.99, 1 - (endAt - Date.now()) / ms));
  currentJob().progress(1);
});
task('bad', async (what) => {
  const job = currentJob();
  if (what === 'NaN') job.progress(NaN);
  if (what === 'two') job.progress(2);
  if (what === 'megabyte') job.progress(0.5, 'x'.repeat(1024 * 1024));
  if (what === 'date') await job.checkpoint({ at: new Date() });
  if (what === 'not awaited') void job.checkpoint({ row: 1 });
});
task('lingers', async () => {
  const job = currentJob();
  setTimeout(() => job.progress(0.5), 50);
});
`;

const project = (t: Parameters<typeof tempProject>[0]): Project => tempProject(t, { 'tasks.js': TASKS });

describe('the next attempt finds the checkpoint of a run that', () => {
  for (const name of ['throws', 'asks', 'exits', 'killed', 'late', 'spins']) {
    test(name, async (t) => {
      const at = project(t);
      const { send } = sender(t, at);
      const worker = await startWorker(t, at, ['-c', '1']);

      const job = await send(name, []);

      assert.deepEqual(await within(job.get('30s'), 'the next attempt', 40_000), { row: 80 });
      assert.equal((await job.info())?.progress?.value, 0.8);
      await worker.stop();
      assert.deepEqual(readdirSync(join(at.spool, 'checkpoints')), [], 'it goes when the job succeeds');
    });
  }

  test('a deploy has stopped by force', async (t) => {
    const at = project(t);
    const { send } = sender(t, at);
    const old = await startWorker(t, at, ['-c', '1']);
    const job = await send('stays', []);
    await until(async () => (await job.info())?.progress?.value === 0.8, 'it runs');
    await until(() => existsSync(join(at.spool, 'checkpoints', `${job.id}.json`)), 'it has kept a checkpoint');
    old.kill('SIGTERM');
    await old.printed(/finishing the jobs at hand/); // Two signals at a time may arrive as one.
    old.kill('SIGTERM');
    await old.ended;

    const worker = await startWorker(t, at, ['-c', '1']);

    assert.deepEqual(await job.get('30s'), { row: 80 });
    await worker.stop();
  });
});

test('a failed job keeps its last progress and its checkpoint, and goes on there when it is sent back', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const job = await send('fails', []);
  await assert.rejects(job.get('20s'), { code: 'FSQ_TASK_FAILED' });

  const shown = await fsq(at, ['show', job.id]);
  const json = JSON.parse((await fsq(at, ['show', job.id, '--json'])).stdout) as { progress: object };
  const listed = await fsq(at, ['ls']);
  const [row] = JSON.parse((await fsq(at, ['ls', '--json'])).stdout) as { progress: object }[];
  await job.retry();

  assert.match(shown.stdout, /^progress +90 % \(9 of 10\), \d+ \w+ ago\ndetail +\{"step":"ä"\}$/m);
  assert.match(listed.stdout, /^ID +TASK +STATE +QUEUE +ATTEMPT +PROGRESS +WHEN\n.* 1 +90 % \(9 of 10\) +ended /);
  const { atMs, ...progress } = (await job.info())?.progress ?? assert.fail('no progress');
  assert.deepEqual(progress, { value: 0.9, done: 9, total: 10, detail: { step: 'ä' }, attempt: 1 });
  assert.deepEqual(json.progress, { ...progress, atMs });
  assert.deepEqual(row?.progress, { value: 0.9, done: 9, total: 10, attempt: 1, atMs }, 'a listing shows no detail');
  assert.deepEqual(await job.get('20s'), { row: 80 });
  await worker.stop();
});

test('a task that blocks its process is seen to go on', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const sentAt = performance.now();
  const job = await send('blocks', [60_000, 'seen.txt']);
  const seen = new Set<number>();
  const look = async (): Promise<string | undefined> => {
    const { progress, state } = (await job.info()) ?? {};
    if (progress) seen.add(progress.value);
    return state;
  };

  await until(async () => (await look()) === 'running' && seen.size >= 12, 'so much is seen while it runs');
  const most = 4 + (performance.now() - sentAt) / 250;
  assert.ok(seen.size <= most, `written more often than four times a second: ${seen.size}, and not ${most}`);
  writeFileSync(join(at.path, 'seen.txt'), '');
  await until(async () => (await look()) === 'succeeded', 'it has ended');

  assert.ok(seen.has(1), 'the last is seen with the outcome');
  await worker.stop();
});

test('bad progress and bad checkpoints fail their run with a code, and the worker goes on', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const codes: Record<string, unknown> = {};

  for (const what of ['NaN', 'two', 'megabyte', 'date', 'not awaited', 'nothing']) {
    const job = await send('bad', [what]);
    codes[what] = await job.get('20s').catch((error: { readonly remoteCode?: string }) => error.remoteCode);
  }
  await (await send('lingers', [])).get('20s');
  await (await send('blocks', [100])).get('20s');
  const { code } = await worker.stop();

  assert.deepEqual(codes, {
    NaN: 'FSQ_USAGE',
    two: 'FSQ_USAGE',
    megabyte: 'FSQ_TOO_LARGE',
    date: 'FSQ_NOT_SERIALISABLE',
    'not awaited': undefined,
    nothing: undefined,
  });
  assert.equal(code, 0);
});

test('without any progress the listing has no column for it', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await send('bad', ['nothing']);

  const { stdout } = await fsq(at, ['ls']);

  assert.match(stdout, /^ID +TASK +STATE +QUEUE +ATTEMPT +WHEN\n/);
});

test('fsq show tells of a checkpoint; one that cannot be read is told in the log of the job too', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const [kept, broken] = [await send('fails', []), await send('asks', [])];
  await fsq(at, ['worker', '--burst', '-c', '1', '-l', 'silent']);
  const shown = await fsq(at, ['show', kept.id]);
  const shownJson = await fsq(at, ['show', kept.id, '--json']);
  writeFileSync(join(at.spool, `checkpoints/${kept.id}.json`), '{"v":1,"attempt":1,"val');
  const unread = await fsq(at, ['show', kept.id]);
  await fsq(at, ['retry', kept.id]);
  await fsq(at, ['worker', '--burst', '-c', '1', '-l', 'silent']);

  const { stdout } = await fsq(at, ['logs', kept.id]);

  assert.match(shown.stdout, /^checkpoint +\d+ B, of attempt 1, \d+ m?s ago$/m);
  const { checkpoint } = JSON.parse(shownJson.stdout) as { checkpoint: Record<string, unknown> };
  assert.deepEqual([checkpoint['attempt'], checkpoint['problem']], [1, null]);
  assert.match(unread.stdout, /^checkpoint +cannot be read: it is no checkpoint; the next attempt begins anew$/m);
  assert.match(stdout, / fsq the checkpoint cannot be read \(it is no checkpoint\): this attempt begins anew$/m);
  assert.equal(await kept.get('5s'), 'nothing');
  assert.ok(!(await fsq(at, ['show', broken.id])).stdout.includes('checkpoint'));
});
