import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../../src/spool/disk/rounds.ts';
import { standstill } from '../../../support/clock.ts';
import { deferred, within } from '../../../support/conditions.ts';

test('a slice is over after a moment, and a new one after others had their turn', async (t) => {
  const time = standstill(t);
  const turns = new Turns();
  let hadTurn = false;
  setImmediate(() => (hadTurn = true));
  assert.equal(turns.isOver, false);
  time.goOn();
  while (!turns.isOver);

  await turns.next();

  assert.equal(hadTurn, true);
});

test('what is urgent goes first, also when it takes several turns of its own', async () => {
  const { promise, resolve } = deferred<void>();
  let urgent: Promise<void> | null = promise;
  const order: string[] = [];
  setTimeout(() => {
    order.push('urgent');
    urgent = null;
    resolve();
  }, 20);

  await new Turns(() => urgent).next();
  order.push('next');

  assert.deepEqual(order, ['urgent', 'next']);
});

test('what is urgent and does not end, because the disk is full, is not waited for for ever', async () => {
  const { promise } = deferred<void>();

  await within(new Turns(() => promise).next(), 'the next slice');
});

test('work that is given up ends with its next slice', async () => {
  const stop = new AbortController();
  stop.abort(new Error('the worker ends'));

  await assert.rejects(new Turns(() => null, stop.signal).next(), /the worker ends/);
});
