import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type HealthFacts,
  healthOf,
  type Limits,
  notServed,
  USUAL_LIMITS,
} from '../../../../src/app/telling/health.ts';
import { owner } from '../../../support/owner-info.ts';

const FACTS: HealthFacts = {
  ready: 0,
  ageMs: 0,
  lateMs: 0,
  failed: null,
  parked: 0,
  takers: 1,
  notServed: [],
  paused: [],
  crashed: 0,
  isRestoring: false,
  stoppedMove: null,
  room: null,
  unknownQueues: [],
};
/** Of a monitor that has asked for nothing. */
const NONE: Limits = {
  maxAgeMs: null,
  maxFailed: null,
  maxDelayMs: null,
  isWorkerExpected: true,
  severity: 'critical',
  noWorkerIs: 'warning',
};
const ROOM = { freeBytes: 5e11, totalBytes: 1e12, freeInodes: 1e6, totalInodes: 2e6, isTight: false };
const FAILED = { jobs: 3, withinMs: 600_000, most: { task: 'send-mail', error: 'TimeoutError' } };

describe('the verdict of a spool, with the usual limits:', () => {
  const cases: readonly (readonly [string, string, Partial<HealthFacts>])[] = [
    ['ok', 'OK', {}],
    ['ok', 'OK', { ready: 300_000, ageMs: 60_000, lateMs: 60_000, failed: { ...FAILED, jobs: 0 }, room: ROOM }],
    ['critical', '1 job is ready and no worker runs', { ready: 1, takers: 0 }],
    ['ok', 'OK', { takers: 0 }],
    [
      'critical',
      '5 jobs are ready and no worker runs; the oldest ready job waits 4 m (at most 1 m)',
      { ready: 5, takers: 0, ageMs: 240_000 },
    ],
    ['warning', 'a delayed job was due 2 m ago (at most 1 m)', { lateMs: 120_000 }],
    ['warning', '3 failures within 10 m, most: send-mail TimeoutError', { failed: FAILED }],
    [
      'warning',
      '3 failures within 10 m (1 job is failed now), most: send-mail TimeoutError',
      { failed: { ...FAILED, now: 1 } },
    ],
    ['warning', '3 failures within 10 m (no job is failed now)', { failed: { ...FAILED, most: null, now: 0 } }],
    ['warning', '1 failure within 10 m: send-mail TimeoutError', { failed: { ...FAILED, jobs: 1 } }],
    ['warning', '3 failures within 10 m', { failed: { ...FAILED, most: null } }],
    ['warning', 'no worker takes 3 jobs of queue mail, 1 of slow', { notServed: backlogs(['mail', 3], ['slow', 1]) }],
    ['warning', 'a queue is paused: 12 jobs of queue mail', { paused: backlogs(['mail', 12]) }],
    ['warning', '1 job is parked: no worker knows the task', { parked: 1 }],
    ['warning', '2 jobs that run have lost their process before', { crashed: 2 }],
    ['warning', 'jobs are restored after a power cut, and may be missing here', { isRestoring: true }],
    ['warning', '2 jobs are on the way', { stoppedMove: '2 jobs are on the way' }],
    ['warning', 'the disk is 99 % full, 4 GB are free', { room: { ...ROOM, freeBytes: 4e9 } }],
    ['ok', 'OK', { room: { ...ROOM, freeBytes: 6e9 } }],
    ['critical', 'the disk is 99 % full, 60 MB are free', { room: { ...ROOM, freeBytes: 6e7, isTight: true } }],
    ['warning', "99 % of the disk's inodes are used, 9000 are free", { room: { ...ROOM, freeInodes: 9_000 } }],
    ['ok', 'OK', { room: { ...ROOM, freeInodes: 0, totalInodes: 0 } }],
    ['warning', 'nothing is known of queue mial: no job, no worker, no outcome', { unknownQueues: ['mial'] }],
  ];
  for (const [status, text, facts] of cases)
    test(`${status} ${text}`, () => {
      const health = healthOf({ ...FACTS, ...facts }, USUAL_LIMITS);

      assert.deepEqual([health.status, health.text], [status, text]);
    });

  test('the worst comes first, and of many the others are counted', () => {
    const facts = {
      ...FACTS,
      isRestoring: true,
      ready: 1,
      takers: 0,
      parked: 1,
      failed: FAILED,
      room: { ...ROOM, freeBytes: 0, isTight: true },
    };

    const health = healthOf(facts, USUAL_LIMITS);

    assert.deepEqual(
      health.problems.map(({ code }) => code),
      ['no-worker', 'disk', 'restoring', 'failed', 'parked'],
    );
    assert.deepEqual([health.status, health.code], ['critical', 'no-worker']);
    assert.match(health.text, /^1 job is ready[^;]*; the disk is 100 % full[^;]*; jobs are restored[^;]*; and 2 more$/);
  });
});

describe('the verdict for a monitor, by the limits that it names:', () => {
  const cases: readonly (readonly [string, string, Partial<HealthFacts>, Partial<Limits>])[] = [
    ['ok', 'OK', { ageMs: 1e9, lateMs: 1e9, ready: 5, failed: FAILED }, {}],
    ['ok', 'OK', { ageMs: 60_000, lateMs: 60_000 }, { maxAgeMs: 60_000, maxDelayMs: 60_000, maxFailed: 0 }],
    ['critical', 'the oldest ready job waits 1 m (at most 1 m)', { ageMs: 60_001 }, { maxAgeMs: 60_000 }],
    [
      'critical',
      'the oldest ready job waits 7 s (at most 0 ms), and no worker runs',
      { ageMs: 7_000, ready: 1, takers: 0 },
      { maxAgeMs: 0, isWorkerExpected: false },
    ],
    ['ok', 'OK', { ready: 1, takers: 0 }, { maxAgeMs: 1, isWorkerExpected: false }],
    [
      'critical',
      '3 jobs failed within 1 h (at most 1), most: send-mail TimeoutError',
      { failed: { ...FAILED, areStill: true, withinMs: 3_600_000 } },
      { maxFailed: 1 },
    ],
    [
      'critical',
      '3 jobs failed, most: send-mail TimeoutError',
      { failed: { ...FAILED, areStill: true, withinMs: null } },
      { maxFailed: 0 },
    ],
    ['critical', 'a delayed job was due 2 m ago (at most 1 m)', { lateMs: 120_000 }, { maxDelayMs: 60_000 }],
    ['warning', '1 job is ready and no worker runs', { ready: 1, takers: 0 }, {}],
    [
      'critical',
      '3 jobs failed, most: send-mail TimeoutError; 1 job is parked: no worker knows the task',
      { failed: { ...FAILED, areStill: true, withinMs: null }, parked: 1 },
      { maxFailed: 0 },
    ],
  ];
  for (const [status, text, facts, limits] of cases)
    test(`${status} ${text}`, () => {
      const health = healthOf({ ...FACTS, ...facts }, { ...NONE, ...limits });

      assert.deepEqual([health.status, health.text], [status, text]);
    });
});

function backlogs(...entries: readonly (readonly [string, number])[]): HealthFacts['paused'] {
  return entries.map(([queue, jobs]) => ({ queue, jobs }));
}

test('a queue is served by a worker that takes it or all, and no queue is told where no worker runs', () => {
  const wanted = backlogs(['mail', 1], ['slow', 2]);

  assert.deepEqual(notServed(wanted, [owner({ queues: ['mail'] })]), backlogs(['slow', 2]));
  assert.deepEqual(notServed(wanted, [owner({ queues: ['mail'] }), owner({ queues: null })]), []);
  assert.deepEqual(notServed(wanted, []), []);
});
