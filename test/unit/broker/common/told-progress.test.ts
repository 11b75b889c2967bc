import assert from 'node:assert/strict';
import test from 'node:test';
import { ToldProgress } from '../../../../src/broker/common/told-progress.ts';
import { standstill } from '../../../support/clock.ts';

test('the first report is kept at once, those of a quarter of a second as one, the last at the end; each says for whom the run waits', (t) => {
  const time = standstill(t);
  const kept: unknown[] = [];
  const progress = new ToldProgress({
    attempt: 2,
    nowMs: () => 7,
    keep: (text, told) => kept.push([JSON.parse(text), told?.value ?? null]),
  });

  progress.waitsFor(['x']);
  progress.tell({ value: 0.1 });
  progress.tell({ value: 0.2 });
  time.skip(250);
  progress.tell({ value: 0.3 });
  progress.waitsFor([]);
  progress.tell({ value: 0.4, detail: 'd' });
  progress.end();
  progress.end();

  const about = { v: 1, attempt: 2, atMs: 7 };
  assert.deepEqual(kept, [
    [{ ...about, waitsFor: ['x'] }, null],
    [{ ...about, value: 0.3, waitsFor: ['x'] }, 0.3],
    [{ ...about, value: 0.3 }, null],
    [{ ...about, value: 0.4, detail: 'd' }, 0.4],
  ]);
});

test('a report that could not be kept is tried again with the next, and at the end', (t) => {
  const time = standstill(t);
  const kept: (number | null)[] = [];
  let isBroken = true;
  const progress = new ToldProgress({
    attempt: 1,
    nowMs: () => 7,
    keep: (_text, told) => {
      if (isBroken) throw new Error('the disk is full');
      kept.push(told?.value ?? null);
    },
  });

  progress.tell({ value: 0.1 });
  time.skip(250);
  isBroken = false;
  progress.waitsFor(['x']);
  isBroken = true;
  time.skip(250);
  progress.tell({ value: 0.2 });
  isBroken = false;
  progress.end();

  assert.deepEqual(kept, [0.1, 0.2]);
});
