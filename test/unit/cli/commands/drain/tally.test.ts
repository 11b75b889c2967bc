import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Tally } from '../../../../../src/cli/commands/drain/tally.ts';
import type { JobRecord } from '../../../../../src/job/job.ts';
import type { RanJob } from '../../../../../src/worker/child/ran-jobs.ts';
import { jobRecord } from '../../../../support/factory.ts';

function ran(id: string, parts: Partial<RanJob> = {}): RanJob {
  return { id, task: 'add', attempt: 1, state: 'succeeded', ms: 10, ...parts };
}

function record(id: string, outcome: JobRecord['outcome'] = { state: 'succeeded', value: 1 }): JobRecord {
  const attempts = [{ attempt: 1, startedAtMs: 100, endedAtMs: 130, owner: '1-a' }];
  return { job: { ...jobRecord({ task: 'add' }), id }, attempts, outcome, parked: null, kept: {} };
}

const ids = (...all: readonly string[]): readonly { readonly id: string }[] => all.map((id) => ({ id }));

describe('each end is counted once', () => {
  test('told by a child, and not there at the next look', () => {
    const tally = new Tally();
    tally.saw(ids('a', 'b'));

    assert.equal(tally.ran(ran('a'))?.id, 'a');

    assert.deepEqual(tally.saw(ids('b')), []);
    assert.equal(tally.done, 1);
  });

  test('told by a child while a look goes on that still sees it', () => {
    const tally = new Tally();
    tally.ran(ran('a'));
    tally.saw(ids('a'));

    assert.deepEqual(tally.saw(ids()), []);
    assert.equal(tally.done, 1);
  });

  test('missing at a look, found by its outcome, and told of afterwards', () => {
    const tally = new Tally();
    tally.saw(ids('a'));

    assert.deepEqual(tally.saw(ids()), ['a']);
    assert.equal(tally.found(record('a'))?.ms, 30);
    assert.equal(tally.ran(ran('a')), null);

    assert.equal(tally.done, 1);
  });

  test('missing at a look, and told of before its outcome is read', () => {
    const tally = new Tally();
    tally.saw(ids('a'));
    tally.saw(ids());
    tally.ran(ran('a'));

    assert.equal(tally.found(record('a')), null);
    assert.equal(tally.done, 1);
  });

  test('missing because it moved just then: the next look tells', () => {
    const tally = new Tally();
    tally.saw(ids('a'));
    tally.saw(ids());
    tally.still('a');

    assert.deepEqual(tally.saw(ids()), ['a']);
  });
});

test('a run that is followed by another is no end; the job counts as failed so far until it runs again', () => {
  const tally = new Tally();

  assert.equal(tally.ran(ran('a', { state: 'retried' })), null);
  assert.equal(tally.ran(ran('p', { state: 'parked' })), null);
  assert.deepEqual([tally.done, tally.retries, [...tally.retrying]], [0, 1, ['a']]);

  tally.ran(ran('a', { state: 'failed', attempt: 2 }));
  assert.deepEqual([tally.done, tally.count('failed'), tally.retrying.size], [1, 1, 0]);
});

test('counts are by task, sorted', () => {
  const tally = new Tally();
  tally.ran(ran('1', { task: 'z' }));
  tally.ran(ran('2', { state: 'failed', ms: 5 }));
  tally.ran(ran('3', { state: 'revoked' }));
  tally.ran(ran('4', { state: 'expired', ms: 0 }));

  assert.deepEqual(tally.tasks, [
    { task: 'add', succeeded: 0, failed: 1, revoked: 1, expired: 1, ms: 15 },
    { task: 'z', succeeded: 1, failed: 0, revoked: 0, expired: 0, ms: 10 },
  ]);
});

test('the total is what has ended and what was left at the last look; it never falls behind', () => {
  const tally = new Tally();
  tally.ran(ran('1'));
  tally.expect(2);
  assert.equal(tally.total, 3);

  for (const id of ['2', '3', '4']) tally.ran(ran(id));
  assert.equal(tally.total, 4);
});

test('the rate is that of the last ten seconds, and unknown at first', () => {
  const tally = new Tally();
  assert.equal(tally.rate(0), null);
  for (let i = 0; i < 50; i++) tally.ran(ran(`a${i}`));
  assert.equal(tally.rate(100), null, 'too soon to tell');
  assert.equal(tally.rate(5_000), 10);

  for (let atMs = 6_000; atMs <= 40_000; atMs += 1_000) tally.rate(atMs);
  assert.equal(tally.rate(41_000), null, 'nothing has ended of late');
});
