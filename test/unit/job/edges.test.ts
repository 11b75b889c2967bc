/** The edges between jobs in a job's file: what is read, what is no job, and how values become arrays of arrays. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { faultInEdges, readShape, shaped } from '../../../src/job/edges.ts';

const [A, B, C] = [
  '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3',
  '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a4',
  '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a5',
];

test('values become the arrays that a shape says, each as often as it stands there; without one they stay a list', () => {
  const values = ['a', 'b', 'c'];

  assert.deepEqual(shaped(values, {}, null), ['a', 'b', 'c']);
  assert.deepEqual(shaped(values, { shape: [[0, 1], 2] }, null), [['a', 'b'], 'c']);
  assert.deepEqual(shaped(values, { shape: [[], [[2]], 0, 0] }, null), [[], [['c']], 'a', 'a']);
  assert.deepEqual(shaped(values, { shape: [] }, null), []);
  assert.deepEqual(shaped(values, { shape: [7] }, null), [null]);
});

describe('a job whose edges make no sense is none:', () => {
  const bad: Readonly<Record<string, object>> = {
    'an `after` that is a number': { after: 7 },
    'an `after` with something else than ids': { after: [A, 'b'] },
    'a `takes` of another kind': { after: A, takes: 'all' },
    'one value of two jobs': { after: [A, B], takes: 'value' },
    'a shape of one value': { after: A, takes: 'value', shape: [0] },
    'a shape of nothing that is taken': { after: [A], shape: [0] },
    'a shape with a place that `after` has not': { after: [A, B, C], takes: 'values', shape: [[0, 1], 3] },
    'a shape with a place below 0': { after: [A], takes: 'values', shape: [[-1]] },
    'a shape with half a place': { after: [A, B], takes: 'values', shape: [0.5] },
    'a shape that is no array': { after: [A, B], takes: 'values', shape: 1 },
    'a shape with a text': { after: [A, B], takes: 'values', shape: [['0']] },
  };
  for (const [name, options] of Object.entries(bad))
    test(name, () => assert.match(faultInEdges(options) ?? '', /`(after|takes|shape)`/));
});

test('sound edges are no fault, and none are needed', () => {
  for (const options of [
    null,
    {},
    { after: A },
    { after: [A, B], takes: 'error' },
    { takes: 'values' },
    { after: [A, B, C], takes: 'values', shape: [[0, [1]], 2] },
    { after: [], takes: 'values', shape: [[]] },
  ])
    assert.equal(faultInEdges(options), null, JSON.stringify(options));
  assert.deepEqual(readShape([[0], 1]), [[0], 1]);
  assert.equal(readShape([[0], '1']), undefined);
});
