import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { rateDirectory } from '../../../src/spool/note-names.ts';
import { freeSlots, takeSlot } from '../../../src/spool/rate-slots.ts';
import { tempContext } from '../../support/context.ts';

const RATE = { count: 20, periodMs: 1_000 };
const MAIL = { kind: 'queue', name: 'mail' } as const;

test('a window has its slots, the next one has them again', (t) => {
  let nowMs = 1_000_000;
  const context = tempContext(t, { nowMs: () => nowMs });
  const take = (): boolean => takeSlot(context, MAIL, RATE);

  assert.equal(freeSlots(context, MAIL, RATE), 2);
  assert.deepEqual([take(), take(), take()], [true, true, false]);
  assert.equal(freeSlots(context, MAIL, RATE), 0);
  nowMs += 100;
  assert.deepEqual([take(), take(), take()], [true, true, false]);
});

test('what other windows have left goes, also after the clock was set back', (t) => {
  let nowMs = 1_000_000;
  const context = tempContext(t, { nowMs: () => nowMs });
  for (const atMs of [1_000_000, 1_000_100, 1_000_500, 900_000]) {
    nowMs = atMs;
    takeSlot(context, MAIL, RATE);
  }

  takeSlot(context, MAIL, RATE);

  assert.deepEqual(readdirSync(rateDirectory(context.layout, MAIL, RATE)).toSorted(), ['9000.0', '9000.1']);
});

test('a spool without limits/ gets it, and what is no slot is left alone', (t) => {
  const context = tempContext(t);
  rmSync(context.layout.limits, { recursive: true });

  assert.equal(takeSlot(context, MAIL, RATE), true);
  const directory = rateDirectory(context.layout, MAIL, RATE);
  writeFileSync(`${directory}/README`, '');
  takeSlot(context, MAIL, RATE);

  assert.ok(existsSync(`${directory}/README`));
});

test('tasks have directories of their own, whatever their names', (t) => {
  const { layout } = tempContext(t);
  const paths = ['mail', 'a/b', 'a:b', 'a.b'].map((name) => rateDirectory(layout, { kind: 'task', name }, RATE));

  assert.equal(new Set([...paths, rateDirectory(layout, MAIL, RATE)]).size, 5);
  for (const path of paths) assert.match(path.slice(layout.limits.length + 1), /^task\.[\w.+=-]+$/);
});

test('another rate of the same queue has slots of its own, and takes none away', (t) => {
  const context = tempContext(t, { nowMs: () => 1_000_000 });
  const slow = { count: 1, periodMs: 60_000 };

  assert.deepEqual([takeSlot(context, MAIL, slow), takeSlot(context, MAIL, slow)], [true, false]);
  assert.equal(takeSlot(context, MAIL, RATE), true);
  assert.equal(freeSlots(context, MAIL, RATE), 1);

  assert.equal(takeSlot(context, MAIL, slow), false);
});
