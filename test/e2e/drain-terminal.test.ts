/** `fsq drain` as a person sees it: on a terminal, which may be small, dumb, resized or gone. Off one: a reader that goes, a spool that vanishes. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { TASKS } from '../support/drained.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { namesIn } from '../support/invariants.ts';
import { lacksProgram } from '../support/needs.ts';
import { fsq, type Project, REPOSITORY, run, tempProject } from '../support/project.ts';
import { fsqInTerminal } from '../support/terminal.ts';

/** A project with a job that runs until the file `go` is there. */
async function withWaitingJob(
  t: TestContext,
  ...others: Parameters<typeof pendingJobs>[1][]
): Promise<Project & { go: string }> {
  const project = tempProject(t, TASKS);
  const go = join(project.path, 'go');
  await pendingJobs(project.spool, ...others, { task: 'wait', args: [go], priority: 9 });
  return { ...project, go };
}

/** Ids, times and rates as they always look. */
function settled(rows: readonly string[]): readonly string[] {
  return rows.map((row) =>
    row
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
      .replace(/\b\d+ m?s\b/g, 'TIME')
      .replace(/file:\/\/\S+\/tasks/g, 'PATH/tasks'),
  );
}

const skip = lacksProgram('tmux');

describe('fsq drain on a terminal', { skip }, () => {
  test('shows a failure with its output at once, above a line of what goes on, and a summary at the end', async (t) => {
    const project = await withWaitingJob(t, { task: 'bad' }, { task: 'ok' });

    const terminal = await fsqInTerminal(t, project, 'drain -c 1', { columns: 100 });
    await until(() => existsSync(`${project.go}.began`), 'the last job runs');
    const during = await terminal.shows(/^\[2\/3, 1 failed, 1 running\] .*wait$/);
    writeFileSync(project.go, '');
    const after = await terminal.shows(/exit=/);

    assert.deepEqual(settled(during).slice(0, 3), [
      'failed bad ID after TIME: TypeError: no \\u{1b}[2J way',
      '  at PATH/tasks.mjs:5:57',
      '  | about to fail',
    ]);
    assert.equal(during.length, 4);
    assert.deepEqual(settled(after).slice(3), ['3 jobs: 2 succeeded, 1 failed in TIME', 'exit=1']);
  });

  test('keeps to one row, also of a narrow terminal that is resized', async (t) => {
    const project = await withWaitingJob(t);

    const terminal = await fsqInTerminal(t, project, 'drain -c 1', { columns: 30, rows: 8 });
    const narrow = await terminal.shows(/^\[0\/1, 0 failed, 1 running\] w…$/);
    await terminal.resize(80, 8);
    await terminal.shows(/^\[0\/1, 0 failed, 1 running\] wait$/);
    await terminal.resize(22, 8);
    const small = await terminal.shows(/^\[0\/1, 0 failed, 1 ru…$/);
    writeFileSync(project.go, '');
    const after = await terminal.shows(/exit=0/);

    assert.equal(narrow.length, 1);
    assert.equal(small.at(-1), '[0/1, 0 failed, 1 ru…');
    assert.deepEqual(after.filter((row) => row.startsWith('[')).length <= 1, true, after.join('\n'));
  });

  for (const [name, env] of [
    ['a dumb terminal', { TERM: 'dumb' }],
    ['somebody who asks for no colours', { NO_COLOR: '1' }],
  ] as const)
    test(`writes nothing to ${name} that it does not want`, async (t) => {
      const project = tempProject(t, TASKS);
      await pendingJobs(project.spool, { task: 'bad' }, { task: 'ok' });
      const bin = `${process.execPath} ${REPOSITORY}/bin/fsq.js drain -c 1`;

      const { stdout } = await run(project, 'script', ['-qec', bin, '/dev/null'], { env: { TERM: 'xterm', ...env } });

      assert.match(stdout, /failed bad/);
      assert.ok(!stdout.includes('\u001b[31m'));
      assert.equal(stdout.includes('\r['), name !== 'a dumb terminal');
    });

  test('Ctrl-C finishes the job at hand, and no other begins', async (t) => {
    const project = await withWaitingJob(t);

    const terminal = await fsqInTerminal(t, project, 'drain -c 1');
    await until(() => existsSync(`${project.go}.began`), 'the job runs');
    await pendingJobs(project.spool, { task: 'ok', priority: 9 });
    await terminal.type('C-c');
    await terminal.shows(/^SIGINT: finishing the jobs at hand; once more stops them and queues them again$/);
    writeFileSync(project.go, '');
    const after = await terminal.shows(/exit=/);

    assert.deepEqual(settled(after).slice(-4), [
      '1 job: 1 succeeded in TIME',
      'ended by SIGINT',
      '1 job is not done',
      'exit=130',
    ]);
    assert.equal(namesIn(project.spool, 'pending').length, 1);
  });

  test('a second Ctrl-C stops it, and the job is queued again', async (t) => {
    const project = await withWaitingJob(t);

    const terminal = await fsqInTerminal(t, project, 'drain -c 1');
    await until(() => existsSync(`${project.go}.began`), 'the job runs');
    await terminal.type('C-c');
    await terminal.shows(/^SIGINT: finishing/);
    await terminal.type('C-c');
    await terminal.shows(/exit=130/);

    assert.equal(namesIn(project.spool, 'pending').length, 1);
  });

  test('a terminal that goes away ends it after the jobs at hand', async (t) => {
    const project = await withWaitingJob(t);

    const terminal = await fsqInTerminal(t, project, 'drain -c 1');
    await until(() => existsSync(`${project.go}.began`), 'the job runs');
    await terminal.close();
    writeFileSync(project.go, '');

    await until(() => namesIn(project.spool, 'results').length === 1, 'the job has ended');
    await until(() => namesIn(project.spool, 'running').length === 0, 'the drain has ended');
  });
});

describe('fsq drain goes on', () => {
  for (const [name, pipe] of [
    ['stdout', '| true'],
    ['stderr', '2>&1 > /dev/null | true'],
    ['both', '2>&1 | head -c 1 > /dev/null'],
  ] as const)
    test(`when nobody reads ${name}`, async (t) => {
      const project = tempProject(t, TASKS);
      await pendingJobs(project.spool, ...Array.from({ length: 50 }, () => ({ task: 'bad' })));
      const line = `${process.execPath} ${REPOSITORY}/bin/fsq.js drain -c 1 ${pipe}; exit \${PIPESTATUS[0]}`;

      const { code } = await run(project, 'bash', ['-c', line]);

      assert.equal(code, 1);
      assert.equal(namesIn(project.spool, 'results').length, 50);
    });
});

test('a spool that vanishes ends a drain with 75', async (t) => {
  const project = await withWaitingJob(t);
  const draining = fsq(project, ['drain', '-c', '1']);
  await until(() => existsSync(`${project.go}.began`), 'the job runs');

  rmSync(project.spool, { recursive: true, force: true, maxRetries: 5 });
  const { code, stderr } = await draining;

  assert.equal(code, 75, stderr);
  assert.match(stderr, /fsq drain: .*\(FSQ_\w+\)/);
});
