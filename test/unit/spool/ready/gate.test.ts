import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NO_RULES, type QueueLimits } from '../../../../src/job/queue-limits.ts';
import { takeSlots } from '../../../../src/spool/ready/rate-slots.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { Feed } from '../../../../src/spool/ready/feed.ts';
import { Gate } from '../../../../src/spool/ready/gate.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';

/** Far from the midnights (UTC) at which the slots of a day are there again. */
const NOON = { nowMs: () => Date.UTC(2026, 2, 1, 12) };
const ONE_A_DAY: QueueLimits = { concurrency: null, rate: { count: 1, periodMs: 86_400_000 } };

test('limits that are dropped hold nothing back any more, and wake nobody', (t) => {
  const gate = new Gate(tempContext(t), NO_RULES);
  gate.limitTasks(new Map([['echo', { concurrency: 1, rate: null }]]));
  gate.look();
  gate.count('name', 'default', { task: 'echo', limitKey: null });
  assert.notEqual(gate.againInMs(), null);

  gate.limitTasks(new Map());
  gate.look();

  assert.equal(gate.againInMs(), null);
  assert.equal(gate.isOpen({ queue: 'default', task: 'echo' }), true);
});

test('where all that wait turn out to be held back, a job that comes is heard of', async (t) => {
  const context = tempContext(t, NOON);
  const broker = openSpool({ path: context.layout.root, fsync: false });
  const gate = new Gate(context, NO_RULES);
  gate.limitTasks(new Map([['daily', ONE_A_DAY]]));
  let ready = 0;
  const feed = new Feed(context, {
    queues: null,
    gate,
    onReady: () => ready++,
    onTrouble: (error) => assert.fail(String(error)),
  });
  t.after(() => feed.close());
  assert.equal(
    takeSlots(context, [{ owner: { kind: 'task', name: 'daily' }, rate: { count: 1, periodMs: 86_400_000 } }]),
    true,
  );
  await broker.enqueue(Array.from({ length: 3 }, () => job({ task: 'daily' })));
  assert.deepEqual(feed.take(8), []);

  await broker.enqueue([job({ task: 'free', queue: 'other' })]);

  await until(() => ready > 0, 'the new job is announced');
  assert.equal(feed.take(8).length, 1);
});

test('a long backlog is read for its tasks a part at a time, and once', async (t) => {
  const context = tempContext(t);
  const broker = openSpool({ path: context.layout.root, fsync: false });
  let reads = 0;
  const files = {
    ...context.files,
    open: (...args: Parameters<typeof context.files.open>) => (reads++, context.files.open(...args)),
  };
  const gate = new Gate({ ...context, files }, NO_RULES);
  gate.limitTasks(new Map([['daily', { concurrency: 1, rate: null }]]));
  const feed = new Feed(
    { ...context, files },
    { queues: null, gate, onReady: () => undefined, onTrouble: (error) => assert.fail(String(error)) },
  );
  t.after(() => feed.close());
  await broker.enqueue(Array.from({ length: 4_000 }, () => job({ task: 'daily' })));
  const free = job({ task: 'free' });
  await broker.enqueue([free]);

  const names: string[] = [];
  await until(
    () => {
      names.push(...feed.take(8));
      return names.some((name) => name.includes(free.job.id));
    },
    'the job behind them is given',
    20_000,
  );

  const before = reads;
  assert.ok(before >= 4_001 && before < 4_200, `${before} reads of 4,001 jobs`);
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // A new listing is due.
  feed.take(8);
  assert.ok(reads - before < 100, `${reads - before} more reads`);
});

test('a feed that has read all tasks and has nothing to give announces nothing', async (t) => {
  const context = tempContext(t, NOON);
  const broker = openSpool({ path: context.layout.root, fsync: false });
  const open: typeof context.files.open = (...args) => {
    const endAt = performance.now() + 2; // Some ten jobs take up a turn.
    while (performance.now() < endAt);
    return context.files.open(...args);
  };
  const slow = { ...context, files: { ...context.files, open } };
  const gate = new Gate(slow, NO_RULES);
  gate.limitTasks(new Map([['daily', ONE_A_DAY]]));
  takeSlots(context, [{ owner: { kind: 'task', name: 'daily' }, rate: { count: 1, periodMs: 86_400_000 } }]);
  let ready = 0;
  const feed = new Feed(slow, { queues: null, gate, onReady: () => ready++, onTrouble: assert.ifError });
  t.after(() => feed.close());
  await broker.enqueue([...Array.from({ length: 50 }, () => job({ task: 'daily' })), job({ task: 'free' })]);
  const given = await until(() => feed.take(1)[0], 'the job behind them is given');
  rmSync(join(context.layout.pending, given));
  assert.deepEqual(feed.take(1), []);
  ready = 0;

  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);

  assert.equal(ready, 0);
});
