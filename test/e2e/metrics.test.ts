/** `fsq metrics`, and workers that tell of their spool, by real command lines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../support/conditions.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { namesIn } from '../support/invariants.ts';
import { lacksProgram } from '../support/needs.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';

const TASKS = {
  'tasks.mjs': `import { task } from 'fsq';
task('ok', () => 42);
task('bad', { retries: 1, backoff: '1ms' }, () => { throw new Error('no'); });
task('die', () => process.kill(process.pid, 'SIGKILL'));
task('slow', { timeLimit: '200ms' }, () => new Promise((resolve) => setTimeout(resolve, 60_000)));
`,
  'fsq.config.mjs': `export default { schedules: { nightly: { task: 'ok', cron: '0 3 * * *' } } };\n`,
};

async function figures(project: Project): Promise<ReadonlyMap<string, number>> {
  const { stdout, code } = await fsq(project, ['metrics']);
  assert.equal(code, 0);
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

const ended = (task: string, outcome: string): string =>
  `fsq_jobs_total{queue="default",task="${task}",outcome="${outcome}"}`;

describe('fsq metrics', () => {
  test('counts every end of every job, of workers that have ended too, and no counter goes down when one is killed', async (t) => {
    const project = tempProject(t, TASKS);
    const burst = ['worker', '--burst', '-c', '2', '-l', 'silent'];
    // What a child that is killed has counted within its last second is lost: so these have a worker of their own.
    await pendingJobs(project.spool, { task: 'die', options: { onCrash: 'fail' } }, { task: 'slow' });
    await fsq(project, burst);
    const worker = await startWorker(t, project, ['-c', '1']);
    await pendingJobs(project.spool, { task: 'ok' }, { task: 'bad' });
    const isCounted = async (): Promise<boolean> => (await figures(project)).get(ended('bad', 'failed')) === 1;
    await until(isCounted, 'the second has told');
    const first = await figures(project);
    assert.deepEqual(
      [ended('ok', 'succeeded'), ended('bad', 'failed'), ended('die', 'failed'), ended('slow', 'failed')].map((name) =>
        first.get(name),
      ),
      [1, 1, 1, 1],
    );
    assert.equal(first.get('fsq_job_retries_total{queue="default",task="bad"}'), 1);
    assert.equal(first.get('fsq_crashes_total{reason="signal"}'), 1);
    assert.equal(first.get('fsq_crashes_total{reason="time-limit"}'), 1);
    assert.equal(first.get('fsq_job_run_seconds_count{queue="default",task="bad"}'), 2);
    assert.equal(first.get('fsq_workers'), 1);
    assert.ok(first.has('fsq_schedule_late_seconds{schedule="nightly"}'));

    process.kill(worker.pid, 'SIGKILL');
    // Its child ends in order, and leaves the record of its worker alone.
    await until(
      () => namesIn(project.spool, 'workers').filter((name) => name.endsWith('.json')).length === 1,
      'its end',
    );
    await pendingJobs(project.spool, { task: 'ok' });
    await fsq(project, burst);

    const last = await figures(project);
    assert.equal(last.get(ended('ok', 'succeeded')), 2);
    const fallen = [...first].filter(
      ([name, value]) => /_total|_count|_sum|_bucket/.test(name) && value > (last.get(name) ?? -1),
    );
    assert.deepEqual(fallen, []);
  });

  test('is read by promtool', { skip: lacksProgram('promtool') }, async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'ok' });
    const { stdout } = await fsq(project, ['metrics']);

    const checked = spawnSync('promtool', ['check', 'metrics'], { input: stdout, encoding: 'utf8' });

    assert.deepEqual([checked.status, checked.stdout, checked.stderr], [0, '', '']);
    assert.match((await fsq(project, ['metrics', '--openmetrics'])).stdout, /# EOF\n$/);
  });

  test('a worker tells of its spool over HTTP and in a file, and takes the file along when it ends', async (t) => {
    const project = tempProject(t, TASKS);
    const file = join(project.path, 'fsq.prom');
    const worker = await startWorker(t, project, ['-c', '1', '--metrics-port', '0', '--metrics-file', file]);
    const log = await worker.printed(/metrics: (http:[^"]+)/);

    const response = await fetch(log[1] ?? '');
    assert.match(await response.text(), /^fsq_workers 1$/m);
    await until(() => existsSync(file) && /^fsq_workers \d$/m.test(readFileSync(file, 'utf8')), 'the file');
    assert.equal((await worker.stop()).code, 0);
    assert.equal(existsSync(file), false);
  });

  test('a wrong port or path is wrong usage, and no worker starts', async (t) => {
    const project = tempProject(t, TASKS);
    for (const [args, wanted] of [
      [['--metrics-port', '70000'], /Expected --metrics-port to be a whole number from 0 to 65535, got "70000"/],
      [['--metrics-file', 'fsq.txt'], /Expected --metrics-file to end with \.prom, got "fsq\.txt"/],
      [['--metrics-file', 'none/fsq.prom'], /Expected --metrics-file to name a file in a folder that exists/],
    ] as const) {
      const { code, stderr } = await fsq(project, ['worker', '--burst', ...args]);
      assert.equal(code, 2);
      assert.match(stderr, wanted);
    }
  });
});
