/** What a worker tells of the children that it has replaced, written by this fsq, an older one or a newer one. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NO_RESTARTS, oneMore, readRestarts } from '../../../../src/broker/common/restarts.ts';

test('what is written is read again, of the last its reason and time', () => {
  const two = oneMore(oneMore(NO_RESTARTS, 'exit', 5), 'revoked', 7);

  assert.deepEqual(two, { count: 2, last: { why: 'revoked', atMs: 7 } });
  for (const restarts of [NO_RESTARTS, two])
    assert.deepEqual(readRestarts(JSON.parse(JSON.stringify(restarts))), restarts);
});

test('a record of an older fsq says nothing, and neither does what is no count', () => {
  for (const odd of [undefined, null, 3, [], {}, { count: -1 }, { count: '2' }, { count: 1.5 }])
    assert.equal(readRestarts(odd), null, JSON.stringify(odd));
});

test('a reason that this fsq does not know costs the reason, and not the count', () => {
  const odd: readonly unknown[] = [{ why: 'moonlight', atMs: 1 }, { why: 'exit', atMs: -1 }, 'exit', undefined];

  for (const last of odd) assert.deepEqual(readRestarts({ count: 4, last }), { count: 4, last: null });
});
