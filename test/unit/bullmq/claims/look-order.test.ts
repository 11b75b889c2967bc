import assert from 'node:assert/strict';
import test from 'node:test';
import type { QueueOrder } from '../../../../src/broker/worker-side.ts';
import { BY_AGE } from '../../../../src/broker/worker-side.ts';
import { LookOrder } from '../../../../src/bullmq/claims/look-order.ts';

const WEIGHTS = new Map([
  ['a', 2],
  ['b', 1],
]);

/** What a consumer takes of queues that hold so many jobs. */
function taken(order: QueueOrder, held: Readonly<Record<string, number>>, count: number): string {
  const left = new Map(Object.entries(held));
  const each = new LookOrder([]);
  each.set([...left.keys()], order);
  let text = '';
  while (text.length < count) {
    const looked = each.next();
    const queue = looked.find((name) => (left.get(name) ?? 0) > 0);
    if (queue === undefined) break;
    left.set(queue, (left.get(queue) ?? 0) - 1);
    each.took(queue, looked);
    text += queue;
  }
  return text;
}

test('queues are taken from in turns, by their weights', () => {
  assert.equal(taken({ kind: 'turns', weights: WEIGHTS }, { a: 9, b: 4 }, 13), 'abaabaabaabaa');
  assert.equal(taken(BY_AGE, { a: 3, b: 3, c: 3 }, 9), 'abcabcabc');
});

test('a queue that had nothing for a while has saved up nothing', () => {
  const each = new LookOrder([]);
  each.set(['a', 'b'], { kind: 'turns', weights: WEIGHTS });
  for (let i = 0; i < 100; i++) each.took('a', each.next());
  let text = '';
  for (let i = 0; i < 6; i++) {
    const looked = each.next();
    const [queue = ''] = looked;
    each.took(queue, looked);
    text += queue;
  }

  assert.match(text, /^(?:aba|baa|aab){2}$/);
});

test('in order: a queue is always looked at before those behind it', () => {
  assert.equal(taken({ kind: 'listed', weights: WEIGHTS }, { b: 2, a: 2 }, 4), 'bbaa');
});
