/** Lines of jobs that wait for others: what it costs to stand in them, and by which clock. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { describe, type TestContext } from 'node:test';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import type { NewJob } from '../../../../src/broker/new-job.ts';
import { findReleased, release, standInLines } from '../../../../src/bullmq/after/lines.ts';
import type { Engine } from '../../../../src/bullmq/engine.ts';
import { enqueue, jobJson } from '../../../../src/bullmq/jobs/send-jobs.ts';
import { openEngine } from '../../../../src/bullmq/open-engine.ts';
import { QueueNames } from '../../../../src/bullmq/queue-names.ts';
import type { Store } from '../../../../src/bullmq/store.ts';
import { createIdSource } from '../../../../src/job/names.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

let places = 0;
const nextId = createIdSource(Date.now, randomBytes);

/** @param aheadMs the clock of this machine before that of the server */
async function engineAt(t: TestContext, aheadMs = 0): Promise<Engine> {
  const server = await redisServer();
  const address = parseBrokerAddress(server.url(`lines${++places}`));
  const engine = await openEngine({ address, nowMs: () => Date.now() + aheadMs });
  t.after(engine.use());
  return engine;
}

/** The same, which counts how many ids are asked for. */
function counting(engine: Engine): { readonly engine: Engine; readonly asked: () => number } {
  let asked = 0;
  const store = new Proxy(engine.store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...given: readonly unknown[]): unknown => {
        if (name === 'stages' || name === 'look') asked += (given as Parameters<Store['stages']>)[0].length;
        return Reflect.apply(value, target, given);
      };
    },
  });
  return { engine: { ...engine, store, queues: new QueueNames(store) }, asked: () => asked };
}

function jobOf(id: string, after: readonly string[] = []): NewJob {
  const options = after.length === 0 ? {} : { after };
  const job = { id, task: 'echo', args: [], enqueuedAtMs: Date.now(), options, headers: {} };
  return { job, queue: 'default', priority: 0 };
}

async function end(engine: Engine, id: string): Promise<void> {
  await engine.store.endWaiting({ queue: 'default', id }, '0 0 0', 'it ended');
  await release(engine, id);
}

const ORDERS: Readonly<Record<string, (ids: readonly string[]) => readonly string[]>> = {
  'as they were sent': (ids) => ids,
  'the last one first': (ids) => ids.toReversed(),
  'from both ends': (ids) => ids.map((_, i) => ids.at(i % 2 === 0 ? i / 2 : -(i + 1) / 2) ?? ''),
};

describe('lines', { skip: lacksRedis }, () => {
  for (const [order, ordered] of Object.entries(ORDERS)) {
    test(`a job after 200 that end ${order} is ready in the end, and few are looked at again`, async (t) => {
      const { engine, asked } = counting(await engineAt(t));
      const ids = Array.from({ length: 200 }, () => nextId());
      const last = nextId();
      await enqueue(engine, [...ids.map((id) => jobOf(id)), jobOf(last, ids)]);

      const ended = ordered(ids);
      for (const id of ended.slice(0, -1)) await end(engine, id);
      const [before] = await engine.store.look([last], ['default']);
      await end(engine, ended.at(-1) ?? '');
      const [after] = await engine.store.look([last], ['default']);

      assert.deepEqual([before?.state, after?.state], ['delayed', 'waiting']);
      // To look at all of them each time would be 20,000 and more.
      assert.ok(asked() < 40 * ids.length, `${asked()} ids were asked for`);
    });
  }

  test('a job is not taken for lost because the clock of its sender is a minute behind', async (t) => {
    const engine = await engineAt(t, -60_000);
    const [first, follower] = [nextId(), nextId()];
    const jobs = [jobOf(first), jobOf(follower, [first])] as const;
    await standInLines(engine, jobs);
    const second = { job: jobJson(jobs[1], engine.nowMs(), true), jobId: follower };
    await engine.backend('default').addJobs([second]);

    const soon = await findReleased({ ...engine, nowMs: Date.now });

    const [raw] = await engine.store.look([follower], ['default']);
    assert.deepEqual([soon, raw?.state], [1, 'delayed']);
  });
});
