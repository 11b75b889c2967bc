/** The end of a job on Redis, and the claim of the next one along with it. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import type { Broker, NewJob } from '../../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import type { Claim, Consumer, ConsumerOptions } from '../../../../src/broker/worker-side.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { JoinedClaims } from '../../../../src/bullmq/claims/joined-claims.ts';
import type { EndingJob, NextClaim, Taken } from '../../../../src/bullmq/engine.ts';
import { consumer as consumerOf, newJob, nextOf } from '../../../conformance/parts.ts';
import { until } from '../../../support/conditions.ts';
import { type JobParts, returned, RUN, threw } from '../../../support/factory.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

const DONE = returned('done');
const NEVER = new AbortController().signal;
const HELD: EndingJob = { queue: 'q', id: 'a', token: 'o~1', claims: 1, attemptsAllowed: 1 };
const NEXT: NextClaim = { owner: 'o', token: 'o~2' };
const NONE: Taken = { kind: 'none', untilMs: null, limitedMs: 0 };

/** A step that tells with which claim it was done. */
function steps(slots: number): { readonly joined: JoinedClaims; readonly done: string[] } {
  const done: string[] = [];
  const joined = new JoinedClaims(
    {
      complete: async ({ id }) => {
        done.push(`${id} alone`);
        return false;
      },
    },
    async ({ token }, { id }) => {
      done.push(`${id} with ${token}`);
      return { hasLine: true, taken: NONE };
    },
    slots,
  );
  return { joined, done };
}

describe('an end that is about to be sent', () => {
  test('takes the claim along that is asked for in the same turn, or in the next', async () => {
    const { joined, done } = steps(1);

    const ended = joined.complete(HELD, 1, '', 'line');
    await new Promise((resolve) => setImmediate(resolve));
    const taken = await joined.take('q', NEXT);

    assert.deepEqual({ ended: await ended, taken, done }, { ended: true, taken: NONE, done: ['a with o~2'] });
  });

  for (const slots of [1, 2])
    test(`goes alone where nobody asks, with ${slots} slots`, async () => {
      const { joined, done } = steps(slots);

      assert.equal(await joined.complete(HELD, 1, '', 'line'), false);

      assert.deepEqual([done, joined.take('q', NEXT)], [['a alone'], null]);
    });

  test('goes alone, and at once, where the claim is of another queue, or another job ends', async () => {
    const { joined, done } = steps(1);

    const ended = [joined.complete(HELD, 1, '', ''), joined.complete({ ...HELD, id: 'b' }, 1, '', '')];
    assert.equal(joined.take('other', NEXT), null);
    assert.deepEqual(done, ['a alone', 'b alone']);

    await Promise.all(ended);
  });

  test('that fails says so to whoever ends the job, and gives nothing to whoever takes the next', async () => {
    const refused = new Error('refused');
    const joined = new JoinedClaims({ complete: async () => false }, async () => Promise.reject(refused), 1);

    const ended = joined.complete(HELD, 1, '', 'line');
    const taken = joined.take('q', NEXT);

    await assert.rejects(ended, refused);
    assert.equal(await taken, null);
  });
});

let places = 0;

interface Place {
  readonly broker: Broker;
  readonly redis: Redis;
  readonly prefix: string;
  readonly send: (count: number, parts?: JobParts) => Promise<readonly NewJob[]>;
  readonly consumer: (options?: Partial<ConsumerOptions>) => Promise<Consumer>;
}

async function place(t: TestContext): Promise<Place> {
  const { port, url } = await redisServer();
  const prefix = `joined_${++places}`;
  const broker = await openBullBroker({ address: parseBrokerAddress(url(prefix)) });
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
  t.after(async () => {
    await broker.close();
    redis.disconnect();
  });
  const send = async (count: number, parts: JobParts = {}): Promise<readonly NewJob[]> => {
    const jobs = Array.from({ length: count }, () => newJob(broker, parts));
    await broker.enqueue(jobs);
    return jobs;
  };
  return {
    broker,
    redis,
    prefix,
    send,
    consumer: (options) => consumerOf(t, broker, { queues: ['default'], ...options }),
  };
}

/** How many scripts this Redis has run. */
async function scripts(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

/** Ends it, and asks for the next one at once, as a worker's child does. */
function endAndTake(consumer: Consumer, claim: Claim): readonly [Promise<void>, Promise<Claim>] {
  return [Promise.resolve(claim.settle(DONE, RUN)), nextOf(consumer)];
}

describe('a job that is claimed along with the end of the one before it', { skip: lacksRedis, concurrency: 1 }, () => {
  test('costs no command of its own, and has a lock and a run of its own', async (t) => {
    const { redis, prefix, send, consumer } = await place(t);
    const jobs = await send(40);
    const taker = await consumer();
    let claim = await nextOf(taker);
    const tokens = new Set<string | null>();
    const before = await scripts(redis);

    for (let i = 1; i < jobs.length; i++) {
      const [settled, next] = endAndTake(taker, claim);
      claim = await next;
      await settled;
      assert.equal(claim.job.id, jobs[i]?.job.id);
      assert.equal(claim.standing.attempt, 1);
      tokens.add(await redis.get(`${prefix}:default:${claim.job.id}:lock`));
      assert.equal(await redis.hget(`${prefix}:default:${claim.job.id}`, 'pb'), taker.owner);
    }
    const cost = (await scripts(redis)) - before;
    await claim.settle(DONE, RUN);

    assert.equal(tokens.size, jobs.length - 1);
    assert.ok([...tokens].every((token) => token?.startsWith(`${taker.owner}~`)));
    // The consumer's own rounds run some as well.
    assert.ok(cost < 1.5 * jobs.length, `${cost} scripts for ${jobs.length} jobs`);
  });

  test('goes back uncounted where its process is told to take no more meanwhile', async (t) => {
    const { broker, send, consumer } = await place(t);
    const [, second] = await send(2);
    const taker = await consumer();
    const claim = await nextOf(taker);
    const stop = new AbortController();

    const settled = claim.settle(DONE, RUN);
    const next = taker.next(stop.signal);
    stop.abort();

    assert.equal(await next, null);
    await settled;
    assert.equal((await broker.outcome(claim.job.id))?.outcome?.state, 'succeeded');
    const again = await nextOf(await consumer());
    assert.deepEqual([again.job.id, again.standing.attempt, again.standing.crashes], [second?.job.id, 1, 0]);
    await again.settle(DONE, RUN);
  });

  test('is not claimed while its queue is paused', async (t) => {
    const { broker, send, consumer } = await place(t);
    const [, second] = await send(2);
    const taker = await consumer();
    const claim = await nextOf(taker);
    await broker.pause('default');

    const [settled, next] = endAndTake(taker, claim);
    await settled;
    assert.equal((await broker.counts()).running, 0);
    await broker.resume('default');

    const again = await next;
    assert.equal(again.job.id, second?.job.id);
    await again.settle(DONE, RUN);
  });

  test('is told to end when it is revoked, and then ends revoked', async (t) => {
    const { broker, send, consumer } = await place(t);
    const [, second] = await send(2);
    const heard = new Set<string>();
    const taker = await consumer({ onRevoked: (ids) => ids.forEach((id) => heard.add(id)) });
    const [settled, next] = endAndTake(taker, await nextOf(taker));
    const again = await next;
    await settled;
    const id = second?.job.id ?? '';

    await broker.revoke([id]);

    await until(() => heard.has(id), 'the consumer hears of it');
    await again.settle({ kind: 'rerun', delayMs: 0, crashes: 0, error: { name: 'Error', message: 'no' } }, RUN);
    assert.equal((await broker.outcome(id))?.outcome?.state, 'revoked');
  });

  test('is recovered, as one that was claimed alone, when its process dies', async (t) => {
    const { broker, send, consumer } = await place(t);
    const [, second] = await send(2);
    const keeper = await broker.keeper({ queues: ['default'] });
    t.after(() => keeper.close());
    const taker = await consumer();
    const [settled, next] = endAndTake(taker, await nextOf(taker));
    await Promise.all([settled, next]);

    assert.equal(await keeper.recover(taker.owner, 'crashed'), true);

    const again = await nextOf(await consumer());
    assert.deepEqual([again.job.id, again.standing.attempt, again.standing.crashes], [second?.job.id, 2, 1]);
    await again.settle(DONE, RUN);
  });

  test('comes with the runs that it had before', async (t) => {
    const { send, consumer } = await place(t);
    const [first] = await send(1, { options: { retries: 3 } });
    const taker = await consumer();
    const failing = await nextOf(taker);
    await failing.settle({ kind: 'rerun', delayMs: 0, crashes: 0, error: { name: 'Error', message: 'once' } }, RUN);
    await send(1, { priority: 1 });
    const [settled, next] = endAndTake(taker, await nextOf(taker));

    const again = await next;
    await settled;

    assert.deepEqual([again.job.id, again.standing.attempt, again.attempts.length], [first?.job.id, 2, 1]);
    await again.settle(threw('twice'), RUN);
  });

  test('is run all the same where BullMQ stops over one of its fields, and the one before it has ended', async (t) => {
    const { broker, redis, prefix, send, consumer } = await place(t);
    const [first, second] = (await send(2)).map((sent) => sent.job.id);
    await redis.hset(`${prefix}:default:${second}`, 'ats', 'no number');
    const taker = await consumer();
    const [settled, next] = endAndTake(taker, await nextOf(taker));

    const odd = await next;
    await settled;
    await odd.settle(DONE, RUN);

    assert.equal(odd.job.id, second);
    for (const id of [first, second]) {
      const record = await broker.outcome(id ?? '');
      assert.deepEqual([record?.outcome?.state, record?.attempts.length], ['succeeded', 1]);
    }
  });

  test('of another queue is found as ever', async (t) => {
    const { send, consumer } = await place(t);
    await send(1);
    const [second] = await send(1, { queue: 'other' });
    const taker = await consumer({ queues: ['default', 'other'] });
    const first = await nextOf(taker);

    const settled = first.settle(DONE, RUN);
    const next = await taker.next(NEVER);

    await settled;
    assert.ok(next !== null);
    assert.ok([second?.job.id, first.job.id].includes(next.job.id) && next.job.id !== first.job.id);
    await next.settle(DONE, RUN);
  });
});
