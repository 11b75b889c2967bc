import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeAttempts } from '../../../src/job/tail.ts';
import type { Attempt } from '../../../src/job/job.ts';

function attempts(count: number, message: string, stack = 'at x\n'.repeat(100)): readonly Attempt[] {
  return Array.from({ length: count }, (_, i) => ({
    attempt: i + 1,
    startedAtMs: 1_795_348_401_240,
    endedAtMs: 1_795_348_401_241,
    owner: '12170-0123456789abcdef',
    error: { name: 'Error', message, stack, code: 'E', cause: { name: 'Error', message } },
  }));
}

test('a few attempts are kept as they are', () => {
  const few = attempts(4, 'no');

  assert.deepEqual(JSON.parse(encodeAttempts(few)), few);
});

test('of many, each keeps its number, times, owner and the beginning of its error, and the last one all of it', () => {
  const many = attempts(1_004, 'x'.repeat(500));

  const text = encodeAttempts(many);
  const kept: readonly Attempt[] = JSON.parse(text);

  assert.equal(kept.length, many.length);
  assert.ok(text.length < 262_144, `${text.length} characters`);
  assert.deepEqual(kept.at(-1), many.at(-1));
  assert.deepEqual(kept[0], {
    attempt: 1,
    startedAtMs: 1_795_348_401_240,
    endedAtMs: 1_795_348_401_241,
    owner: '12170-0123456789abcdef',
    error: { name: 'Error', message: 'x'.repeat(40), code: 'E' },
  });
});

test('attempts without errors are written as JSON.stringify writes them, whatever a file said of them', () => {
  const plain: Attempt = { attempt: 1, startedAtMs: 1_795_348_401_240, endedAtMs: 1_795_348_401_241.5, owner: '1-a' };
  const odd: readonly Attempt[] = [
    { ...plain, owner: '"\\\n漢\ud800' },
    { ...plain, attempt: -0, startedAtMs: 1e21 },
    { ...plain, endedAtMs: Number.POSITIVE_INFINITY },
    { attempt: 2, endedAtMs: 5, owner: '' },
  ];

  for (const run of odd) assert.equal(encodeAttempts([run]), JSON.stringify([run]));
  assert.equal(encodeAttempts([plain, ...odd]), JSON.stringify([plain, ...odd]));
  assert.equal(encodeAttempts([]), '[]');
});
