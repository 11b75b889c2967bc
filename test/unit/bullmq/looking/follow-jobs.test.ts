/** Following jobs whose events are lost: an end is told all the same. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import type { Broker, Looks } from '../../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { consumer, enqueueOne, newJob, nextOf } from '../../../conformance/parts.ts';
import { within } from '../../../support/conditions.ts';
import { returned, RUN, threw } from '../../../support/factory.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

interface Followed {
  readonly broker: Broker;
  readonly redis: Redis;
  /** The key of BullMQ's events. */
  readonly events: string;
  /** Looks until a job with this id is given in this state; all that was given meanwhile. */
  until(id: string, state: string): Promise<readonly string[]>;
}

/** A follower that looks only while it is asked: what happens in between, it has to find out. */
async function followed(t: TestContext, prefix: string): Promise<Followed> {
  const server = await redisServer();
  const broker = await openBullBroker({ address: parseBrokerAddress(server.url(prefix)) });
  t.after(() => broker.close());
  const redis = new Redis(server.port);
  t.after(() => redis.disconnect());
  const following = broker.everyJob({ sinceMs: null, follow: true });
  t.after(() => following.return());
  const first = await following.next();
  assert.ok((first.value as Looks).isCaughtUp);
  const until = async (id: string, state: string): Promise<readonly string[]> => {
    const given: string[] = [];
    while (!given.includes(`${id} ${state}`)) {
      const { value } = await within(following.next(), `${state}`);
      assert.ok(value !== undefined);
      given.push(...value.jobs.map(({ sighting }) => `${sighting.id} ${sighting.state}`));
    }
    return given;
  };
  return { broker, redis, events: `${prefix}:default:events`, until };
}

const LOSSES: readonly (readonly [what: string, lose: (redis: Redis, events: string) => Promise<unknown>])[] = [
  ['trimmed', (redis, events) => redis.xtrim(events, 'MAXLEN', 0)],
  ['trimmed to the last one', (redis, events) => redis.xtrim(events, 'MAXLEN', 1)],
  ['removed', (redis, events) => redis.del(events)],
];

for (const [i, [what, lose]] of LOSSES.entries())
  test(`ends whose events were ${what} are given, each once`, { skip: lacksRedis }, async (t) => {
    const { broker, redis, events, until } = await followed(t, `lost${i}`);
    const jobs = [newJob(broker), newJob(broker), newJob(broker)];
    await broker.enqueue(jobs);
    const each = await consumer(t, broker);
    await until(jobs.at(-1)?.job.id ?? '', 'pending');
    for (const settlement of [returned(1), threw('no'), returned(2)])
      await (await nextOf(each)).settle(settlement, RUN);
    await lose(redis, events);
    const later = await enqueueOne(broker);

    const given = await until(later.job.id, 'pending');

    const ends = jobs.map(({ job }, n) => `${job.id} ${n === 1 ? 'failed' : 'succeeded'}`);
    assert.deepEqual(given.filter((one) => !one.endsWith('pending')).toSorted(), ends.toSorted());
  });

test("a follower is told in fsq's own words that the server refuses", { skip: lacksRedis }, async (t) => {
  const { broker, redis, events } = await followed(t, 'refused');
  await redis.set(events, 'no stream');

  const looks = broker.everyJob({ sinceMs: null, follow: true });

  await assert.rejects(looks.next(), { code: 'FSQ_SPOOL', message: /cannot be read: WRONGTYPE/ });
});
