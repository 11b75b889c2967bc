import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { UsageError } from '../../../src/job/errors.ts';
import {
  checkId,
  checkPriority,
  checkQueue,
  checkTaskName,
  createIdSource,
  idTimeMs,
  isId,
  isPriority,
  isQueueName,
  isTaskName,
  isTimed,
  mayHaveOwnTtl,
} from '../../../src/job/names.ts';
import { HOSTILE_NAMES } from '../../support/hostile.ts';
import { clock } from '../../support/clock.ts';

const ID = '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3';

describe('names that would be trouble in a path', () => {
  for (const name of HOSTILE_NAMES) {
    test(`${JSON.stringify(name.slice(0, 40))} is neither an id nor a queue`, () => {
      assert.equal(isId(name), false);
      assert.equal(isQueueName(name), false);
      assert.throws(() => checkId(name), UsageError);
      assert.throws(() => checkQueue(name), UsageError);
    });
  }
});

test('an id is a lower-case UUID of any version, whole', () => {
  for (const id of [ID, '00000000-0000-4000-8000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
    assert.equal(checkId(id), id);
  }
  for (const id of [ID.toUpperCase(), `{${ID}}`, ID.slice(1), `${ID}0`, `${ID}\n`, ID.replaceAll('-', ''), 7, null]) {
    assert.throws(() => checkId(id), UsageError);
  }
});

test('a queue has 1 to 64 characters', () => {
  for (const queue of ['a', '0', 'a_b-c', 'q'.repeat(64), 'console', 'com', 'com10'])
    assert.equal(checkQueue(queue), queue);
  for (const queue of ['', 'q'.repeat(65), '_a', '-a', 'A', 'a.b', 'a b', 'ä', 'com1', 'lpt9', 'prn', undefined, 1])
    assert.throws(() => checkQueue(queue), { code: 'FSQ_USAGE' });
});

test('a task has 1 to 128 letters, digits and _ . : / -', () => {
  for (const task of ['a', 'mail.send', 'pkg/mod:fn', 'A-1', '_x', 't'.repeat(128), 'constructor', '__proto__'])
    assert.equal(checkTaskName(task), task);
  for (const task of ['', '.a', '/a', '-a', 'a b', 'a\n', 'ä', 't'.repeat(129), '\u202ea', null, {}]) {
    assert.equal(typeof task === 'string' && isTaskName(task), false);
    assert.throws(() => checkTaskName(task), UsageError);
  }
});

test('a priority is a whole number from 0 to 9', () => {
  for (let priority = 0; priority <= 9; priority++) assert.equal(checkPriority(priority), priority);
  for (const priority of [-1, 10, 1.5, Number.NaN, '5', null, undefined, 5n]) {
    assert.equal(isPriority(priority), false);
    assert.throws(() => checkPriority(priority), UsageError);
  }
});

const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const zeros = (n: number): Uint8Array => new Uint8Array(n);
const ones = (n: number): Uint8Array => new Uint8Array(n).fill(0xff);

test('an id has the layout of RFC 9562: 48 bits of time, version 7, the variant, and the rest random', () => {
  const low = createIdSource(() => 0x0123_4567_89ab, zeros)();
  const high = createIdSource(() => 0x0123_4567_89ab, ones)();

  assert.equal(low, '01234567-89ab-7000-8000-000000000000');
  assert.equal(high, '01234567-89ab-7000-9fff-ffffffffffff');
  assert.ok(isId(low) && isId(high));
});

test('an id tells the time at which it was made', () => {
  const id = createIdSource(() => START_MS, ones)();

  assert.equal(idTimeMs(id), START_MS);
});

test('ids grow within one millisecond, also beyond what its counter holds', () => {
  const next = createIdSource(() => START_MS, zeros);

  const ids = Array.from({ length: 10_000 }, next);

  assertGrows(ids);
  assert.equal(idTimeMs(ids[4_095] ?? ''), START_MS);
  assert.equal(idTimeMs(ids[4_096] ?? ''), START_MS + 1, 'the 4097th borrows the next millisecond');
  assert.equal(idTimeMs(ids[9_999] ?? ''), START_MS + 2);
});

test('ids grow when the clock catches up with what was borrowed', () => {
  const time = clock(START_MS);
  const next = createIdSource(time.nowMs, zeros);
  const ids = Array.from({ length: 5_000 }, next);

  time.advance(1);
  ids.push(...Array.from({ length: 5_000 }, next));
  time.advance(1);
  ids.push(next());

  assertGrows(ids);
});

test('ids grow when the clock steps back by ten years, and when it comes back', () => {
  const time = clock(START_MS);
  const next = createIdSource(time.nowMs, ones);
  const ids = [next(), next()];

  time.advance(-10 * 366 * 86_400_000);
  for (let i = 0; i < 5_000; i++) ids.push(next());
  time.advance(10 * 366 * 86_400_000 + 10);
  ids.push(next(), next());

  assertGrows(ids);
  assert.equal(idTimeMs(ids.at(-1) ?? ''), START_MS + 10);
});

function assertGrows(ids: readonly string[]): void {
  for (let i = 1; i < ids.length; i++) {
    const [before = '', id = ''] = [ids[i - 1], ids[i]];
    assert.ok(before < id, `${before} is not before ${id}`);
    assert.ok(isId(id), id);
  }
}

test('an id says whether its job may say how long its outcome is kept, at no cost for its order', () => {
  const time = clock();
  const all = [0x00, 0xff].map((byte) => createIdSource(time.nowMs, (n) => new Uint8Array(n).fill(byte)));

  for (const next of all) {
    const ids = [next(), next(true), next(), next(true)];

    assert.deepEqual(ids.map(mayHaveOwnTtl), [false, true, false, true]);
    assert.deepEqual(ids.toSorted(), ids);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  assert.equal(mayHaveOwnTtl('00000000-0000-4000-8000-000000000000'), true);
  assert.equal(isTimed('00000000-0000-4000-8000-000000000000'), false);
});
