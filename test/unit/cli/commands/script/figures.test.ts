import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type CheckFacts,
  type CheckLimits,
  figuresOf,
  perfText,
} from '../../../../../src/cli/commands/script/figures.ts';

const FACTS: CheckFacts = {
  ageMs: 0,
  lateMs: 0,
  ready: 0,
  delayed: 0,
  running: 0,
  failed: null,
  parked: 0,
  takers: 2,
  workers: 1,
  notServed: [],
  paused: [],
  crashed: 0,
  isRestoring: false,
  stoppedMove: null,
  room: null,
  unknownQueues: [],
};
const LIMITS: CheckLimits = {
  maxAgeMs: null,
  maxFailed: null,
  maxDelayMs: null,
  isWorkerExpected: true,
  noWorkerIs: 'warning',
  severity: 'critical',
  sinceMs: null,
};

test('figures have a limit where there is one, and whole seconds', () => {
  const facts = {
    ...FACTS,
    ageMs: 1_999,
    lateMs: 60_000,
    ready: 2,
    failed: { jobs: 1, withinMs: null, most: null },
    workers: 3,
  };

  assert.equal(
    perfText(facts, { ...LIMITS, maxAgeMs: 300_000, maxFailed: 0, maxDelayMs: 60_500 }),
    'age=1s;;300 late=60s;;60 ready=2 delayed=0 running=0 failed=1;;0 parked=0 workers=3',
  );
  assert.equal(perfText(FACTS, LIMITS), 'age=0s late=0s ready=0 delayed=0 running=0 parked=0 workers=1');
});

test('for programs figures are numbers, and what was not counted is null', () => {
  const failed = { jobs: 2, withinMs: null, most: null };

  assert.deepEqual([figuresOf(FACTS)['failed'], figuresOf({ ...FACTS, failed })['failed']], [null, 2]);
});
