/** `fsq check`, by real command lines. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { returned, threw } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, startWorker, tempProject } from '../support/project.ts';

/** The time of an id that was made so long ago. */
function idFrom(agoMs: number): string {
  const time = (Date.now() - agoMs).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000001`;
}

describe('fsq check', () => {
  test('is good where nothing is wrong, and says so in one line with figures', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\ntask('ok', () => 1);\n` });
    await startWorker(t, project, ['-c', '2']);

    const { code, stdout, stderr } = await fsq(project, ['check', '--max-age', '5m', '--max-failed', '0']);

    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(
      stdout,
      'FSQ OK - nothing is wrong | age=0s;;300 late=0s ready=0 delayed=0 running=0 failed=0;;0 parked=0 workers=1\n',
    );
  });

  test('tells how long a job is ready, which is not since when it was sent', async (t) => {
    const project = tempProject(t, {});
    const broker = openSpool({ path: project.spool });
    const hourAgo = Date.now() - 3_600_000;
    const base = { task: 'x', args: [], headers: {}, enqueuedAtMs: hourAgo };
    const later = { ...base, id: idFrom(3_600_000), options: { etaMs: Date.now() - 2_000 } };
    await broker.enqueue([{ job: later, queue: 'default', priority: 5 }]);

    const young = await fsq(project, ['check', '--max-age', '1m']);
    const old = { ...base, id: idFrom(3_000_000), options: {} };
    await broker.enqueue([{ job: old, queue: 'mail', priority: 5 }]);
    const both = await fsq(project, ['check', '--max-age', '1m']);
    const other = await fsq(project, ['check', '--max-age', '1m', '-Q', 'default']);
    await broker.pause('mail');
    const paused = await fsq(project, ['check', '--max-age', '1m']);
    await broker.close();

    assert.deepEqual([young.code, both.code, other.code, paused.code], [0, 2, 0, 0], young.stdout);
    assert.match(
      both.stdout,
      /^FSQ CRITICAL - the oldest ready job waits 1 h \(at most 1 m\), and no worker runs \| age=3\d{3}s;;60 /,
    );
  });

  test('counts failed jobs, with --since the recent ones only', async (t) => {
    const project = tempProject(t, {});
    await settledJob(project.spool, {}, threw('no'));

    const all = await fsq(project, ['check', '--max-failed', '0']);
    const recent = await fsq(project, ['check', '--max-failed', '0', '--since', '0s']);
    const allowed = await fsq(project, ['check', '--max-failed', '1', '--json']);

    assert.deepEqual([all.code, recent.code, allowed.code], [2, 0, 0]);
    assert.match(all.stdout, /^FSQ CRITICAL - 1 job failed \|.* failed=1;;0 /);
    const { status, figures } = JSON.parse(allowed.stdout) as { status: string; figures: { failed: number } };
    assert.deepEqual([status, figures.failed], ['ok', 1]);
  });

  test('counts all failed jobs, however few are too many', async (t) => {
    const project = tempProject(t, {});
    for (let i = 0; i < 3; i++) await settledJob(project.spool, {}, threw('no'));

    const [none, one, many] = await Promise.all(
      ['0', '1', '3'].map((most) => fsq(project, ['check', '--max-failed', most])),
    );

    assert.match(none?.stdout ?? '', /^FSQ CRITICAL - 3 jobs failed \|.* failed=3;;0 /);
    assert.match(one?.stdout ?? '', /^FSQ CRITICAL - 3 jobs failed \(at most 1\) \|.* failed=3;;1 /);
    assert.match(many?.stdout ?? '', /^FSQ OK - nothing is wrong \|.* failed=3;;3 /);
  });

  test('warns where workers run and none takes the queue, and counts a parked job that is ready there, as status does', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\ntask('ok', () => 1);\n` });
    const parked = { reason: 'no worker knows it', sinceMs: Date.now() };
    await settledJob(project.spool, { task: 'nobody' }, { kind: 'park', delayMs: 0, parked });
    await startWorker(t, project, ['-c', '1', '-Q', 'mail']);
    await until(() => namesIn(project.spool, 'pending').length === 1, 'the parked job is ready');
    await pendingJobs(project.spool, { task: 'ok' });

    const check = await fsq(project, ['check']);
    const status = await fsq(project, ['status', '--json']);

    assert.equal(check.code, 1);
    assert.match(
      check.stdout,
      /^FSQ WARNING - no worker takes 2 jobs of queue default; 1 job is parked: .* ready=2 .* parked=1 workers=1$/m,
    );
    const { verdict } = JSON.parse(status.stdout) as { verdict: { problems: readonly { text: string }[] } };
    assert.deepEqual(
      verdict.problems.map(({ text }) => text),
      ['no worker takes 2 jobs of queue default', '1 job is parked: no worker knows the task'],
    );
  });

  test('tells of a job that was due and is delayed still', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, { etaMs: Date.now() + 3_600_000 });
    // Sent for a moment that is near, it might be due before it is sent, and would be ready. Its name says when it is due.
    const delayed = join(project.spool, 'delayed');
    const [name = ''] = namesIn(project.spool, 'delayed');
    renameSync(join(delayed, name), join(delayed, name.replace(/^\d+/, String(Date.now()))));

    const { code, stdout } = await fsq(project, ['check', '--max-delay', '0s']);

    assert.equal(code, 2);
    assert.match(stdout, /^FSQ CRITICAL - a delayed job was due \d+ m?s ago \(at most 0 ms\) \|.* delayed=1 /);
  });

  test('says on stdout what it cannot find out, and exits with 3, also on wrong usage', async (t) => {
    const project = tempProject(t, {});

    const none = await fsq(project, ['check', '--spool', 'a|b']);
    const wrong = await fsq(project, ['check', '--max-age', '5']);
    const unknown = await fsq(project, ['check', '--max-ag', '5m']);

    assert.deepEqual([none.code, wrong.code, unknown.code], [3, 3, 3]);
    assert.match(none.stdout, /^FSQ UNKNOWN - There is no spool at [^|]*a\/b\. .*\(FSQ_NO_SPOOL\)\n$/);
    assert.match(wrong.stderr, /--max-age.*a duration with its unit/);
    assert.match(unknown.stderr, /did you mean --max-age/);
  });

  test('warns of a queue of which nothing is known, and of no other', async (t) => {
    const project = tempProject(t, {});
    await settledJob(project.spool, { queue: 'mail' }, returned(1));

    const [typo, known, usual, wrong] = await Promise.all(
      ['mial', 'mail', 'default', 'Mail'].map((queue) => fsq(project, ['check', '-Q', queue])),
    );

    assert.equal(typo?.code, 1);
    assert.match(typo?.stdout ?? '', /^FSQ WARNING - nothing is known of queue mial: no job, no worker, no outcome \|/);
    assert.deepEqual([known?.code, usual?.code, wrong?.code], [0, 0, 3]);
  });
});
