import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterwards, orElse } from '../../../src/broker/soon.ts';

const boom = new Error('boom');

function fails(): never {
  throw boom;
}

test('what is there at once stays there at once', () => {
  const step = afterwards(2, (value) => value * 3);

  assert.equal(step, 6);
});

test('what comes later is waited for', async () => {
  const step = afterwards(Promise.resolve(2), (value) => value * 3);

  assert.ok(step instanceof Promise);
  assert.equal(await step, 6);
});

test('what an async function gives is waited for, whatever class globalThis.Promise is', async (t) => {
  const NodesOwn = Promise;
  t.after(() => (globalThis.Promise = NodesOwn));
  globalThis.Promise = class Other extends NodesOwn<unknown> {} as PromiseConstructor;

  const step = afterwards((async () => 2)(), (value) => value * 3);
  const mended = orElse(
    async () => fails(),
    () => 4,
  );
  globalThis.Promise = NodesOwn;

  assert.equal(await step, 6);
  assert.equal(await mended, 4);
});

test('a step that throws is a rejected promise, never a throw', async () => {
  await assert.rejects(Promise.resolve(afterwards(1, fails)), boom);
  await assert.rejects(Promise.resolve(afterwards(Promise.resolve(1), fails)), boom);
});

test('a failure now and a failure later reach the same mend', async () => {
  const seen: unknown[] = [];
  const mend = (error: unknown): string => {
    seen.push(error);
    return 'mended';
  };

  const now = orElse(fails, mend);
  const later = orElse(() => Promise.reject<string>(boom), mend);

  assert.equal(now, 'mended');
  assert.equal(await later, 'mended');
  assert.deepEqual(seen, [boom, boom]);
});

test('a mend that fails is a rejected promise', async () => {
  await assert.rejects(Promise.resolve(orElse(fails, fails)), boom);
});
