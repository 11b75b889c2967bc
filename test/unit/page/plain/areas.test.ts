import assert from 'node:assert/strict';
import test from 'node:test';
import { areasOf, MARGIN, niceTop, slotAt } from '../../../../page/plain/areas.ts';

const SIZE = { width: 100 + MARGIN.left + MARGIN.right, height: 100 + MARGIN.top + MARGIN.bottom };
const [left, top] = [MARGIN.left, MARGIN.top];

test('what is done lies upon what failed, from the first slot to the last', () => {
  const areas = areasOf({ atMs: [0, 1, 2], ended: [10, 5, 0], failed: [5, 0, 0] }, SIZE);

  assert.equal(areas.doneEdge, `M${left},${top}L${left + 50},${top + 50}L${left + 100},${top + 100}`);
  assert.equal(areas.failedEdge, `M${left},${top + 50}L${left + 50},${top + 100}L${left + 100},${top + 100}`);
  assert.ok(areas.done.startsWith(areas.doneEdge) && areas.done.endsWith(`L${left},${top + 50}Z`), areas.done);
  assert.deepEqual(
    areas.rows.map(({ text }) => text),
    ['0', '5', '10'],
  );
});

test('a slot that is not known yet is left out', () => {
  const areas = areasOf({ atMs: [0, 1], ended: [1, null], failed: [0, null] }, SIZE);

  assert.equal(areas.doneEdge, `M${left},${top}`);
});

test('where nothing failed, nothing is drawn of it', () => {
  const areas = areasOf({ atMs: [0, 1], ended: [1, 1], failed: [0, 0] }, SIZE);

  assert.deepEqual([areas.failed, areas.failedEdge], ['', '']);
  assert.notEqual(areas.done, '');
});

test('without any slot there is a chart all the same', () => {
  const areas = areasOf({ atMs: [], ended: [], failed: [] }, SIZE);

  assert.deepEqual([areas.done, areas.columns, areas.rows.length], ['', [], 3]);
});

test('the top is a round number that nothing exceeds', () => {
  assert.deepEqual(
    [0, 0.3, 1, 1.1, 9, 10, 11, 249, 1_234_567].map(niceTop),
    [1, 1, 1, 1.2, 10, 10, 12, 300, 1_600_000],
  );
});

const textsOf = (fromMs: number, slotMs: number, slots: number, width: number): readonly string[] => {
  const atMs = Array.from({ length: slots }, (_, i) => fromMs + i * slotMs);
  const none = atMs.map(() => 0);
  const areas = areasOf({ atMs, ended: none, failed: none }, { width, height: 200 });
  return areas.columns.map(({ text }) => text);
};

test('labels stand at round times of the day, and at as many as there is room for', () => {
  const from = new Date(2026, 2, 1, 13, 58, 15).getTime();

  assert.deepEqual(textsOf(from, 15_000, 60, 654), ['14:00', '14:02', '14:04', '14:06', '14:08', '14:10', '14:12']);
  assert.deepEqual(textsOf(from, 15_000, 60, 300), ['14:00', '14:05', '14:10']);
  const day = new Date(2026, 2, 1, 13, 55).getTime();
  assert.deepEqual(textsOf(day, 300_000, 288, 400), ['18:00', '00:00', '06:00', '12:00']);
});

test('the pointer means the nearest slot, also beside the chart', () => {
  assert.deepEqual(
    [-50, 0, 4, 6, 19, 999].map((x) => slotAt([0, 10, 20], x)),
    [0, 0, 0, 1, 2, 2],
  );
});
