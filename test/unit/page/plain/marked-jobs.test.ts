import assert from 'node:assert/strict';
import test from 'node:test';
import {
  MOST_MARKS,
  type MarkedJobs,
  marksOf,
  namedMarks,
  seenAgain,
  withMark,
  withoutMarks,
} from '../../../../page/plain/marked-jobs.ts';

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

test('before an act the first are named, and those that are not on the page are counted', () => {
  const jobs = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((id) => ({ id, state: 'failed' as const }));
  const marks = withMark(NONE, jobs, true);

  assert.deepEqual(namedMarks(marks, jobs.slice(0, 3)), { ids: ['a', 'b', 'c', 'd', 'e'], others: 2, elsewhere: 4 });
  assert.deepEqual(namedMarks(withMark(NONE, jobs.slice(0, 2), true), jobs), {
    ids: ['a', 'b'],
    others: 0,
    elsewhere: 0,
  });
});

test('marks go with what was done with their jobs, and others stay', () => {
  const marks = withMark(NONE, [{ id: 'a', state: 'failed' }, { id: 'b', state: 'failed' }], true); // prettier-ignore

  assert.deepEqual([...withoutMarks(marks, ['a', 'x']).states.keys()], ['b']);
});
