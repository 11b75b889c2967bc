import assert from 'node:assert/strict';
import test from 'node:test';
import {
  keyField,
  type KeyHolder,
  parseHolders,
  stageOf,
  verdictOf,
  writeHolders,
} from '../../../../src/bullmq/keys/key-holders.ts';

const ID = '01a21be9-0dee-7001-9232-88bab68cfe64';
const OTHER = '01a21be9-0dee-7001-9232-88bab68cfe65';
const NOW = 1_700_000_000_000;

test('holders are read as they were written', () => {
  const holders: readonly KeyHolder[] = [
    { id: ID, untilMs: null },
    { id: OTHER, untilMs: NOW },
    { id: ID, untilMs: null, mark: NOW },
    { id: OTHER, untilMs: NOW, mark: NOW + 1 },
  ];

  assert.deepEqual(parseHolders(writeHolders(holders)), holders);
  assert.equal(writeHolders([]), null);
  assert.deepEqual(parseHolders(null), []);
});

test('what is no holder is left out', () => {
  for (const text of ['', 'x', `${ID}`, `${ID} x`, `no-id - 3`, `${ID} - 3 4`, `\n${ID} -1`])
    assert.deepEqual(parseHolders(text), [], text);
});

test('a key of one task is no key of another, wherever the names are cut', () => {
  const fields = [
    keyField('a', 'bc'),
    keyField('ab', 'c'),
    keyField('abc', ''),
    keyField('a', 'b\0c'),
    keyField('a\0b', 'c'),
  ];

  assert.equal(new Set(fields.slice(0, 4)).size, 4);
  assert.match(fields[0] ?? '', /^[0-9a-f]{64}$/);
});

const calls = ['started', 'ended', { ms: 1 }] as const;

test('a job that waits stands for every call, but for one with a time when its own is over', () => {
  const verdicts = (untilMs: number | null): readonly string[] =>
    calls.map((until) => verdictOf({ id: ID, untilMs }, 'waits', until, NOW));

  assert.deepEqual(verdicts(null), ['blocks', 'blocks', 'blocks']);
  assert.deepEqual(verdicts(NOW), ['blocks', 'blocks', 'passes']);
  assert.deepEqual(verdicts(NOW + 1), ['blocks', 'blocks', 'blocks']);
});

test('a job that runs stands for those who wait for its end', () => {
  const verdicts = (untilMs: number | null): readonly string[] =>
    calls.map((until) => verdictOf({ id: ID, untilMs }, 'runs', until, NOW));

  assert.deepEqual(verdicts(null), ['passes', 'blocks', 'blocks']);
  assert.deepEqual(verdicts(NOW), ['passes', 'blocks', 'passes']);
  assert.deepEqual(verdicts(NOW + 1), ['blocks', 'blocks', 'blocks']);
});

test('a job that has ended, or is gone, stands for nothing but for its time', () => {
  for (const state of ['completed', 'failed'] as const) assert.equal(stageOf({ state }), 'over');
  assert.equal(stageOf(null), 'over');
  for (const until of calls) {
    assert.equal(verdictOf({ id: ID, untilMs: null }, 'over', until, NOW), 'free');
    assert.equal(verdictOf({ id: ID, untilMs: NOW }, 'over', until, NOW), 'free');
    assert.equal(verdictOf({ id: ID, untilMs: NOW + 1 }, 'over', until, NOW), 'blocks');
  }
});
