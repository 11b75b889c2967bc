import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Rate } from '../../../../src/job/queue-limits.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { freeSlots, rateDirectory, takeSlots } from '../../../../src/spool/ready/rate-slots.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { contextOf, tempContext } from '../../../support/context.ts';

const RATE = { count: 20, periodMs: 1_000 };
const MAIL = { kind: 'queue', name: 'mail' } as const;

const takeSlot = (context: SpoolContext, rate: Rate = RATE): boolean => takeSlots(context, [{ owner: MAIL, rate }]);
const free = (context: SpoolContext): number => freeSlots(context, { owner: MAIL, rate: RATE });
const slotFiles = (context: SpoolContext): readonly string[] =>
  readdirSync(rateDirectory(context.layout, MAIL, RATE)).toSorted();

/** A file system of which the first call of `name` comes after `before`. */
function delayed(name: keyof Files, before: () => void): Files {
  let isFirst = true;
  return new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      if (key !== name || !isFirst) return target[key];
      isFirst = false;
      before();
      return target[key];
    },
  });
}

test('a window has its slots, the next one has them again', (t) => {
  let nowMs = 1_000_000;
  const context = tempContext(t, { nowMs: () => nowMs });
  const take = (): boolean => takeSlot(context);

  assert.equal(free(context), 2);
  assert.deepEqual([take(), take(), take()], [true, true, false]);
  assert.equal(free(context), 0);
  nowMs += 100;
  assert.deepEqual([take(), take(), take()], [true, true, false]);
});

test('what is surely past goes; what lies ahead stays, until its time has passed', (t) => {
  let nowMs = 1_000_000;
  const context = tempContext(t, { nowMs: () => nowMs });
  for (const atMs of [1_000_000, 1_000_100, 1_000_500, 900_000]) {
    nowMs = atMs;
    takeSlot(context);
  }

  assert.deepEqual(slotFiles(context), ['10005.0', '9000.0']);

  nowMs = 1_000_700;
  takeSlot(context);

  assert.deepEqual(slotFiles(context), ['10007.0']);
});

test('a worker that stands still before it lists the slots takes none away that began meanwhile', (t) => {
  for (const look of [takeSlot, free]) {
    let nowMs = 1_000_000;
    const others = tempContext(t, { nowMs: () => nowMs });
    takeSlot(others);
    const files = delayed('list', () => {
      nowMs += 250;
      takeSlot(others);
      takeSlot(others);
    });
    look(contextOf(others.layout.root, { files, nowMs: () => nowMs }));

    assert.equal(takeSlot(others), false, `after ${look.name}`);
  }
});

test('a worker that stands still before it takes a slot takes one of the span that is then', (t) => {
  let nowMs = 1_000_000;
  const others = tempContext(t, { nowMs: () => nowMs });
  takeSlot(others);
  const slow = (files: Files): SpoolContext => contextOf(others.layout.root, { files, nowMs: () => nowMs });
  const stop = (): void => {
    nowMs += 250;
    takeSlot(others);
    takeSlot(others);
  };

  assert.equal(takeSlot(slow(delayed('create', stop))), false, 'those of the new span are used');

  nowMs += 100;
  assert.equal(takeSlot(slow(delayed('create', () => (nowMs += 100)))), true);
  assert.equal(free(others), 1);
});

test('of two rates a slot is taken anew whose span has passed while the other was taken', (t) => {
  let nowMs = 1_000_000;
  const others = tempContext(t, { nowMs: () => nowMs });
  takeSlot(others);
  takeSlot(others);
  const hourly = { owner: { kind: 'task', name: 'report' }, rate: { count: 1, periodMs: 3_600_000 } } as const;
  const mail = { owner: MAIL, rate: RATE };
  nowMs += 100;
  let creates = 0;
  const files = new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      if (key === 'create' && ++creates === 2) nowMs += 100;
      return target[key];
    },
  });

  assert.equal(
    takeSlots(contextOf(others.layout.root, { files, nowMs: () => nowMs }), [mail, hourly]),
    true,
    'the only slot of the other is not asked for twice',
  );

  assert.equal(free(others), 1, 'one of the span that is now');
});

test('a spool without limits/ gets it, and what is no slot is left alone', (t) => {
  const context = tempContext(t);
  rmSync(context.layout.limits, { recursive: true });

  assert.equal(takeSlot(context), true);
  const directory = rateDirectory(context.layout, MAIL, RATE);
  writeFileSync(`${directory}/README`, '');
  takeSlot(context);

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

  assert.deepEqual([takeSlot(context, slow), takeSlot(context, slow)], [true, false]);
  assert.equal(takeSlot(context), true);
  assert.equal(free(context), 1);

  assert.equal(takeSlot(context, slow), false);
});
