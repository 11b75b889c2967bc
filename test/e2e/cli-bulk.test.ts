/** `fsq revoke` and `fsq forget` of all jobs that a filter chooses, by real command lines; test/e2e/cli-retry.test.ts has `fsq retry`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { returned, threw } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, tempProject } from '../support/project.ts';

const NOBODY = '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3';

test('fsq revoke ends those that wait and are chosen, after a dry run that says which', async (t) => {
  const project = tempProject(t, {});
  const [mail = '', late = ''] = await pendingJobs(
    project.spool,
    { task: 'mail', args: ['ada@example.com'] },
    { task: 'mail', args: ['ada@example.com'], etaMs: Date.now() + 3_600_000 },
    { task: 'mail', args: ['bob@example.com'] },
  );
  const line = ['revoke', '--task', 'mail', '--text', 'ada@'];

  const dry = await fsq(project, [...line, '--dry-run']);
  const asked = await fsq(project, line);
  const ran = await fsq(project, [...line, '--yes', '--json']);

  assert.equal(
    dry.stdout,
    `${mail} mail would be revoked\n${late} mail would be revoked\n2 jobs: 2 would be revoked.\n`,
  );
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /Expected --yes to revoke 2 jobs of .*: nobody can be asked here/);
  assert.deepEqual(
    [ran.code, JSON.parse(ran.stdout)],
    [
      0,
      [
        { id: mail, task: 'mail', result: 'revoked' },
        { id: late, task: 'mail', result: 'revoked' },
      ],
    ],
  );
  assert.equal(namesIn(project.spool, 'pending').length, 1, "bob's is not touched");
});

test('of many the first are listed, and all are counted by their tasks', async (t) => {
  const project = tempProject(t, {});
  await pendingJobs(project.spool, ...Array.from({ length: 25 }, (_, i) => ({ task: i < 20 ? 'mail' : 'report' })));

  const { stdout } = await fsq(project, ['revoke', '--all', '--dry-run']);

  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 12);
  assert.deepEqual(lines.slice(10), ['… and 15 more; in all 20 mail, 5 report', '25 jobs: 25 would be revoked.']);
});

test('fsq forget removes outcomes: by ids, and those that are chosen', async (t) => {
  const project = tempProject(t, {});
  const first = await settledJob(project.spool, { task: 'report' }, returned(1));
  const second = await settledJob(project.spool, { task: 'report' }, returned(1));
  const failed = await settledJob(project.spool, { task: 'report' }, threw('no'));
  const [waiting = ''] = await pendingJobs(project.spool, {});

  const byId = await fsq(project, ['forget', first.slice(0, 34), NOBODY, waiting]);
  const dry = await fsq(project, ['forget', '--state', 'succeeded', '--dry-run']);
  const done = await fsq(project, ['forget', '--state', 'succeeded', '--task', 'report', '--yes']);

  assert.equal(byId.stdout, `${first} report\n1 outcome was forgotten, 2 not.\n`);
  assert.equal(byId.code, 3);
  assert.match(byId.stderr, /There is no job 0199f3c2.*\n.*Expected job .* to have ended: .*\(FSQ_NOT_ENDED\)\n$/);
  assert.equal(dry.stdout, `${second} report\n1 outcome would be forgotten.\n`);
  assert.deepEqual([done.code, done.stdout], [0, `${second} report\n1 outcome was forgotten.\n`]);
  assert.deepEqual(namesIn(project.spool, 'results'), [`${failed}.json`]);
});

describe('is wrong usage, and changes nothing:', () => {
  for (const [line, message] of [
    [['revoke'], /Expected ids of jobs, or which are meant: .*; --all for all that wait or run/],
    [['forget'], /--all for all that have ended/],
    [['revoke', '--yes'], /Expected ids of jobs/],
    [['revoke', NOBODY, '--task', 'mail'], /Expected ids of jobs or --task, got both/],
    [['revoke', '--all', '--task', 'mail'], /Expected --all alone, got --task too/],
    [['revoke', '--state', 'failed'], /got "failed": what has ended cannot be revoked; `fsq forget`/],
    [['forget', '--state', 'running'], /got "running": only what has ended is forgotten; `fsq revoke`/],
    [['forget', 'nonsense'], /Expected a job id/],
  ] as const)
    test(line.join(' '), async (t) => {
      const project = tempProject(t, {});
      await pendingJobs(project.spool, {});

      const { code, stdout, stderr } = await fsq(project, line);

      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
      assert.equal(namesIn(project.spool, 'pending').length, 1);
    });
});
