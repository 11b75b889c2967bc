import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueueOrder } from '../../../../src/broker/worker-side.ts';
import { type Lane, Lanes } from '../../../../src/spool/ready/lanes.ts';

const ALL_OPEN = (): boolean => true;
const WEIGHTS = new Map([
  ['a', 3],
  ['b', 2],
  ['c', 1],
]);

/** Names such as a1, one for each letter. */
function lanesOf(order: QueueOrder, letters: string, isOpen: (lane: Lane) => boolean = ALL_OPEN): Lanes {
  const lanes = new Lanes(order, isOpen);
  [...letters].forEach((queue, i) => lanes.of(queue, null).push(`${i}`.padStart(4, '0') + queue));
  lanes.sort();
  return lanes;
}

function drain(lanes: Lanes): string {
  let order = '';
  for (let lane = lanes.next(); lane !== null; lane = lanes.next()) order += lane.pop()?.at(-1) ?? '?';
  return order;
}

test('by age: whatever the queue', () => {
  assert.equal(drain(lanesOf({ kind: 'age' }, 'abcabba')), 'abcabba');
});

test('in turns: each by its weight while all have some, then what is left', () => {
  const order = drain(lanesOf({ kind: 'turns', weights: WEIGHTS }, 'a'.repeat(6) + 'b'.repeat(4) + 'c'.repeat(4)));

  for (const round of [order.slice(0, 6), order.slice(6, 12)]) assert.equal([...round].toSorted().join(''), 'aaabbc');
  assert.equal(order.slice(12), 'cc');
});

test('in turns: a queue that comes late does not catch up on what it had no jobs for', () => {
  const lanes = lanesOf({ kind: 'turns', weights: WEIGHTS }, 'a'.repeat(40));
  for (let i = 0; i < 20; i++) lanes.next()?.pop();
  for (let i = 0; i < 20; i++) lanes.of('c', null).push(`9${i}c`);

  const first = Array.from({ length: 8 }, () => lanes.next()?.pop()?.at(-1)).join('');

  assert.equal([...first].filter((queue) => queue === 'c').length, 2, first);
});

test('as listed: the first that has any', () => {
  assert.equal(drain(lanesOf({ kind: 'listed', weights: WEIGHTS }, 'cbacba')), 'aabbcc');
});

test('closed lanes are passed over, and keep their names', () => {
  let closed = 'a';
  const lanes = lanesOf({ kind: 'age' }, 'abab', ({ queue }) => queue !== closed);

  assert.equal(lanes.openSize, 2);
  assert.equal(drain(lanes), 'bb');
  assert.equal(lanes.size, 2);
  closed = '';
  assert.equal(drain(lanes), 'aa');
});

test('names that are pushed come behind those that are there, in the order in which they came', () => {
  const lanes = lanesOf({ kind: 'age' }, 'aa');
  const lane = lanes.of('a', null);
  lane.push('x');
  lane.push('y');

  assert.deepEqual([lane.head, lane.size, lane.includes('y')], ['0000a', 4, true]);
  assert.deepEqual(
    Array.from({ length: 5 }, () => lane.pop()),
    ['0000a', '0001a', 'x', 'y', undefined],
  );
});

test('a more urgent name goes before all, once, and a less urgent one is none', () => {
  const lanes = new Lanes({ kind: 'age' }, ALL_OPEN);
  for (const name of ['5.a', '5.b', '5.c']) lanes.of('q', null).push(name);
  lanes.sort();

  assert.deepEqual(
    ['0.z', '4.z', '5.0', '6.a'].map((name) => lanes.isMoreUrgent(name)),
    [true, true, false, false],
  );
  for (const name of ['4.z', '0.z', '4.z']) lanes.of('q', null).insert(name);

  const lane = lanes.of('q', null);
  assert.deepEqual([lane.pop(), lane.pop(), lane.pop(), lane.size], ['0.z', '4.z', '5.a', 2]);
});
