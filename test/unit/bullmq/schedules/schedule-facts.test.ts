/** Pauses of schedules where a connection is cut: what was sent twice is answered as it was done. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import type { Engine } from '../../../../src/bullmq/engine.ts';
import { openEngine } from '../../../../src/bullmq/open-engine.ts';
import { scheduleFacts } from '../../../../src/bullmq/schedules/schedule-facts.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

const ACCESS = {
  look: <T>(act: () => Promise<T>): Promise<T> => act(),
  change: <T>(_: string, act: () => Promise<T>): Promise<T> => act(),
};

/** An engine that loses the answer to each change, and sends it once more. */
async function cutOff(t: TestContext): Promise<{ readonly plain: Engine; readonly cut: Engine }> {
  const plain = await openEngine({ address: parseBrokerAddress((await redisServer()).url('paused')) });
  t.after(plain.use());
  let cuts = 0;
  const store = new Proxy(plain.store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...given: readonly unknown[]): Promise<unknown> => {
        const answer: unknown = await Reflect.apply(value, target, given);
        if (!['setField', 'swapField', 'removeFields'].includes(String(name))) return answer;
        cuts++;
        return Reflect.apply(value, target, given);
      };
    },
  });
  return { plain, cut: { ...plain, store, cuts: () => cuts } };
}

test('a pause and its end whose answers were lost are told as they were done', { skip: lacksRedis }, async (t) => {
  const { plain, cut } = await cutOff(t);
  const [ours, others] = [scheduleFacts(cut, ACCESS), scheduleFacts(plain, ACCESS)];

  const paused = [await ours.pause('nightly'), await ours.pause('nightly'), await others.pause('nightly')];
  const { isPaused } = await others.find('nightly');
  const resumed = [await ours.resume('nightly'), await ours.resume('nightly'), await others.resume('nightly')];

  assert.deepEqual(paused, [true, false, false]);
  assert.equal(isPaused, true);
  assert.deepEqual(resumed, [true, false, false]);
  assert.equal((await others.find('nightly')).isPaused, false);
});
