/** What a job's file means that holds an outcome, or tells that it was sent back after one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endedAttempt, hasOutcomeOf, unended } from '../../../../src/job/ended/again.ts';
import { encodeBase, parseDocument } from '../../../../src/job/document.ts';
import type { JobRecord, Outcome } from '../../../../src/job/job.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { jobRecord } from '../../../support/factory.ts';

const FAILED: Outcome = { state: 'failed', error: { name: 'Error', message: 'no' } };
const ENQUEUED_AT_MS = 1_000;

/** As its file gives it back. @param heldAs of an outcome that no run came to: the attempt under which the job was held */
function ended(attempts: readonly number[], heldAs?: number, endedAtMs = 2_000, again = 0): JobRecord {
  const job = jobRecord({ enqueuedAtMs: ENQUEUED_AT_MS, options: { expiresAtMs: 5, retries: 2 } });
  const runs = attempts.map((attempt) => ({ attempt, endedAtMs: 2_000, owner: 'o' }));
  const standing = { queue: 'q', priority: 1, crashes: 2, attempt: heldAs ?? attempts.at(-1) ?? 0 };
  const end = { outcome: FAILED, standing, endedAtMs: heldAs === undefined ? null : endedAtMs };
  return parseDocument(encodeBase(job).slice(0, -1) + encodeTail(runs, end, again), job.id).record;
}

describe('the outcome counts for the attempt that came to it, or under which the job was held, and not for a later one:', () => {
  for (const [what, record, attempt] of [
    ['of a run', ended([1, 2]), 2],
    ['of no run', ended([], 1), 1],
    ['of no run, after two', ended([1, 2], 3), 3],
  ] as const) {
    test(what, () => {
      assert.equal(endedAttempt(record), attempt);
      assert.deepEqual(
        [attempt - 1, attempt, attempt + 1].map((each) => hasOutcomeOf(record, each)),
        [true, true, false],
      );
      const { job, outcome, attempts, kept } = unended(record);
      assert.deepEqual([outcome, kept], [null, { again: attempt }]);
      assert.equal(attempts, record.attempts);
      assert.deepEqual(job.options, { retries: 2 });
    });
  }
});

test('a file that says when the job ended, and not under which attempt, has ended for good', () => {
  const { kept: _, ...record } = ended([1], 2);

  assert.equal(hasOutcomeOf({ ...record, kept: { endedAtMs: 2_000 } }, 999_999_999), true);
});

test('an end before the job was sent is what an earlier job has left: it is none, and nothing was sent back', () => {
  const record = ended([1], 2, ENQUEUED_AT_MS - 1);

  assert.equal(hasOutcomeOf(record, 1), false);
  assert.deepEqual([unended(record).outcome, unended(record).kept], [null, {}]);
  assert.equal(unended(record).job, record.job);
});

test('what was sent back once stays so, through every tail, and can be sent back again', () => {
  const job = jobRecord({ options: { expiresAtMs: 5 } });
  const run = { attempt: 4, endedAtMs: 2_000, owner: 'o' };
  for (const end of [null, { parked: { reason: 'r', sinceMs: 1 } }]) {
    const { record } = parseDocument(encodeBase(job).slice(0, -1) + encodeTail([run], end, 3), job.id);
    const { kept, job: now } = unended(record);
    assert.deepEqual([kept, now.options], [{ again: 3 }, {}]);
  }
  assert.deepEqual(unended(ended([1, 2, 3, 4], undefined, 2_000, 3)).kept, { again: 4 });
});

test('a job that was never sent back is left as it is', () => {
  const job = jobRecord({ options: { expiresAtMs: 5 } });
  const { record } = parseDocument(encodeBase(job), job.id);

  assert.equal(unended(record), record);
});
