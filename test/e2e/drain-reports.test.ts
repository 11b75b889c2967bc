/** What `fsq drain` tells off a terminal, and what it refuses, by real command lines. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { JSON_SUMMARY, summaryOf, TASKS } from '../support/drained.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, tempProject } from '../support/project.ts';

describe('fsq drain tells', () => {
  test('of ten thousand jobs each once', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(
      project.spool,
      ...Array.from({ length: 10_000 }, (_, i) => ({ task: i % 1_000 === 0 ? 'bad' : 'ok' })),
    );

    const { code, stdout } = await fsq(project, JSON_SUMMARY, { timeoutMs: 120_000 });

    assert.deepEqual([code, summaryOf(stdout).jobs], [1, { succeeded: 9_990, failed: 10, revoked: 0, expired: 0 }]);
  });

  test('a job of a megabyte of control characters in lines that no terminal obeys', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'noise' });

    const { code, stdout, stderr } = await fsq(project, ['drain', '-c', '1', '--junit', 'r.xml', '--github']);

    assert.equal(code, 1);
    const xml = readFileSync(join(project.path, 'r.xml'), 'utf8');
    for (const text of [stdout, stderr, xml]) {
      assert.ok(text.length < 200_000, `${text.length} characters`);
      // eslint-disable-next-line no-control-regex -- what a terminal obeys is what must not be there
      assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text));
    }
  });

  test('CI servers, by a report that is there as a whole, annotations, and the summary of the step', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'bad' }, { task: 'ok' });
    const step = join(project.path, 'step.md');
    writeFileSync(step, 'before\n');
    const env = { GITHUB_STEP_SUMMARY: step, GITHUB_WORKSPACE: project.path };

    const { code, stdout, stderr } = await fsq(
      project,
      ['drain', '--junit', 'out.xml', '--github', '--summary', 'md'],
      { env },
    );

    assert.equal(code, 1);
    assert.match(stderr, /^::error file=tasks\.mjs,line=5,title=task bad::TypeError: no /m);
    assert.equal(readFileSync(step, 'utf8'), `before\n${stdout}`);
    assert.match(stdout, /^\| bad \| 0 \| 1 \| 0 \|/m);
    const xml = readFileSync(join(project.path, 'out.xml'), 'utf8');
    assert.match(xml, /<testsuite name="bad" tests="1" failures="1".* file=".*tasks\.mjs" line="5">/);
    assert.match(xml, /<\/testsuites>\n$/);
    assert.deepEqual(
      readdirSync(project.path).filter((name) => name.includes('.draft')),
      [],
    );
  });

  test('that a report could not be written, and a good end is none then', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'ok' });
    const env = { GITHUB_STEP_SUMMARY: join(project.path, 'none', 'step.md') };

    const { code, stderr } = await fsq(project, ['drain', '-c', '1', '--github'], { env });

    assert.equal(code, 74);
    assert.match(stderr, /none\/step\.md could not be written: ENOENT/);
  });
});

describe('wrong usage of fsq drain runs no job:', () => {
  for (const [args, error] of [
    [['--summary', 'xml'], /--summary.* one of text, json, md/],
    [['--summary', 'jsn'], /did you mean json/],
    [['--junit', ''], /Expected --junit to name a file/],
    [['--junit', 'none/r.xml'], /--junit to name a file in a folder that exists/],
    [['--junit', 'folder'], /Expected --junit to name a file/],
    [['--timeout', '0s'], /--timeout.*more than 0/],
    [['--timeout', '10'], /--timeout.*a duration with its unit/],
    [['-c', '0'], /--concurrency/],
    [['--in-order'], /Expected --queues with --in-order/],
    [['-Q', 'a,a'], /each queue once/],
    [['--fail-fst'], /did you mean --fail-fast/],
    [['extra'], /"extra" is one argument too many/],
  ] as const)
    test(args.join(' '), async (t) => {
      const project = tempProject(t, TASKS);
      mkdirSync(join(project.path, 'folder'));
      await pendingJobs(project.spool, { task: 'ok' });

      const { code, stderr } = await fsq(project, ['drain', ...args]);

      assert.equal(code, 2);
      assert.match(stderr, error);
      assert.equal(namesIn(project.spool, 'pending').length, 1);
    });

  test('task modules that cannot be loaded', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': 'throw new Error("no such luck");' });
    await pendingJobs(project.spool, {});

    const { code, stdout, stderr } = await fsq(project, JSON_SUMMARY);

    assert.match(stderr, /fsq drain: Error: no such luck[^]*FSQ_IMPORT_FAILED/);
    assert.deepEqual([code, summaryOf(stdout).exitCode, summaryOf(stdout).unfinished], [78, 78, 1]);
  });

  test('a project without tasks', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});

    const { code, stderr } = await fsq(project, ['drain']);

    assert.deepEqual([code, /FSQ_NO_TASKS/.test(stderr)], [78, true]);
  });
});
