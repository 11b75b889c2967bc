/** `fsq retry`, by real command lines. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Settlement } from '../../src/job/lifecycle.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { nextId, returned, threw } from '../support/factory.ts';
import { fsq, tempProject } from '../support/project.ts';

const NOBODY = '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3';

function ended(state: 'revoked' | 'expired'): Settlement {
  return { kind: 'publish', outcome: { state, error: { name: 'Error', message: `it was ${state}` } } };
}

test('jobs are named by ids: those that may are sent back, the others are told, and the exit code says so', async (t) => {
  const project = tempProject(t, {});
  const failed = await settledJob(project.spool, { task: 'mail' }, threw('no'));
  const good = await settledJob(project.spool, {}, returned(1));
  const expired = await settledJob(project.spool, { task: 'report' }, ended('expired'));
  const [waiting = ''] = await pendingJobs(project.spool, {});

  const dry = await fsq(project, ['retry', failed, '--dry-run']);
  const ran = await fsq(project, ['retry', failed.slice(0, 30), expired, good, waiting]);
  const again = await fsq(project, ['retry', failed, NOBODY, '--json']);

  assert.deepEqual([dry.code, dry.stdout, dry.stderr], [0, `${failed} mail\n1 job would be sent back.\n`, '']);
  assert.deepEqual(ran.stdout, `${failed} mail\n${expired} report\n2 jobs were sent back, 2 not.\n`);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /has succeeded.*\(FSQ_SUCCEEDED\)\n.*has not ended: it waits to run.*\(FSQ_NOT_ENDED\)\n$/s);
  assert.equal(again.code, 3);
  assert.deepEqual(JSON.parse(again.stdout), [{ id: failed, task: 'mail', result: 'refused' }]);
  assert.match(again.stderr, new RegExp(`There is no job ${NOBODY}`));
});

test('the jobs that came after and failed for it are told, and sent back with --next', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\ntask('echo', (value) => value);\n` });
  const [first, second, third] = [nextId(), nextId(), nextId()];
  await settledJob(project.spool, { id: first, args: [7], options: { next: [second] } }, threw('no'));
  await pendingJobs(
    project.spool,
    { id: second, options: { after: first, takes: 'value', next: [third] } },
    { id: third, options: { after: second, takes: 'value' } },
  );
  const burst = await fsq(project, ['worker', '--burst'], { env: { FSQ_LOG_FORMAT: 'text' } });
  assert.equal(burst.code, 1, 'it tells by its code that jobs have failed, although none ran');
  assert.match(
    burst.stderr,
    new RegExp(`Job ${second} \\(echo\\) was not run: job ${first} \\(echo\\), after which it was to run, failed`),
  );

  const dry = await fsq(project, ['retry', first, '--dry-run']);
  const ran = await fsq(project, ['retry', first, '--next']);
  await fsq(project, ['worker', '--burst']);

  assert.match(
    dry.stderr,
    /2 jobs after them failed for that and stay failed: `fsq retry … --next` would send them back too/,
  );
  assert.equal(ran.stdout, [first, second, third].map((id) => `${id} echo\n`).join('') + '3 jobs were sent back.\n');
  assert.equal((await fsq(project, ['get', third])).stdout, '7\n');
});

test('a dry run says what would come of it: keys that others have, files that cannot be read', async (t) => {
  const project = tempProject(t, {});
  const failed = await settledJob(project.spool, { task: 'mail', options: { key: 'ada' } }, threw('no'));
  await fsq(project, ['call', 'mail', '--key', 'ada']);
  writeFileSync(join(project.spool, `results/${NOBODY}.json`), 'no outcome', { mode: 0o600 });

  const lines = [['--dry-run'], []].map((more) => ['retry', failed, NOBODY, ...more]);
  const [dry, real] = [await fsq(project, lines[0] ?? []), await fsq(project, lines[1] ?? [])];

  assert.match(dry.stderr, /has its key "ada" now, and has not ended\. \(FSQ_KEY_TAKEN\)\n.*\(FSQ_CORRUPT_JOB\)\n$/s);
  assert.deepEqual([dry.code, dry.stderr], [real.code, real.stderr]);
  assert.equal(dry.stdout, '0 jobs would be sent back, 2 not.\n');
});

test('of a job whose predecessor has failed it is told which to send back first', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\ntask('echo', (value) => value);\n` });
  const first = await settledJob(project.spool, {}, threw('no'));
  const [second = ''] = await pendingJobs(project.spool, { options: { after: first } });
  await fsq(project, ['worker', '--burst']);

  const alone = await fsq(project, ['retry', second, '--dry-run']);
  const both = await fsq(project, ['retry', second, first, '--dry-run']);

  const hint = `Job ${second} runs after job ${first}, which is failed: send that back first, \`fsq retry ${first}\``;
  assert.deepEqual([alone.code, alone.stderr.includes(hint), both.stderr], [0, true, '']);
});

test('jobs are chosen by state, task, error and time, and run again', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\ntask('mail', () => 'sent');\n` });
  const mail = await settledJob(project.spool, { task: 'mail' }, threw('connect ECONNREFUSED'));
  const other = await settledJob(project.spool, { task: 'mail' }, threw('no such address'));
  const report = await settledJob(project.spool, { task: 'report' }, threw('connect ECONNREFUSED'));
  const revoked = await settledJob(project.spool, { task: 'mail' }, ended('revoked'));
  await settledJob(project.spool, { task: 'mail' }, returned(1));
  const idsOf = (stdout: string): readonly string[] =>
    (JSON.parse(stdout) as readonly { readonly id: string }[]).map(({ id }) => id);
  const chosen = async (...options: readonly string[]): Promise<readonly string[]> =>
    idsOf((await fsq(project, ['retry', '--dry-run', '--json', ...options])).stdout);

  assert.deepEqual(await chosen('--state', 'failed'), [mail, other, report]);
  assert.deepEqual(await chosen('--state', 'failed', '--state', 'revoked', '--task', 'mail'), [mail, other, revoked]);
  assert.deepEqual(await chosen('--state', 'failed', '--error', 'ECONNREFUSED'), [mail, report]);
  assert.deepEqual(await chosen('--state', 'failed', '--since', '1h'), [mail, other, report]);
  assert.deepEqual(await chosen('--state', 'failed', '--since', '1ms'), []);
  const ran = await fsq(project, ['retry', '-s', 'failed', '--task', 'mail', '--error', 'ECONNREFUSED', '--yes']);

  assert.deepEqual([ran.code, ran.stdout], [0, `${mail} mail\n1 job was sent back.\n`]);
  await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'silent']);
  assert.equal((await fsq(project, ['get', mail])).stdout, '"sent"\n');
  assert.equal((await fsq(project, ['get', other])).code, 1);
  assert.equal((await fsq(project, ['retry', '-s', 'expired'])).stdout, '0 jobs were sent back.\n');
});

test('with --args a new job is sent that names the old one', async (t) => {
  const project = tempProject(t, {});
  const id = await settledJob(
    project.spool,
    {
      task: 'mail',
      args: [1],
      queue: 'slow',
      priority: 3,
      headers: { tenant: 'acme' },
      options: { retries: 2, key: 'k' },
    },
    threw('no'),
  );

  const ran = await fsq(project, ['retry', id, '--args', '[2,"b"]', '--json']);

  const sent = JSON.parse(ran.stdout) as { readonly id: string; readonly retryOf: string };
  assert.deepEqual([ran.code, sent.retryOf], [0, id]);
  const shown = JSON.parse((await fsq(project, ['show', sent.id, '--json'])).stdout) as Record<string, unknown>;
  assert.deepEqual(
    [shown['state'], shown['queue'], shown['priority'], shown['args'], shown['headers'], shown['options']],
    ['pending', 'slow', 3, [2, 'b'], { tenant: 'acme', 'fsq.retry-of': id }, { retries: 2 }],
  );
  assert.match((await fsq(project, ['get', id])).stderr, /FSQ_TASK_FAILED/);
});

describe('is wrong usage, and changes nothing:', () => {
  for (const [line, message] of [
    [[], /Expected ids of jobs, or which are meant: --state/],
    [[NOBODY, '--state', 'failed'], /got both/],
    [['--task', 'mail'], /Expected --state beside --task/],
    [['--since', '1h'], /Expected --state beside --since/],
    [['--state', 'succeeded'], /Expected --state to be one of failed, revoked, expired/],
    [['--state', 'failed', '--until', '1h', '--since', '1m'], /nothing lies between/],
    [['--state', 'faild'], /did you mean failed/],
    [['--state', 'failed', '--since', '0s'], /--since/],
    [['--state', 'failed', '--since', '5'], /a duration with its unit/],
    [['--args', '[1]'], /Expected one id beside --args/],
    [[NOBODY, '--args', '{}'], /a JSON array of arguments/],
    [[NOBODY, '--args', '[1]', '--dry-run'], /Expected no --dry-run beside --args/],
  ] as const) {
    test(line.join(' ') || 'nothing', async (t) => {
      const project = tempProject(t, {});
      await pendingJobs(project.spool, {});

      const { code, stdout, stderr } = await fsq(project, ['retry', ...line]);

      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }
});
