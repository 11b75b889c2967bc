/** `fsq worker` and its like with jobs that BullMQ keeps in Redis: what a user does every day. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExpiredError, RevokedError, TimeLimitError, TimeoutError } from 'fsq';
import { bullProject } from '../support/bull-project.ts';
import { until, within } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { faultsOfRuns, recordedRuns } from '../support/recorded-runs.ts';
import { lacksRedis } from '../support/redis-server.ts';

/** A wait for jobs that is left to end by itself takes longer, and so does a recovery over a connection that is closed. */
const END_MS = 6_000;

describe('a worker of BullMQ', { skip: lacksRedis }, () => {
  test('runs jobs in its children, and gives their values and errors', async (t) => {
    const at = await bullProject(t);
    const worker = await at.worker(['-c', '2']);

    const group = await at.tasks.square.delayMany(Array.from({ length: 40 }, (_, n) => [n]));
    const failing = await at.tasks.fail.delay('no way');

    assert.deepEqual(
      await group.get('30s'),
      Array.from({ length: 40 }, (_, n) => n * n),
    );
    await assert.rejects(failing.get('30s'), { name: 'TaskError', message: /no way/ });
    assert.ok(recordedRuns(at).every(({ pid }) => pid !== worker.pid));
    const { code } = await worker.stop();
    assert.equal(code, 0);
    assert.deepEqual(faultsOfRuns(at), []);
  });

  test('a burst ends when nothing is left, and what came of the jobs can be read after it', async (t) => {
    const at = await bullProject(t);
    const square = await at.tasks.square.delay(7);
    const twice = await at.tasks.twice.delay();

    const first = await at.fsq(['worker', '--burst', '-c', '2']);
    // A retry that is not due yet is not waited for.
    await at.fsq(['drain', '-c', '1', '--timeout', '30s']);

    assert.equal(first.code, 0, first.stderr);
    assert.equal(await square.get('1s'), 49);
    assert.equal(await twice.get('1s'), 'well');
  });

  test('get() with a timeout gives up in time, and the job goes on', async (t) => {
    const at = await bullProject(t);
    await at.worker(['-c', '1']);
    const nap = await at.tasks.nap.delay(700);

    await assert.rejects(nap.get(100), TimeoutError);

    assert.equal(await nap.get('30s'), 700);
  });

  test('a time of its own, a priority and an expiry are heeded', async (t) => {
    const at = await bullProject(t);
    const { nap } = at.tasks;
    const dueAtMs = Date.now() + 1_500;
    const late = await nap.applyAsync([1], { eta: new Date(dueAtMs) });
    const low = await nap.applyAsync([2], { priority: 9 });
    const high = await nap.applyAsync([3], { priority: 0 });
    const expired = await nap.applyAsync([4], { expires: '1ms' });
    await at.worker(['-c', '1']);

    assert.deepEqual(await Promise.all([late.get('30s'), low.get('30s'), high.get('30s')]), [1, 2, 3]);

    const runs = recordedRuns(at);
    assert.deepEqual(
      runs.map(({ id }) => id).filter((id) => id !== late.id),
      [high.id, low.id],
    );
    assert((runs.find(({ id }) => id === late.id)?.startedAtMs ?? 0) >= dueAtMs);
    await assert.rejects(expired.get('30s'), ExpiredError);
  });

  test('queues that a worker is not for are left alone, and a new one is found', async (t) => {
    const at = await bullProject(t);
    const { nap } = at.tasks;
    await at.worker(['-c', '1', '-Q', 'mail']);
    const other = await nap.applyAsync([1], { queue: 'other' });
    const mail = await nap.applyAsync([2], { queue: 'mail' });

    assert.equal(await mail.get('30s'), 2);
    assert.equal(await other.state(), 'pending');

    await at.worker(['-c', '1']);
    assert.equal(await other.get('30s'), 1);
    const fresh = await nap.applyAsync([3], { queue: 'never-heard-of' });
    assert.equal(await fresh.get('30s'), 3);
  });

  test('SIGTERM lets the job at hand end, and a second one gives it back and ends at once', async (t) => {
    const at = await bullProject(t);
    const { nap } = at.tasks;
    const first = await at.worker(['-c', '1']);
    const short = await nap.delay(500);
    await until(() => recordedRuns(at).length === 1, 'the nap has begun');
    const drained = await within(first.stop(), 'the end after a SIGTERM', END_MS);
    assert.equal(drained.code, 0);
    assert.equal(await short.get('1s'), 500);

    const long = await nap.delay(60_000);
    const second = await at.worker(['-c', '2']);
    await until(() => recordedRuns(at).length === 2, 'the long nap has begun');
    second.kill('SIGTERM');
    await second.printed(/finishing the jobs at hand/);
    second.kill('SIGTERM');
    const { code } = await within(second.ended, 'the end after the second SIGTERM', END_MS);

    assert.equal(code, 143);
    assert.equal(await long.state(), 'pending');
    assert.doesNotMatch(second.stderr(), /refuses/);
  });

  test('a revoked run hears of it, and with terminate its process is killed within a second', async (t) => {
    const at = await bullProject(t);
    const worker = await at.worker(['-c', '1']);
    const block = await at.tasks.block.delay(60_000);
    const [run] = await until(() => recordedRuns(at).length > 0 && recordedRuns(at), 'the run has begun');

    const atMs = Date.now();
    const { code, stdout } = await at.fsq(['revoke', '--terminate', block.id]);
    assert.equal(code, 0, stdout);
    await until(() => !isProcessAlive(run?.pid ?? 0), 'the child is killed', 5_000);
    const tookMs = Date.now() - atMs;

    await assert.rejects(block.get('10s'), RevokedError);
    assert.match(worker.stderr(), /is revoked: child \d+ is killed/);
    t.diagnostic(`${tookMs} ms with the start of the command`);
  });

  test('a time limit kills the child for real, and its job fails', async (t) => {
    const at = await bullProject(t);
    await at.worker(['-c', '1']);

    const block = await at.tasks.block.applyAsync([60_000], { timeLimit: '300ms' });

    await assert.rejects(block.get('30s'), TimeLimitError);
    const [run] = recordedRuns(at);
    await until(() => !isProcessAlive(run?.pid ?? 0), 'the child is gone');
  });

  test('several slots run jobs of one process side by side', async (t) => {
    const at = await bullProject(t);
    await at.worker(['-c', '1', '--slots', '4']);

    const group = await at.tasks.meet.delayMany([[4], [4], [4], [4]]);

    assert.deepEqual(await group.get('30s'), ['met', 'met', 'met', 'met']);
    const runs = recordedRuns(at);
    assert.equal(new Set(runs.map(({ pid }) => pid)).size, 1);
    const lastBegan = Math.max(...runs.map(({ startedAtMs }) => startedAtMs));
    assert(runs.every(({ endedAtMs }) => (endedAtMs ?? 0) >= lastBegan));
  });

  test('two workers share the jobs, and none runs twice', async (t) => {
    const at = await bullProject(t);
    const workers = [await at.worker(['-c', '2']), await at.worker(['-c', '2'])];

    // A child that starts late would find all done: the first of each child wait for those of the others.
    const first = await at.tasks.meet.delayMany([[4], [4], [4], [4]]);
    const group = await at.tasks.nap.delayMany(Array.from({ length: 96 }, () => [20]));
    await first.get('60s');
    await group.get('60s');

    for (const worker of workers) await worker.stop();
    const runs = recordedRuns(at);
    assert.equal(runs.length, 100);
    assert.equal(new Set(runs.map(({ pid }) => pid)).size, 4);
    assert.deepEqual(faultsOfRuns(at), []);
  });
});
