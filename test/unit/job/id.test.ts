import assert from 'node:assert/strict';
import test from 'node:test';
import { createIdSource, idTimeMs } from '../../../src/job/id.ts';
import { isId } from '../../../src/job/names.ts';
import { clock } from '../../support/clock.ts';

const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const zeros = (n: number): Uint8Array => new Uint8Array(n);
const ones = (n: number): Uint8Array => new Uint8Array(n).fill(0xff);

test('an id has the layout of RFC 9562: 48 bits of time, version 7, the variant, and the rest random', () => {
  const low = createIdSource(() => 0x0123_4567_89ab, zeros)();
  const high = createIdSource(() => 0x0123_4567_89ab, ones)();

  assert.equal(low, '01234567-89ab-7000-8000-000000000000');
  assert.equal(high, '01234567-89ab-7000-bfff-ffffffffffff');
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
