/** Tables that are long: a round reads a part of one, and all of it is seen in the end. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { findReleasedAmong, WAITING } from '../../../../src/bullmq/after/lines.ts';
import { OutcomeTimes, TIMES } from '../../../../src/bullmq/ended/outcome-times.ts';
import type { Engine } from '../../../../src/bullmq/engine.ts';
import { pagesOf, TableWalk } from '../../../../src/bullmq/looking/table-walk.ts';
import { openEngine } from '../../../../src/bullmq/open-engine.ts';
import { QueueNames } from '../../../../src/bullmq/queue-names.ts';
import { lacksPostgres, postgresServer } from '../../../support/postgres-server.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

const MANY = 20_000;
/** A round may read so many fields, and ask for so many ids. */
const MOST = 1_500;

let places = 0;

async function onRedis(t: TestContext): Promise<Engine> {
  const engine = await openEngine({ address: parseBrokerAddress((await redisServer()).url(`walk${++places}`)) });
  t.after(engine.use());
  return engine;
}

async function onPostgres(t: TestContext): Promise<Engine> {
  const engine = await openEngine({ address: parseBrokerAddress(await (await postgresServer()).url('walk')) });
  t.after(engine.use());
  return engine;
}

async function fill({ store }: Engine, table: string, count: number, value: (i: number) => string): Promise<void> {
  const fields = Array.from({ length: count }, (_, i) => i);
  await Promise.all(fields.map((i) => store.setField(table, String(1_000_000_000 + i), value(i))));
}

/** The same, which counts the fields that come, and the ids that are asked for. */
function counting(engine: Engine): { readonly engine: Engine; readonly read: () => number } {
  let read = 0;
  const store = new Proxy(engine.store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...given: readonly unknown[]): Promise<unknown> => {
        const answer: unknown = await Reflect.apply(value, target, given);
        if (answer instanceof Map) read += answer.size;
        if (name === 'someFields') read += (answer as { readonly fields: ReadonlyMap<string, string> }).fields.size;
        if (name === 'stages') read += (given[0] as readonly string[]).length;
        return answer;
      };
    },
  });
  return { engine: { ...engine, store, queues: new QueueNames(store) }, read: () => read };
}

describe('a walk through a table', () => {
  for (const { name, open, skip } of [
    { name: 'Redis', open: onRedis, skip: lacksRedis },
    { name: 'PostgreSQL', open: onPostgres, skip: lacksPostgres },
  ])
    test(`on ${name} it sees all fields with their values, page by page, and begins again`, { skip }, async (t) => {
      const engine = await open(t);
      const { store } = engine;
      await fill(engine, 'long', 1_700, (i) => `value ${i}`);
      const seen = new Map<string, string>();
      let pages = 0;

      for await (const page of pagesOf(store, 'long')) {
        pages++;
        for (const [field, value] of page) seen.set(field, value);
      }
      const walk = new TableWalk('none');
      const nothing = await walk.next(store);

      assert.deepEqual(seen, await store.fields('long'));
      assert.ok(pages >= 3, `${pages} pages`);
      assert.deepEqual([nothing.size, walk.isThrough], [0, true]);
    });

  test(`with ${MANY} jobs that wait for others a round reads some of them, and finds each in time`, async (t) => {
    if (lacksRedis !== false) return t.skip(lacksRedis);
    const plain = await onRedis(t);
    const nowMs = await plain.store.clockMs();
    await fill(plain, WAITING, MANY, (i) => `open${i % 7} default ${nowMs}`);
    const { engine, read } = counting(plain);
    const walk = new TableWalk(WAITING);
    const seen = new Set<string>();

    for (let most = 0; seen.size === 0 || !walk.isThrough;) {
      const before = read();
      const page = await walk.next(engine.store);
      await findReleasedAmong(engine, page);
      for (const id of page.keys()) seen.add(id);
      most = Math.max(most, read() - before);
      assert.ok(most <= MOST, `a round has read ${most}`);
    }

    assert.equal(seen.size, MANY);
  });

  test(`with ${MANY} times at which outcomes are over a round reads some of them, and finds what is over`, async (t) => {
    if (lacksRedis !== false) return t.skip(lacksRedis);
    const plain = await onRedis(t);
    await fill(plain, TIMES, MANY, () => '1');
    await plain.store.setField(TIMES, '7', '1');
    const { engine, read } = counting(plain);
    const times = new OutcomeTimes(engine, { inParts: true });

    for (let rounds = 0; (await plain.store.field(TIMES, '7')) !== null; rounds++) {
      const before = read();
      await times.forget();
      assert.ok(read() - before <= MOST, `a round has read ${read() - before}`);
      assert.ok(rounds < MANY / 100, 'what is over is found');
    }
  });
});
