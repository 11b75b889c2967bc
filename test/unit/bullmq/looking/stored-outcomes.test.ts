import assert from 'node:assert/strict';
import test from 'node:test';
import type { Engine } from '../../../../src/bullmq/engine.ts';
import { OutcomeWatch } from '../../../../src/bullmq/looking/stored-outcomes.ts';
import { deferred } from '../../../support/conditions.ts';

test('a word that comes before the answer of an older look makes another look at once', async (t) => {
  // No look is made by time.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const first = deferred<readonly null[]>();
  const second = deferred<void>();
  let hear: (word: string) => void = () => undefined;
  let looks = 0;
  const engine = {
    store: {
      subscribe: async (_topic: string, hearer: (word: string) => void) => {
        hear = hearer;
        return () => undefined;
      },
    },
    queues: {
      look: () => {
        looks++;
        if (looks === 1) return first.promise;
        second.resolve();
        return Promise.resolve([null]);
      },
    },
  } as unknown as Engine;
  const watch = new OutcomeWatch(engine);
  t.after(() => watch.close());
  const stop = new AbortController();
  const waited = watch.wait('job', stop.signal, true);
  while (looks === 0) await Promise.resolve();

  hear('another 5 3 abc1');
  hear('job 5 3 abc1');
  first.resolve([null]);
  await second.promise;

  assert.equal(looks, 2);
  stop.abort();
  assert.equal(await waited, null);
});
