import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { type CheckFacts, type Limits, perfText, verdictOf } from '../../../../../src/cli/commands/script/verdict.ts';

const FACTS: CheckFacts = {
  ageMs: 0,
  lateMs: 0,
  ready: 0,
  delayed: 0,
  running: 0,
  failed: null,
  parked: 0,
  workers: 1,
  isRestoring: false,
};
const LIMITS: Limits = { maxAgeMs: null, maxFailed: null, maxDelayMs: null, sinceMs: null };

describe('a monitor is told', () => {
  for (const [status, problems, facts, limits] of [
    ['ok', [], {}, {}],
    ['ok', [], { ageMs: 1e9, lateMs: 1e9, ready: 5 }, {}],
    ['ok', [], { ageMs: 60_000, lateMs: 60_000, failed: 0 }, { maxAgeMs: 60_000, maxDelayMs: 60_000, maxFailed: 0 }],
    ['critical', ['the oldest ready job waits 1 m (at most 1 m)'], { ageMs: 60_001 }, { maxAgeMs: 60_000 }],
    [
      'critical',
      ['the oldest ready job waits 7 s (at most 0 ms), and no worker runs'],
      { ageMs: 7_000, ready: 1, workers: 0 },
      { maxAgeMs: 0 },
    ],
    ['critical', ['more than 0 jobs failed'], { failed: 1 }, { maxFailed: 0 }],
    ['critical', ['more than 1 job failed within 1 h'], { failed: 2 }, { maxFailed: 1, sinceMs: 3_600_000 }],
    ['critical', ['a delayed job was due 2 m ago (at most 1 m)'], { lateMs: 120_000 }, { maxDelayMs: 60_000 }],
    ['warning', ['1 job is ready and no worker runs'], { ready: 1, workers: 0 }, {}],
    ['ok', [], { ready: 1, workers: 0 }, { maxAgeMs: 1 }],
    ['warning', ['2 jobs are parked: no worker knows the task'], { parked: 2 }, {}],
    ['warning', ['jobs are restored after a power cut, and may be missing here'], { isRestoring: true }, {}],
    [
      'critical',
      ['more than 0 jobs failed', '1 job is parked: no worker knows the task'],
      { failed: 1, parked: 1 },
      { maxFailed: 0 },
    ],
  ] as const)
    test(`${status}: ${problems.join('; ') || JSON.stringify({ ...facts, ...limits })}`, () => {
      assert.deepEqual(verdictOf({ ...FACTS, ...facts }, { ...LIMITS, ...limits }), { status, problems });
    });
});

test('figures have a limit where there is one, and whole seconds', () => {
  const facts = { ...FACTS, ageMs: 1_999, lateMs: 60_000, ready: 2, failed: 1, workers: 3 };

  assert.equal(
    perfText(facts, { maxAgeMs: 300_000, maxFailed: 0, maxDelayMs: 60_500, sinceMs: null }),
    'age=1s;;300 late=60s;;60 ready=2 delayed=0 running=0 failed=1;;0 parked=0 workers=3',
  );
  assert.equal(perfText(FACTS, LIMITS), 'age=0s late=0s ready=0 delayed=0 running=0 parked=0 workers=1');
});
