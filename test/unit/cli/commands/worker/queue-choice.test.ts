import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQueues } from '../../../../../src/cli/commands/worker/queue-choice.ts';

test('no list is all queues, by age', () => {
  assert.deepEqual(parseQueues(null, false), { queues: null, order: { kind: 'age' } });
});

test('queues take turns, by weights where they are given', () => {
  const { queues, order } = parseQueues('mail=3, default', false);

  assert.deepEqual(queues, ['mail', 'default']);
  assert.equal(order.kind, 'turns');
  assert.deepEqual(order.kind === 'turns' ? [...order.weights] : [], [
    ['mail', 3],
    ['default', 1],
  ]);
});

test('in order', () => {
  assert.equal(parseQueues('mail,default', true).order.kind, 'listed');
});

for (const [text, inOrder, message] of [
  ['mail,mail', false, /each queue once in --queues, got mail twice/],
  ['mail=0', false, /a weight from 1 to 1000.*fsq pause mail/],
  ['mail=1.5', false, /a weight from 1/],
  ['mail=', false, /a weight from 1/],
  ['mail=1=2', false, /a weight from 1/],
  ['mail=1001', false, /a weight from 1/],
  ['Mail', false, /Expected each queue in --queues to be 1 to 64 of a-z/],
  ['*', false, /got "\*"\. Without --queues jobs of all queues are taken/],
  ['', false, /Expected each queue in --queues/],
  ['mail=2,b', true, /weights or --in-order, got both/],
  [null, true, /Expected --queues with --in-order/],
] as const) {
  test(`${JSON.stringify(text)}${inOrder ? ' in order' : ''} is refused`, () => {
    assert.throws(() => parseQueues(text, inOrder), message);
  });
}
