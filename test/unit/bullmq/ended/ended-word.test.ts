/** The word that a job has ended, and those that wait for it. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import type { Broker } from '../../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { endedWord, parseEndedWord } from '../../../../src/bullmq/ended/ended-word.ts';
import type { JsonValue } from '../../../../src/job/values/json.ts';
import { newJob, nextOf } from '../../../conformance/parts.ts';
import { returned, RUN } from '../../../support/factory.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

const END = { finishedOn: 5, tail: '1 0 0\n,"ä ": 1}', returnvalue: '" 7 8 ä"' };

test('the word of an end is read as it was written', () => {
  assert.deepEqual(parseEndedWord(endedWord('id', END)), { id: 'id', end: END });
});

test('a long end is not told, and what cannot be read is an id alone', () => {
  assert.equal(endedWord('id', { ...END, returnvalue: 'x'.repeat(4_000) }), 'id');
  for (const word of ['id', 'id 5', 'id 5 x y', ''])
    assert.deepEqual(parseEndedWord(word), { id: word, end: null }, word);
});

test('a word that was cut short tells no end', () => {
  assert.deepEqual(parseEndedWord('id 5 9 tail'), { id: 'id', end: null });
});

let places = 0;

async function place(
  t: TestContext,
): Promise<{ readonly broker: Broker; readonly redis: Redis; readonly topic: string }> {
  const { port, url } = await redisServer();
  const prefix = `word_${++places}`;
  const broker = await openBullBroker({ address: parseBrokerAddress(url(prefix)) });
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
  t.after(async () => {
    await broker.close();
    redis.disconnect();
  });
  return { broker, redis, topic: `${prefix}-fsq:ended` };
}

describe('a caller that waits on Redis', { skip: lacksRedis, concurrency: 1 }, () => {
  const values: readonly (JsonValue | undefined)[] = [1, undefined, null, 'ä'.repeat(10), 'x'.repeat(5_000)];
  for (const value of values)
    test(`gets what a look would give: ${JSON.stringify(value)?.slice(0, 20)}`, async (t) => {
      const { broker } = await place(t);
      const sent = newJob(broker, { args: [{ b: 1, a: [] }], options: { retries: 2 }, headers: { h: 'v' } });
      const { id } = sent.job;
      await broker.enqueue([sent]);
      const consumer = await broker.consumer({ queues: ['default'], tasks: [] });
      t.after(() => consumer.close());
      const claim = await nextOf(consumer);

      const waited = broker.waitForOutcome(id, null, true);
      await broker.find(id); // By then it has looked.
      await claim.settle(returned(value), RUN);

      assert.deepEqual(await waited, await broker.outcome(id));
    });

  test('asks no more where the word tells the end, and asks where it may be of other arguments', async (t) => {
    const { broker, redis, topic } = await place(t);
    const [plain, keyed] = [newJob(broker), newJob(broker, { options: { key: 'k' } })];
    await broker.enqueue([plain, keyed]);
    const stop = new AbortController();
    const waiting = [plain, keyed].map(({ job }) => broker.waitForOutcome(job.id, stop.signal, true));
    await broker.counts();

    // Nothing has run: only the word says that.
    const end = { finishedOn: Date.now(), tail: '1 0 0', returnvalue: '7' };
    const tell = (): void => {
      for (const { job } of [keyed, plain]) void redis.publish(topic, endedWord(job.id, end));
    };
    const telling = setInterval(tell, 20);
    t.after(() => clearInterval(telling));
    const told = await waiting[0];
    stop.abort();

    assert.deepEqual(told?.outcome, { state: 'succeeded', value: 7 });
    assert.equal(await waiting[1], null);
  });
});
