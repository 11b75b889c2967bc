import assert from 'node:assert/strict';
import test from 'node:test';
import { OutcomeWaits } from '../../../../src/broker/common/outcome-waits.ts';
import type { JobRecord } from '../../../../src/job/job.ts';

const OUTCOME = { outcome: null } as unknown as JobRecord;

test('an outcome ends all waits for its job and no other; the last that ends is told', async () => {
  const idle: number[] = [];
  const waits: OutcomeWaits = new OutcomeWaits(() => idle.push(waits.size));
  const both = [waits.add('a', null), waits.add('a', null)];
  const other = waits.add('b', null);
  assert.deepEqual([waits.size, waits.ids(), waits.has('a'), waits.has('c')], [2, ['a', 'b'], true, false]);

  waits.resolve('a', OUTCOME);
  waits.resolve('c', OUTCOME);

  assert.deepEqual(await Promise.all(both), [OUTCOME, OUTCOME]);
  assert.deepEqual([waits.ids(), idle], [['b'], []]);
  waits.reject('b', new Error('gone'));
  await assert.rejects(other, /gone/);
  assert.deepEqual([waits.size, idle], [0, [0]]);
});

test('a signal ends its wait alone, once, and is left alone after an outcome', async () => {
  const waits = new OutcomeWaits(() => undefined);
  const first = new AbortController();
  const second = new AbortController();
  const [given, kept] = [waits.add('a', first.signal), waits.add('a', second.signal)];

  first.abort();
  first.abort();

  assert.equal(await given, null);
  assert.equal(waits.has('a'), true);
  waits.resolve('a', OUTCOME);
  second.abort();
  assert.equal(await kept, OUTCOME);
  assert.equal(waits.has('a'), false);
});
