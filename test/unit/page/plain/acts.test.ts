import assert from 'node:assert/strict';
import test from 'node:test';
import { actsFor, actsForAll, isTyped } from '../../../../page/plain/acts.ts';

test('marked jobs offer what can be done with one of them at least', () => {
  assert.deepEqual(actsFor(['failed']), ['retry', 'forget']);
  assert.deepEqual(actsFor(['running', 'succeeded']), ['revoke', 'kill', 'forget']);
  assert.deepEqual(actsFor(['pending', 'delayed']), ['revoke']);
});

test('all that match offer only what can be done with each of them, so that the number is the one that is meant', () => {
  assert.deepEqual(actsForAll(['failed', 'expired']), ['retry', 'forget']);
  assert.deepEqual(actsForAll(['failed', 'succeeded']), ['forget']);
  assert.deepEqual(actsForAll(['running']), ['revoke', 'kill']);
  assert.deepEqual(actsForAll(['failed', 'pending']), []);
  assert.deepEqual(actsForAll([]), []);
});

test('a number is confirmed however its thousands are written, and by nothing else', () => {
  for (const typed of ['1234', '1,234', ' 1 234 ', '1.234', "1'234"]) assert.ok(isTyped(typed, 1234), typed);
  for (const typed of ['', '123', '12345', '1234a', '-1234', '0x4d2']) assert.ok(!isTyped(typed, 1234), typed);
});
