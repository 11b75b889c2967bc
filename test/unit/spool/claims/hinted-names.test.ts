/** What a child asks of its worker, and when it looks for itself. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Line } from '../../../../src/broker/worker-side.ts';
import { type Hint, parseWant } from '../../../../src/spool/ready/hints.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { HintedNames, type HintedNamesOptions } from '../../../../src/spool/claims/hinted-names.ts';
import { jobFileName } from '../../../../src/spool/layout.ts';
import { standstill } from '../../../support/clock.ts';
import { until, within } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { nextId } from '../../../support/factory.ts';

const letters = (count: number): string[] => Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));

test('it asks when it has nothing to do, and again when it has used what it was given', async (t) => {
  const { names, more, asked, tell } = hinted(t);
  const waiting = more();
  assert.deepEqual(asked, ['idle']);

  tell({ type: 'names', names: ['a'] });
  await within(waiting, 'a name is there');
  assert.equal(names.next(), 'a');
  void more();

  assert.deepEqual(asked, ['idle', 'idle']);
});

test('of a large batch it asks early, when half are left, and urgently when all are used', (t) => {
  const { names, more, asked, tell } = hinted(t);
  tell({ type: 'names', names: letters(8) });

  for (let i = 0; i < 3; i++) names.next();
  assert.deepEqual(asked, []);
  names.next();
  assert.deepEqual(asked, ['early']);
  for (let i = 0; i < 4; i++) names.next();
  void more();

  assert.deepEqual(asked, ['early', 'idle']);
});

test('of a small batch it does not ask early', (t) => {
  const { names, asked, tell } = hinted(t);
  tell({ type: 'names', names: letters(7) });

  while (names.next() !== null);

  assert.deepEqual(asked, []);
});

test('a lookout hears of the jobs that it may run, until names are given', async (t) => {
  const { context, names, more, asked, tell } = hinted(t, {
    queues: ['mine'],
    isHeldBack: (name) => name.startsWith('9'),
  });
  const waiting = more();
  tell({ type: 'lookout', isPosted: true });

  put(context, { queue: 'theirs' });
  put(context, { queue: 'mine', priority: 9 });
  const mine = put(context, { queue: 'mine' });
  await within(waiting, 'it hears of its job');

  assert.deepEqual([names.next(), names.next()], [mine, null]);
  void more();
  assert.deepEqual(asked, ['idle'], 'the worker knows that it has nothing to do');
});

test('a lookout that is relieved asks again: at once when it waits, else when it has nothing to do', (t) => {
  const { names, more, asked, tell } = hinted(t);
  void more();
  tell({ type: 'lookout', isPosted: true });
  tell({ type: 'lookout', isPosted: false });
  assert.deepEqual(asked, ['idle', 'idle']);

  tell({ type: 'names', names: ['a'] });
  tell({ type: 'lookout', isPosted: true });
  tell({ type: 'lookout', isPosted: false });
  assert.deepEqual(asked, ['idle', 'idle']);
  assert.equal(names.next(), 'a');
  void more();

  assert.deepEqual(asked, ['idle', 'idle', 'idle']);
});

test('a lookout that is relieved tries what it has heard of at once, or not at all: what is next is told anew', async (t) => {
  const { context, names, more, asked, tell } = hinted(t);
  const waiting = more();
  tell({ type: 'lookout', isPosted: true });
  put(context, {});
  await within(waiting, 'it hears of a job');

  const time = standstill(t);
  tell({ type: 'lookout', isPosted: false });
  assert.equal(names.isEmpty, false);
  time.skip(30); // It is busy for so long.

  assert.equal(names.next(), null);
  void more();
  assert.deepEqual(asked, ['idle', 'idle']);
});

test('a lookout that was busy takes the next of all that it has heard of', async (t) => {
  const weights = new Map([['a', 1], ['b', 1]]); // prettier-ignore
  const heard = new Set<string>();
  const { context, names, more, tell } = hinted(t, {
    order: { kind: 'listed', weights },
    isLeftToOthers: (name) => !heard.add(name),
  });
  const waiting = more();
  tell({ type: 'lookout', isPosted: true });
  const first = put(context, { queue: 'a' });
  await within(waiting, 'it hears of a job');
  assert.equal(names.next(), first);

  const last = put(context, { queue: 'b' });
  const second = put(context, { queue: 'a' });
  const urgent = put(context, { queue: 'a', priority: 0 });
  await until(() => [last, second, urgent].every((name) => heard.has(name)), 'it hears of them while it is busy');

  assert.deepEqual([names.next(), names.next(), names.next(), names.next()], [urgent, second, last, null]);
});

test('a child whose hints fail to come looks for itself: the most urgent first, and few of many', async (t) => {
  const { context, names, more } = hinted(t, { isLeftToOthers: (name) => name.startsWith('0') });
  const put16 = Array.from({ length: 16 }, () => put(context, { priority: 3 }));
  const left = put(context, { priority: 0 });
  for (let i = 0; i < 10; i++) put(context, { priority: 7 });

  await within(more(), 'it looks itself', 5_000);

  const found: string[] = [];
  for (let name = names.next(); name !== null; name = names.next()) found.push(name);
  assert.deepEqual(found, put16.slice(0, 15));
  assert.ok(!found.includes(left));
});

test('other hints are passed on', (t) => {
  const heard: Hint[] = [];
  const { tell } = hinted(t, { onInstruction: (hint) => heard.push(hint) });

  tell({ type: 'alone' });

  assert.deepEqual(heard, [{ type: 'alone' }]);
});

function hinted(
  t: TestContext,
  options: Partial<HintedNamesOptions> = {},
): {
  readonly context: SpoolContext;
  readonly names: HintedNames;
  readonly more: () => Promise<void>;
  readonly asked: string[];
  readonly tell: (hint: Hint) => void;
} {
  const context = tempContext(t);
  const asked: string[] = [];
  let tell: (hint: Hint) => void = () => undefined;
  const line: Line = {
    say: (word) => void asked.push(parseWant(word)?.isIdle === true ? 'idle' : 'early'),
    listen: (hear, end) => (tell = (hint) => (hint.type === 'alone' ? end() : hear(hint))),
  };
  const names = new HintedNames(context, line, {
    queues: null,
    isHeldBack: () => false,
    isLeftToOthers: () => false,
    onOwnLook: () => undefined,
    onInstruction: () => undefined,
    onTrouble: (error) => assert.fail(String(error)),
    ...options,
  });
  const end = new AbortController();
  t.after(() => {
    end.abort();
    names.close();
  });
  return { context, names, more: () => names.more(end.signal), asked, tell: (hint) => tell(hint) };
}

/** A file in pending/; its name. */
function put(context: SpoolContext, parts: { priority?: number; queue?: string }): string {
  const name = jobFileName({ id: nextId(), priority: 5, queue: 'default', attempt: 0, crashes: 0, ...parts });
  writeFileSync(join(context.layout.pending, name), '{}');
  return name;
}
