/** `fsq drain` off a terminal, by real command lines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { JSON_SUMMARY, summaryOf, TASKS } from '../support/drained.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import type { JobParts } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { BIN, fsq, startWorker, tempProject } from '../support/project.ts';

describe('fsq drain exits by what became of the jobs', () => {
  test('0 when all succeeded, and when there is nothing to do', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, ...Array.from({ length: 5 }, () => ({ task: 'ok' })));

    const first = await fsq(project, ['drain', '-c', '2']);
    const second = await fsq(project, ['drain']);

    assert.deepEqual([first.code, first.stderr], [0, '']);
    assert.match(first.stdout, /^5 jobs: 5 succeeded in /);
    assert.deepEqual([second.code, second.stderr], [0, '']);
    assert.match(second.stdout, /^0 jobs in /);
    assert.equal((await fsq(project, ['drain', '--quiet'])).stdout, '');
  });

  test('1 when one failed: a line at once, and the end of its output in the summary', async (t) => {
    const project = tempProject(t, TASKS);
    const [bad = ''] = await pendingJobs(project.spool, { task: 'bad' }, { task: 'ok' });

    const { code, stdout, stderr } = await fsq(project, ['drain', '-c', '1']);

    assert.equal(code, 1);
    const line = new RegExp(`^failed bad ${bad} after \\d.* m?s: TypeError: no \\\\u\\{1b\\}\\[2J way$`, 'm');
    assert.match(stderr, line);
    assert.match(stdout, line);
    assert.match(stdout, /^2 jobs: 1 succeeded, 1 failed in /);
    assert.match(stdout, /^ {2}\| about to fail$/m);
  });

  test('1 when one failed, told once where both streams have one reader, and with --quiet', async (t) => {
    const project = tempProject(t, TASKS);
    const told = async (command: string): Promise<string> => {
      const [bad = ''] = await pendingJobs(project.spool, { task: 'bad' });
      const args = ['-c', `{ ${command}; } > out 2> err`, 'sh', process.execPath, BIN];
      spawnSync('sh', args, { cwd: project.path });
      const text = ['out', 'err'].map((name) => readFileSync(join(project.path, name), 'utf8')).join('');
      return text.replaceAll(bad, 'ID');
    };
    const once = (text: string): void => {
      assert.equal(text.match(/^failed bad ID /gm)?.length, 1, text);
      assert.equal(text.match(/^ {2}\| about to fail$/gm)?.length, 1, text);
      assert.match(text, /^1 job: 1 failed in /m);
    };

    once(await told('"$@" drain -c 1 2>&1'));
    once(await told('"$@" drain -c 1 --quiet'));
  });

  test('1 when one waits for another attempt, which --delayed waits for', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, {
      task: 'flaky',
      options: { retries: 1, backoff: { initialMs: 60_000, factor: 1, maxMs: 60_000, jitter: false } },
    });
    const other = tempProject(t, TASKS);
    await pendingJobs(other.spool, { task: 'flaky' }, { task: 'ok', etaMs: Date.now() + 300 });

    const now = await fsq(project, JSON_SUMMARY);
    const later = await fsq(other, [...JSON_SUMMARY, '--delayed']);

    const { left, jobs, retries } = summaryOf(now.stdout);
    assert.deepEqual([now.code, left, jobs['failed'], retries], [1, [{ reason: 'retrying', of: '', jobs: 1 }], 0, 1]);
    assert.deepEqual(
      [later.code, summaryOf(later.stdout).jobs],
      [1, { succeeded: 1, failed: 1, revoked: 0, expired: 0 }],
    );
  });

  test('3 when a task is unknown or a queue is paused: it says so, and does not wait', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'nobody' }, { task: 'ok', queue: 'mail' }, { task: 'ok' });
    const broker = openSpool({ path: project.spool });
    await broker.pause('mail');
    await broker.close();

    for (const args of [[], ['--delayed']]) {
      const { code, stdout } = await fsq(project, [...JSON_SUMMARY, ...args]);

      assert.equal(code, 3);
      assert.deepEqual(
        summaryOf(stdout).left.toSorted((a, b) => (a.reason < b.reason ? -1 : 1)),
        [
          { reason: 'parked', of: 'nobody', jobs: 1 },
          { reason: 'paused', of: 'mail', jobs: 1 },
        ],
      );
    }
  });

  test('a job that was parked runs when its task is known now', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\ntask('other', () => 1);\n` });
    await pendingJobs(project.spool, { task: 'ok' });
    assert.equal((await fsq(project, ['drain', '-c', '1'])).code, 3);
    writeFileSync(join(project.path, 'tasks.mjs'), TASKS['tasks.mjs']);

    const { code, stdout } = await fsq(project, JSON_SUMMARY);

    assert.deepEqual([code, summaryOf(stdout).jobs['succeeded']], [0, 1]);
  });

  test('4 when one was revoked or had expired', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'ok' }, { task: 'ok', options: { expiresAtMs: 1 } });

    const { code, stdout } = await fsq(project, JSON_SUMMARY);

    assert.deepEqual([code, summaryOf(stdout).jobs], [4, { succeeded: 1, failed: 0, revoked: 0, expired: 1 }]);
  });

  test('1 when a job ended its process, of which no child tells', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'die', options: { onCrash: 'fail' } }, { task: 'ok' });

    const { code, stdout } = await fsq(project, JSON_SUMMARY);

    assert.deepEqual([code, summaryOf(stdout).jobs], [1, { succeeded: 1, failed: 1, revoked: 0, expired: 0 }]);
  });
});

test('fsq drain tells how long jobs ran that were killed at their time limit, or lost their process', async (t) => {
  const project = tempProject(t, TASKS);
  await pendingJobs(project.spool, { task: 'overtime' }, { task: 'die-late', options: { onCrash: 'fail' } });

  const { stdout } = await fsq(project, [...JSON_SUMMARY, '--junit', 'out.xml']);

  const ran = new Map(summaryOf(stdout).troubles.map(({ task, ms }) => [task, ms ?? 0]));
  assert.deepEqual([...ran.keys()].toSorted(), ['die-late', 'overtime']);
  for (const [task, ms] of ran) assert.ok(ms >= 290 && ms < 60_000, `${task} ran for ${ms} ms`);
  assert.doesNotMatch(readFileSync(join(project.path, 'out.xml'), 'utf8'), /time="0\.000"/);
});

describe('fsq drain waits', () => {
  test('for what another worker runs, and counts what became of it', async (t) => {
    const project = tempProject(t, TASKS);
    const go = join(project.path, 'go');
    await pendingJobs(project.spool, { task: 'wait-and-fail', args: [go] });
    await startWorker(t, project, ['-c', '1']);
    await until(() => existsSync(`${go}.began`), 'the other worker runs the job');

    const draining = fsq(project, JSON_SUMMARY);
    await until(async () => (await owners(project.spool)) >= 5, 'the drain has children');
    writeFileSync(go, '');
    const { code, stdout } = await draining;

    assert.deepEqual([code, summaryOf(stdout).troubles.map(({ task }) => task)], [1, ['wait-and-fail']]);
  });

  test('for a job that runs after one that it has run', async (t) => {
    const project = tempProject(t, TASKS);
    const [first = ''] = await pendingJobs(project.spool, { task: 'ok' });
    await pendingJobs(project.spool, { task: 'ok', options: { after: first } });

    const { code, stdout } = await fsq(project, JSON_SUMMARY);

    assert.deepEqual([code, summaryOf(stdout).jobs['succeeded']], [0, 2]);
  });

  test('only for the queues that are named', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'ok', queue: 'mail' }, { task: 'bad' });

    const { code, stdout } = await fsq(project, [...JSON_SUMMARY, '-Q', 'mail']);

    assert.deepEqual([code, summaryOf(stdout).jobs['succeeded']], [0, 1]);
    assert.equal(namesIn(project.spool, 'pending').length, 1);
  });

  test('no longer than --timeout: the job is stopped and queued again', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'hang', args: [join(project.path, 'hang')] });

    const { code, stdout } = await fsq(project, [...JSON_SUMMARY, '--timeout', '2s']);

    const { end, unfinished } = summaryOf(stdout);
    assert.deepEqual([code, end, unfinished], [124, 'timeout', 1]);
    assert.equal(namesIn(project.spool, 'pending').length, 1);
  });

  test('with --fail-fast for the jobs at hand only', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'bad' }, ...FIVE_LATER);

    const { code, stdout } = await fsq(project, FAIL_FAST);

    const { end, unfinished, jobs } = summaryOf(stdout);
    assert.deepEqual([code, end, unfinished, jobs['succeeded'], jobs['failed']], [1, 'failed-fast', 5, 0, 1]);
  });

  test('with --fail-fast for nothing once a job has failed without a run', async (t) => {
    const project = tempProject(t, TASKS);
    const error = { name: 'RevokedError', message: 'no longer wanted' };
    const before = { kind: 'publish', outcome: { state: 'revoked', error } } as const;
    const after = await settledJob(project.spool, { task: 'ok' }, before);
    await pendingJobs(project.spool, { task: 'ok', options: { after }, priority: 0 }, ...FIVE_LATER);

    const { code, stdout } = await fsq(project, FAIL_FAST);

    const { end, unfinished, jobs } = summaryOf(stdout);
    assert.deepEqual([code, end, unfinished, jobs['succeeded'], jobs['failed']], [1, 'failed-fast', 5, 0, 1]);
  });

  test('with --fail-fast for nothing once a job has failed with its process', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'die', options: { onCrash: 'fail' } }, ...FIVE_LATER);

    const { code, stdout } = await fsq(project, FAIL_FAST);

    const { end, unfinished, jobs } = summaryOf(stdout);
    assert.deepEqual([code, end, unfinished, jobs['succeeded'], jobs['failed']], [1, 'failed-fast', 5, 0, 1]);
  });
});

const FAIL_FAST: readonly string[] = ['drain', '-c', '1', '--summary', 'json', '--fail-fast'];
const FIVE_LATER: readonly JobParts[] = Array.from({ length: 5 }, () => ({ task: 'ok', priority: 9 }));

/** How many processes work in the spool. */
async function owners(spool: string): Promise<number> {
  const broker = openSpool({ path: spool });
  const all = await broker.owners();
  await broker.close();
  return all.length;
}
