/** The locks of jobs that run: kept while a process of their worker lives, found where none does, and never held by two runs at a time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { Worker } from 'bullmq';
import { RevokedError, WorkerLostError } from 'fsq';
import { bullProject } from '../support/bull-project.ts';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { faultsOfRuns, recordedRuns } from '../support/recorded-runs.ts';
import { lacksRedis } from '../support/redis-server.ts';

/**
 * As short as may be: the tests wait for some of them to run out. fsq takes a server for gone that has not answered within half of this, and on a
 * busy machine everything may stand still for a second or two.
 */
const LOCK_MS = 4_000;
const lock = `${LOCK_MS}ms`;
/** A lock that ran out is found by a look that comes twice in its life. A busy machine needs a little more. */
const FOUND_MS = 1.5 * LOCK_MS + 3_000;

describe('the lock of a job that runs', { skip: lacksRedis, concurrency: 3 }, () => {
  test('a child that dies loses its job at once: another child of its worker has it in no time', async (t) => {
    const at = await bullProject(t);
    const worker = await at.worker(['-c', '2']);
    const job = await at.tasks.dieOnce.delay(0);

    assert.equal(await job.get('30s'), 'lived');

    const [first, second] = recordedRuns(at);
    const diedAtMs = first?.startedAtMs ?? 0;
    const tookMs = (second?.startedAtMs ?? Infinity) - diedAtMs;
    assert(tookMs < 5_000, `it took ${tookMs} ms`); // Far less than a lock of 10 s.
    t.diagnostic(`ran again after ${tookMs} ms`);
    await worker.printed(/SIGKILL/);
    await assert.rejects(
      at.tasks.die.applyAsync([], { onCrash: 'fail' }).then((die) => die.get('30s')),
      WorkerLostError,
    );
  });

  test('a task that blocks its process for longer than a lock lasts is run once, also beside a plain BullMQ worker', async (t) => {
    const at = await bullProject(t, { lock });
    await at.worker(['-c', '1']);
    const block = await at.tasks.block.delay(3 * LOCK_MS);
    await until(() => recordedRuns(at).length === 1, 'it has begun');
    const stolen: (string | undefined)[] = [];
    const connection = { host: '127.0.0.1', port: at.server.port };
    const plain = new Worker('default', async (job) => void stolen.push(job.id), {
      connection,
      prefix: at.prefix,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS / 4,
    });
    t.after(() => plain.close(true));
    await plain.waitUntilReady();

    assert.equal(await block.get('60s'), 3 * LOCK_MS);

    assert.deepEqual(stolen, []);
    assert.equal(recordedRuns(at).length, 1);
  });

  test('a supervisor that is stopped costs nothing: its child keeps the lock', async (t) => {
    const at = await bullProject(t, { lock });
    const worker = await at.worker(['-c', '1']);
    const nap = await at.tasks.nap.delay(3 * LOCK_MS);
    await until(() => recordedRuns(at).length === 1, 'it has begun');
    worker.kill('SIGSTOP');
    try {
      await at.worker(['-c', '1']);

      assert.equal(await nap.get('60s'), 3 * LOCK_MS);

      assert.equal(recordedRuns(at).length, 1);
    } finally {
      worker.kill('SIGCONT');
    }
  });

  test('a child whose worker is killed ends its job, and takes no other', async (t) => {
    const at = await bullProject(t, { lock });
    const worker = await at.worker(['-c', '1']);
    const nap = await at.tasks.nap.delay(2 * LOCK_MS);
    const [run] = await until(() => recordedRuns(at).length === 1 && recordedRuns(at), 'it has begun');

    worker.kill('SIGKILL');
    await at.worker(['-c', '1']);

    assert.equal(await nap.get('60s'), 2 * LOCK_MS);
    assert.equal(recordedRuns(at).length, 1);
    await until(() => !isProcessAlive(run?.pid ?? 0), 'the child has ended');
  });

  test('a child whose worker is killed kills itself where its job is to be ended so, and a worker ends the job', async (t) => {
    const at = await bullProject(t, { lock });
    const worker = await at.worker(['-c', '1']);
    const nap = await at.tasks.nap.delay(60_000);
    const [run] = await until(() => recordedRuns(at).length === 1 && recordedRuns(at), 'it has begun');
    worker.kill('SIGKILL');
    await until(() => !isProcessAlive(worker.pid), 'the worker is gone');

    assert.equal(await nap.revoke({ terminate: true }), 'requested');
    await until(() => !isProcessAlive(run?.pid ?? 0), 'the child has killed itself');
    const before = recordedRuns(at).length;
    await at.worker(['-c', '1']);

    await assert.rejects(nap.get('60s'), RevokedError);
    assert.equal(recordedRuns(at).length, before);
  });

  test('a job whose worker and child are killed runs elsewhere when its lock has run out', async (t) => {
    const at = await bullProject(t, { lock });
    const worker = await at.worker(['-c', '1']);
    const nap = await at.tasks.nap.delay(60_000);
    const [run] = await until(() => recordedRuns(at).length === 1 && recordedRuns(at), 'it has begun');
    await at.worker(['-c', '1']);

    worker.kill('SIGKILL');
    const atMs = Date.now();
    process.kill(run?.pid ?? 0, 'SIGKILL');
    await until(() => recordedRuns(at).length === 2, 'it runs elsewhere', FOUND_MS);

    t.diagnostic(`found after ${(recordedRuns(at)[1]?.startedAtMs ?? 0) - atMs} ms of a lock of ${LOCK_MS} ms`);
    await nap.revoke({ terminate: true });
    assert.deepEqual(faultsOfRuns(at, { deaths: [{ pid: run?.pid ?? 0, atMs }] }), []);
  });

  for (const task of ['nap', 'block'] as const) {
    test(`a lock that is gone kills the child (${task}), and what its run came to does not count`, async (t) => {
      const at = await bullProject(t, { lock });
      const worker = await at.worker(['-c', '1']);
      const job = await at.tasks[task].delay(60_000);
      const [run] = await until(() => recordedRuns(at).length === 1 && recordedRuns(at), 'it has begun');
      const redis = new Redis(at.server.port, '127.0.0.1');
      t.after(() => redis.disconnect());

      // Its worker has seen it once: nobody takes a lock away in the first moment of a run.
      const key = `${at.prefix}:default:${job.id}:lock`;
      let leftMs = await redis.pttl(key);
      await until(async () => {
        const before = leftMs;
        leftMs = await redis.pttl(key);
        return leftMs > before;
      }, 'the lock is renewed');
      await redis.del(key);

      await until(() => !isProcessAlive(run?.pid ?? 0), 'the child is killed', FOUND_MS + LOCK_MS);
      assert.match((await worker.printed(/lock of job|could not be renewed/))[0] ?? '', /lock of job/);
      await until(() => recordedRuns(at).length === 2, 'it runs again');
      await job.revoke({ terminate: true });
    });
  }

  test('a worker that is stopped with its child for longer than a lock lasts finds its job taken, and its child ends', async (t) => {
    const at = await bullProject(t, { lock });
    const worker = await at.worker(['-c', '1']);
    const nap = await at.tasks.nap.delay(60_000);
    const [run] = await until(() => recordedRuns(at).length === 1 && recordedRuns(at), 'it has begun');
    const child = run?.pid ?? 0;
    await at.worker(['-c', '1']);

    worker.kill('SIGSTOP');
    process.kill(child, 'SIGSTOP');
    try {
      await until(() => recordedRuns(at).length === 2, 'another runs it', FOUND_MS);
    } finally {
      process.kill(child, 'SIGCONT');
      worker.kill('SIGCONT');
    }

    await until(() => !isProcessAlive(child), 'the child that went on is killed', LOCK_MS);
    assert.equal(await nap.state(), 'running');
    assert.equal(recordedRuns(at).length, 2);
    await nap.revoke({ terminate: true });
  });
});
