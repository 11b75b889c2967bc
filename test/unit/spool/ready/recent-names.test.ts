/** Names that are not tried again for a moment, and names that are left to a lookout for a moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lookout, RecentNames } from '../../../../src/spool/ready/recent-names.ts';
import { standstill } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';

test('a name is recent for a moment', async (t) => {
  const time = standstill(t);
  const names = new RecentNames();
  names.add('a');
  assert.deepEqual([names.has('a'), names.has('b')], [true, false]);
  time.goOn();

  await until(() => !names.has('a'), 'it is not recent any more');
});

test('of many names the oldest are forgotten, so that they take up no more memory', () => {
  const names = new RecentNames(60_000);
  names.add('first');
  for (let i = 0; i < 20_000; i++) names.add(`${i}`);

  assert.deepEqual([names.has('first'), names.has('19999')], [false, true]);
});

test('each name that is left to a lookout is told once, when the lookout has had its time', async (t) => {
  const told: string[] = [];
  const lookout = new Lookout((names) => void told.push(...names));
  t.after(() => lookout.close());
  assert.equal(lookout.isPosted, false);
  lookout.post(true);

  for (const name of ['a', 'b', 'a']) lookout.leave(name);
  assert.equal(told.length, 0);
  await until(() => told.length > 0, 'they are told');
  lookout.leave('c');
  await until(() => told.includes('c'), 'the next is told');

  assert.deepEqual(told, ['a', 'b', 'c']);
});
