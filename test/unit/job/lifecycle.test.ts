import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_CRASHES, settlementOf } from '../../../src/job/lifecycle.ts';
import { jobRecord } from '../../support/factory.ts';

const STANDING = { queue: 'default', priority: 5, attempt: 2, crashes: 0 };
const job = jobRecord({ task: 'ad', enqueuedAtMs: 1_000_000 });

test('a run that returned is published with its value', () => {
  assert.deepEqual(settlementOf({ kind: 'returned', value: [1] }, job, STANDING, 0), {
    kind: 'publish',
    outcome: { state: 'succeeded', value: [1] },
  });
});

test('a run that threw is published as failed', () => {
  const error = { name: 'E', message: 'm' };

  assert.deepEqual(settlementOf({ kind: 'threw', error }, job, STANDING, 0), {
    kind: 'publish',
    outcome: { state: 'failed', error },
  });
});

test('a job whose task is unknown is parked, with the nearest name', () => {
  const settlement = settlementOf({ kind: 'unknown-task', suggestion: 'add' }, job, STANDING, 1_005_000);

  assert.deepEqual(settlement, {
    kind: 'park',
    delayMs: 5_000,
    parked: { reason: 'no worker here knows task ad; did you mean add?', sinceMs: 1_005_000 },
  });
});

test('without a near name the reason ends earlier', () => {
  const settlement = settlementOf({ kind: 'unknown-task', suggestion: null }, job, STANDING, 1_000_000);

  assert.ok(settlement.kind === 'park');
  assert.equal(settlement.parked.reason, 'no worker here knows task ad');
});

test('a run that was stopped is ready again at once', () => {
  assert.deepEqual(settlementOf({ kind: 'stopped' }, job, STANDING, 0), { kind: 'requeue' });
});

test('a crash is counted, and the job runs again', () => {
  for (let crashes = 0; crashes < MAX_CRASHES; crashes++) {
    const settlement = settlementOf({ kind: 'crashed' }, job, { ...STANDING, crashes }, 0);

    assert.ok(settlement.kind === 'rerun');
    assert.equal(settlement.crashes, crashes + 1);
    assert.equal(settlement.error.code, 'FSQ_WORKER_LOST');
    assert.match(settlement.error.message, /attempt 2/);
  }
});

test('after the last crash allowed it is given up', () => {
  const settlement = settlementOf({ kind: 'crashed' }, job, { ...STANDING, crashes: MAX_CRASHES }, 0);

  assert.ok(settlement.kind === 'publish' && settlement.outcome.state === 'failed');
  assert.equal(settlement.outcome.error.name, 'WorkerLostError');
  assert.match(settlement.outcome.error.message, /lost its process 4 times; it is not started again/);
});
