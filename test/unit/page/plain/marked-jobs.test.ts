import assert from 'node:assert/strict';
import test from 'node:test';
import { MOST_MARKS, type MarkedJobs, marksOf, seenAgain, withMark } from '../../../../page/plain/marked-jobs.ts';

const NONE: MarkedJobs = { filter: 'state=failed', states: new Map() };

test('marks stay with their filter, and another filter begins without any', () => {
  const marks = withMark(NONE, [{ id: 'a', state: 'failed' }], true);

  assert.equal(marksOf(marks, 'state=failed'), marks);
  assert.equal(marksOf(marks, '').states.size, 0);
});

test('a job that is seen in another state is marked in that one', () => {
  const marks = withMark(NONE, [{ id: 'a', state: 'failed' }], true);

  assert.equal(seenAgain(marks, [{ id: 'a', state: 'pending' }]).states.get('a'), 'pending');
  assert.equal(seenAgain(marks, [{ id: 'b', state: 'pending' }]), marks);
});

test('as many are marked as one act may name', () => {
  const many = Array.from({ length: MOST_MARKS + 5 }, (_, i) => ({ id: String(i), state: 'failed' as const }));

  assert.equal(withMark(NONE, many, true).states.size, MOST_MARKS);
  assert.equal(withMark(withMark(NONE, many, true), many, false).states.size, 0);
});
