/** Who waits for whom, without any file. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Waits } from '../../../../src/spool/after/waits.ts';

test('a job waits for the last of those that are left, and is looked at again when nobody has to wait for that', () => {
  const waits = new Waits();
  waits.add('f');
  assert.deepEqual([...waits.takeOpen()], ['f']);
  waits.learn('f', { left: ['a', 'b'], expiresAtMs: Infinity });
  waits.wait('f', 'b');

  assert.deepEqual([[...waits.ids()], waits.hasWork, waits.isInUse], [['b'], false, true]);
  waits.release('a');
  assert.equal(waits.hasWork, false);
  waits.release('b');

  assert.deepEqual([[...waits.ids()], waits.hasWork], [[], true]);
  assert.deepEqual([...waits.takeOpen()], ['f']);
  assert.deepEqual(waits.get('f')?.left, ['a']);
});

test('one that is too late waits for nothing more, once, whether it waits or is about to be looked at', () => {
  const waits = new Waits();
  for (const name of ['late', 'later']) {
    waits.learn(name, { left: ['a', 'b'], expiresAtMs: name === 'late' ? 5 : 10 });
    waits.wait(name, 'b');
  }

  waits.releaseExpired(5);
  assert.equal(waits.hasWork, false);
  for (let i = 0; i < 2; i++) waits.releaseExpired(6);

  assert.deepEqual([...waits.takeOpen()], ['late']);
  assert.deepEqual([waits.get('late')?.left, waits.get('later')?.left], [[], ['a', 'b']]);
  waits.release('b');
  assert.deepEqual([...waits.takeOpen()], ['later']);
});

test('what a whole listing does not name is forgotten, with its place in the line; what comes meanwhile stays', () => {
  const waits = new Waits();
  for (const name of ['stays', 'goes']) {
    waits.learn(name, { left: [name], expiresAtMs: Infinity });
    waits.wait(name, name);
  }
  waits.add('unread');

  waits.beginListing();
  waits.add('stays');
  waits.add('comes');
  waits.endListing(true);

  assert.deepEqual([...waits.ids()], ['stays']);
  assert.deepEqual([...waits.takeOpen()], ['comes']);
  waits.beginListing();
  waits.endListing(false);
  assert.deepEqual([...waits.ids()], ['stays'], 'a listing that failed says nothing');
});

test('names that are given back come after all others, and again', () => {
  const waits = new Waits();
  waits.add('a');
  waits.add('b');
  const order: string[] = [];
  for (const name of waits.takeOpen()) {
    order.push(name);
    if (order.length < 4) waits.again(name);
  }

  assert.deepEqual(order, ['a', 'b', 'a', 'b', 'a']);
});
