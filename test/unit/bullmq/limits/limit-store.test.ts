/** What the servers do for limits where a question comes twice, because its answer was lost. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { enqueue } from '../../../../src/bullmq/jobs/send-jobs.ts';
import type { Engine } from '../../../../src/bullmq/engine.ts';
import type { LimitedJob, Scope } from '../../../../src/bullmq/limits/limit-store.ts';
import { openEngine } from '../../../../src/bullmq/open-engine.ts';
import { job } from '../../../support/factory.ts';
import { lacksPostgres, postgresServer } from '../../../support/postgres-server.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

const SERVERS = [
  { name: 'Redis', skip: lacksRedis, url: async () => (await redisServer()).url('admits') },
  { name: 'PostgreSQL', skip: lacksPostgres, url: async () => (await postgresServer()).url('admits') },
];

const HOUR_MS = 3_600_000;
const SCOPES: Readonly<Record<string, Scope>> = {
  'room for two': { name: 'room', most: 2, starts: null },
  'two starts an hour': { name: 'starts', most: null, starts: { slots: 2, lengthMs: HOUR_MS } },
  both: { name: 'both', most: 2, starts: { slots: 2, lengthMs: HOUR_MS } },
};

/** Claims a job of a queue, as a worker does. */
async function held(engine: Engine, queue: string, order: number): Promise<LimitedJob> {
  const sent = job({ id: `${queue.replaceAll(' ', '-')}-${order}`, queue });
  const token = `me~${order}`;
  await enqueue(engine, [sent]);
  await engine.backend(queue).moveToActive(token, 'me');
  return { queue, id: sent.job.id, token, order };
}

async function open(t: TestContext, url: string): Promise<Engine> {
  const engine = await openEngine({ address: parseBrokerAddress(url) });
  t.after(engine.use());
  return engine;
}

for (const { name, skip, url } of SERVERS)
  for (const [what, scope] of Object.entries(SCOPES))
    test(`on ${name}, with ${what}, a job that asks twice takes one`, { skip }, async (t) => {
      const engine = await open(t, await url());
      const jobs = [];
      for (const order of [1, 2, 3]) jobs.push(await held(engine, what.replaceAll(' ', '-'), order));

      const answers = [];
      for (const each of jobs.flatMap((one) => [one, one]))
        answers.push(await engine.store.limits.admit(each, [scope]));

      assert.deepEqual(
        answers.map(({ kind }) => kind),
        ['run', 'run', 'run', 'run', 'wait', 'wait'],
      );
    });
