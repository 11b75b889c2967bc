import assert from 'node:assert/strict';
import test from 'node:test';
import { delayOf, limitsOf } from '../../../../src/bullmq/limits/job-limits.ts';
import type { Held } from '../../../../src/bullmq/claims/held-job.ts';
import type { LimitRules, QueueLimits } from '../../../../src/job/queue-limits.ts';
import { job } from '../../../support/factory.ts';

function held(task: string, limitKey?: string): Held {
  const { job: sent } = job({ id: 'a', task, options: limitKey === undefined ? {} : { limitKey } });
  return {
    queue: 'default',
    id: sent.id,
    token: 'me~1',
    owner: 'me',
    record: { job: sent, attempts: [], outcome: null, parked: null, kept: {} },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
    claims: 1,
    stalls: 0,
    cuts: 0,
    attemptsAllowed: 1,
  };
}

function rules(tasks: Record<string, QueueLimits>, queues: Record<string, QueueLimits> = {}): LimitRules {
  return { tasks: new Map(Object.entries(tasks)), queues: new Map(Object.entries(queues)) };
}

test('a job that nothing limits is asked nothing about', () => {
  assert.equal(limitsOf(held('echo'), undefined), null);
  assert.equal(limitsOf(held('echo'), rules({ other: { concurrency: 1, rate: null } })), null);
  // BullMQ itself spreads the starts of a queue.
  const rate = { count: 10, periodMs: 1_000 };
  assert.equal(limitsOf(held('echo'), rules({}, { default: { concurrency: null, rate } })), null);
});

test('a job takes room of its task and of its key, each once', () => {
  const rate = { count: 25, periodMs: 1_000 };
  const all = rules({ echo: { concurrency: 9, rate, perKey: 2 } }, { default: { concurrency: 3, rate: null } });

  assert.deepEqual(limitsOf(held('echo', 'ann'), all), {
    scopes: [
      { name: 'echo', most: 9, starts: { slots: 3, lengthMs: 120 } },
      { name: 'echo\nann', most: 2, starts: null },
    ],
    isQueueLimited: true,
  });
});

test('jobs without a key share its limit', () => {
  const limits = limitsOf(held('echo'), rules({ echo: { concurrency: null, rate: null, perKey: 1 } }));

  assert.deepEqual(limits?.scopes, [{ name: 'echo\n', most: 1, starts: null }]);
});

test('a job that waits for the end of another is tried again by itself, later each time', () => {
  assert.deepEqual(
    [1, 2, 3, 6, 7, 100].map((claims) => delayOf(null, claims)),
    [30_000, 60_000, 120_000, 960_000, 960_000, 960_000],
  );
});

test('a job that waits for a start comes when it is likely to have one, and half-way where that is far', () => {
  assert.deepEqual(
    [0, 500, 59_998, 70_000, 1_000_000].map((inMs) => delayOf(inMs, 1)),
    [2, 502, 60_000, 60_000, 500_000],
  );
});
