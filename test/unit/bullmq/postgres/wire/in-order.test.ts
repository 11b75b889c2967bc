import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InOrder } from '../../../../../src/bullmq/postgres/wire/in-order.ts';

/** Acts that end when they are told to. */
function acts(): { readonly begun: string[]; act(name: string): () => Promise<string>; end(error?: Error): void } {
  const begun: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const act = (name: string) => (): Promise<string> =>
    new Promise((resolve, reject) => {
      begun.push(name);
      ends.push((error) => (error === undefined ? resolve(name) : reject(error)));
    });
  return { begun, act, end: (error) => ends.shift()?.(error) };
}

test('what is about one thing is done one after the other, and what is about others at once', async () => {
  const { begun, act, end } = acts();
  const order = new InOrder();

  const all = [order.run('a', act('a1')), order.run('a', act('a2')), order.run('b', act('b1'))];

  assert.deepEqual(begun, ['a1', 'b1']);
  end();
  await all[0];
  end();
  await all[2];
  assert.deepEqual(begun, ['a1', 'b1', 'a2']);
  end();
  assert.equal(await all[1], 'a2');
});

test('one that fails does not keep the next from being done', async () => {
  const { begun, act, end } = acts();
  const order = new InOrder();
  const [first, second] = [order.run('a', act('a1')), order.run('a', act('a2'))];

  end(new Error('cut'));
  await assert.rejects(first, /cut/);
  await new Promise((resolve) => setImmediate(resolve));
  end();

  assert.equal(await second, 'a2');
  assert.deepEqual(begun, ['a1', 'a2']);
});
