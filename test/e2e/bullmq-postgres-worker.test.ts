/** `fsq worker` and the commands beside it with jobs that BullMQ keeps in a PostgreSQL, and a PostgreSQL that goes away under them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chain, RevokedError, TimeLimitError } from 'fsq';
import { bullProject } from '../support/bull-project.ts';
import { until } from '../support/conditions.ts';
import { lacksPostgres, ownPostgresServer, postgresServer } from '../support/postgres-server.ts';
import { isProcessAlive } from '../support/processes.ts';
import { faultsOfRuns, RECORDED_TASKS, recordedRuns } from '../support/recorded-runs.ts';

const FILES = {
  ...RECORDED_TASKS,
  'fsq.config.mjs': `export default { schedules: { often: { task: 'square', args: [9], every: '1s' } } };`,
};
/** As short as a test may wait for. */
const LOCK_MS = 4_000;

describe('a worker of BullMQ on PostgreSQL', { skip: lacksPostgres, concurrency: true }, () => {
  test('runs jobs, kills runs, sends what is scheduled, and each command tells of them', async (t) => {
    const at = await bullProject(t, {
      server: await postgresServer(),
      files: FILES,
    });
    const init = await at.fsq(['init']);
    assert.match(init.stdout, /the jobs are kept by bullmq\+postgres:.*, which answers/, init.stderr);
    const worker = await at.worker(['-c', '2']);
    const { square, nap, block, fail, twice, dieOnce } = at.tasks;
    const sentAtMs = Date.now();

    const [late, again, bad, slow, dead, running] = await Promise.all([
      square.applyAsync([3], { countdown: 500 }),
      twice.delay(),
      fail.delay('on fire'),
      block.applyAsync([60_000], { timeLimit: '300ms' }),
      dieOnce.delay(0),
      nap.delay(600_000), // It is to run until it is revoked, however long the commands before take.
    ]);
    const followers = await chain(square.s(2), square.s()).delay();

    assert.equal(await late.get('30s'), 9);
    assert.ok(Date.now() - sentAtMs >= 500);
    assert.equal(await again.get('30s'), 'well');
    await assert.rejects(bad.get('30s'), { name: 'TaskError', message: /on fire/ });
    await assert.rejects(slow.get('30s'), TimeLimitError);
    assert.equal(await dead.get('30s'), 'lived');
    assert.equal(await followers.get('30s'), 16);
    const run = await until(() => recordedRuns(at).find(({ id }) => id === running.id), 'the nap has begun');
    const told: readonly (readonly [readonly string[], RegExp, number?])[] = [
      [['status'], /broker +bullmq\+postgres:[^]*workers +pid \d+ on \S+, 2 children/],
      [['ls', '--state', 'failed'], new RegExp(`${bad.id} +fail +failed`)],
      [['show', bad.id], /RangeError: on fire[^]*kept at|kept at[^]*RangeError: on fire/],
      [['history', again.id], /started +attempt 1 [^]*started +attempt 2 [^]*succeeded/],
      [['explain', running.id], /in worker process \d+ on \S+, attempt 1\./],
      [['events', '--since', '1h'], new RegExp(`recovered +${dead.id} die-once`)],
      [['check', '--max-failed', '1'], /^FSQ CRITICAL - 2 jobs failed/, 2],
      [['metrics'], /outcome="failed"\} 1\n/],
      // It rightly minds that the server of the tests keeps nothing through a power cut.
      [['doctor'], /server +PostgreSQL [^]*no-fsync/, 1],
      [['revoke', '--terminate', running.id], new RegExp(`${running.id} nap requested`)],
    ];
    for (const [args, pattern, code = 0] of told) {
      const ran = await at.fsq(args);
      const text = `fsq ${args.join(' ')}\n${ran.stdout}${ran.stderr}`;
      assert.equal(ran.code, code, text);
      assert.match(ran.stdout, pattern, text);
    }
    await assert.rejects(running.get('30s'), RevokedError);
    await until(() => !isProcessAlive(run.pid), 'the child is killed');
    const scheduled = async (): Promise<boolean> =>
      /often .* succeeded/.test((await at.fsq(['schedule', 'list'])).stdout);
    await until(scheduled, 'a scheduled job has run');
    assert.equal((await worker.stop()).code, 0);
  });

  test('a drain runs what there is, and exits by what became of it', async (t) => {
    const at = await bullProject(t, { server: await postgresServer() });
    await at.tasks.square.delayMany([[1], [2], [3]]);
    await at.tasks.fail.delay('no');

    const { code, stdout, stderr } = await at.fsq(['drain', '-c', '2']);

    assert.equal(code, 1, stderr);
    assert.match(stdout, /^4 jobs: 3 succeeded, 1 failed in /);
  });

  test('a server that is away for longer than a lock lasts costs its time, and no job', async (t) => {
    const server = await ownPostgresServer();
    const at = await bullProject(t, { server, lock: `${LOCK_MS}ms` });
    const worker = await at.worker(['-c', '2']);
    const long = await at.tasks.nap.delay(60_000);
    const group = await at.tasks.nap.delayMany(Array.from({ length: 40 }, (_, i) => [20 + (i % 5)]));
    const first = await until(() => recordedRuns(at).find(({ id }) => id === long.id), 'the long one has begun');
    await until(() => recordedRuns(at).length > 5, 'some have begun');

    const awayAtMs = Date.now();
    await server.stop('SIGQUIT');
    await until(() => !isProcessAlive(first.pid), 'the run is killed before others may take its job', 2 * LOCK_MS);
    // Not the time of the stop: a job that a child had just taken began after it.
    const diedAtMs = Date.now();
    await server.restart();

    await group.get('60s');
    const isAgain = (): boolean => recordedRuns(at).some(({ id, attempt }) => id === long.id && attempt > 1);
    await until(isAgain, 'the long one runs again');
    const runs = recordedRuns(at);
    assert.equal(new Set(runs.map(({ id }) => id)).size, 41);
    // A child that has run its job to the end is not killed; where the server came back too late for it, the job has run again.
    const untold = runs.filter(
      ({ endedAtMs }) => endedAtMs !== null && endedAtMs > awayAtMs - 1_000 && endedAtMs < diedAtMs,
    );
    const gone = [...new Set(runs.map(({ pid }) => pid))].filter((pid) => !isProcessAlive(pid));
    const journal = {
      accepted: untold.map(({ id }) => ({ id, retries: 1 })),
      deaths: gone.map((pid) => ({ pid, atMs: diedAtMs })),
    };
    assert.deepEqual(faultsOfRuns(at, journal), []);
    const cutOff = worker.stderr().match(/could not be renewed for \d\.\d s: child \d+ is killed/g) ?? [];
    assert.ok(cutOff.length === 1 || cutOff.length === 2, `cut off: ${cutOff.join(', ')}`); // And none that began after it.
    await long.revoke({ terminate: true });
    await assert.rejects(long.get('30s'), RevokedError);
    assert.equal((await worker.stop()).code, 0);
  });
});
