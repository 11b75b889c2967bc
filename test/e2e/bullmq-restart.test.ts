/** The server of a BullMQ broker goes away and comes back: nothing is lost, nothing runs twice at a time, and nobody waits for ever. */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { SpoolError, TimeoutError } from 'fsq';
import { bullProject } from '../support/bull-project.ts';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { faultsOfRuns, recordedRuns } from '../support/recorded-runs.ts';
import { lacksRedis, ownRedisServer } from '../support/redis-server.ts';

describe('a server that goes away', { skip: lacksRedis }, () => {
  test('jobs that run go on, and all that wait are run, once the server is there again', async (t) => {
    const server = await ownRedisServer({ isDurable: true });
    const at = await bullProject(t, { server });
    const worker = await at.worker(['-c', '2']);
    const long = await at.tasks.nap.delay(1_500);
    const group = await at.tasks.nap.delayMany(Array.from({ length: 60 }, (_, i) => [20 + (i % 5)]));
    await until(() => recordedRuns(at).length > 5, 'some have begun');

    await server.restart('SIGKILL');

    assert.equal(await long.get('60s'), 1_500);
    await group.get('60s');
    assert.deepEqual(faultsOfRuns(at), []);
    assert.equal(recordedRuns(at).length, 61);
    assert(matches(worker.stderr(), /refuses to be written/) <= 3, worker.stderr());
    assert.equal((await worker.stop()).code, 0);
  });

  test('while it is away senders fail in time, get() with a timeout gives up in time, and a worker can be stopped', async (t) => {
    const server = await ownRedisServer({ isDurable: true });
    const at = await bullProject(t, { server });
    const worker = await at.worker(['-c', '1']);
    const handle = await at.tasks.nap.applyAsync([1], { countdown: '1h' });
    await server.stop('SIGKILL');

    const atMs = performance.now();
    const waiting = assert.rejects(handle.get(1_000), TimeoutError).then(() => performance.now() - atMs);
    const sending = assert.rejects(at.tasks.nap.delay(1), SpoolError).then(() => performance.now() - atMs);
    const stopping = worker.stop().then(({ code }) => assert.equal(code, 0));

    const [waitedMs, sentMs] = await Promise.all([waiting, sending, stopping]);
    assert(waitedMs < 4_000, `get(1 s) took ${waitedMs} ms`);
    assert(sentMs < 14_000, `delay() took ${sentMs} ms`);
    t.diagnostic(`get(1 s) took ${Math.round(waitedMs)} ms, delay() failed after ${Math.round(sentMs)} ms`);
    await server.restart();
    assert.equal(await handle.state(), 'delayed');
  });

  test('a server that says nothing for three seconds costs these, and no job', async (t) => {
    const server = await ownRedisServer();
    const at = await bullProject(t, { server });
    await at.worker(['-c', '2']);
    const group = await at.tasks.nap.delayMany(Array.from({ length: 100 }, () => [15]));
    await until(() => recordedRuns(at).length > 5, 'some have begun');

    process.kill(server.pid, 'SIGSTOP');
    const atMs = performance.now();
    const sent = at.tasks.nap.delay(5);
    const gaveUp = assert.rejects(group.get(500), TimeoutError);
    await wait(3_000); // Not a wait for something: it is what the test is about.
    process.kill(server.pid, 'SIGCONT');

    await gaveUp;
    assert.equal(await (await sent).get('30s'), 5);
    await group.get('60s');
    t.diagnostic(`all done ${Math.round(performance.now() - atMs)} ms after the stop`);
    assert.equal(recordedRuns(at).length, 101);
    assert.deepEqual(faultsOfRuns(at), []);
  });

  test('a worker that is cut off kills what it runs before the locks run out, and the jobs run again', async (t) => {
    const lockMs = 4_000;
    const server = await ownRedisServer();
    const at = await bullProject(t, { server, lock: `${lockMs}ms` });
    const worker = await at.worker(['-c', '1']);
    const nap = await at.tasks.nap.delay(60_000);
    const [run] = await until(() => recordedRuns(at).length === 1 && recordedRuns(at), 'it has begun');

    process.kill(server.pid, 'SIGSTOP');
    const atMs = performance.now();
    try {
      await until(() => !isProcessAlive(run?.pid ?? 0), 'the child is killed', lockMs + 2_000);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }

    t.diagnostic(`killed ${Math.round(performance.now() - atMs)} ms after the cut, with a lock of ${lockMs} ms`);
    await worker.printed(/could not be renewed/, 5_000);
    const [, again] = await until(() => recordedRuns(at).length === 2 && recordedRuns(at), 'it runs again');
    assert.equal(again?.attempt, 2);
    await nap.revoke({ terminate: true });
  });

  test('what a consumer holds and does not know is given back at the next cut of its connection', async (t) => {
    const at = await bullProject(t);
    const worker = await at.worker(['-c', '1']);
    const first = await at.tasks.nap.delay(1);
    await first.get('30s');
    const redis = new Redis(at.server.port, '127.0.0.1');
    t.after(() => redis.disconnect());
    // The answer to a claim is lost: the server has done it, and nobody has heard.
    const owners = await redis.hgetall(`${at.prefix}-fsq:owners`);
    const [child] = Object.entries(owners).find(([, text]) => text.includes('"role":"child"')) ?? [];
    worker.kill('SIGSTOP');
    const lost = await at.tasks.nap.delay(7);
    await redis.lrem(`${at.prefix}:default:wait`, 1, lost.id);
    await redis.lpush(`${at.prefix}:default:active`, lost.id);
    await redis.set(`${at.prefix}:default:${lost.id}:lock`, `${child}~999`, 'PX', 10_000);
    worker.kill('SIGCONT');

    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

    assert.equal(await lost.get('30s'), 7);
  });
});

function matches(text: string, pattern: RegExp): number {
  return text.split(pattern).length - 1;
}
