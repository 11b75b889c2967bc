import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsFrom } from '../../../src/job/time-limits.ts';

test('each limit is that of the first source that has one, whether it is the shorter one or not', () => {
  const limits = limitsFrom({ timeLimitMs: 900 }, { timeLimitMs: 100, softTimeLimitMs: 50 }, { softTimeLimitMs: 10 });

  assert.deepEqual(limits, { timeLimitMs: 900, softTimeLimitMs: 50 });
});

test('where no source has any there is nothing to watch', () => {
  assert.equal(limitsFrom({}, undefined, { timeLimitMs: null, softTimeLimitMs: null }), null);
});

test('a limit that no clock could reach is as good as a hundred years', () => {
  assert.deepEqual(limitsFrom({ timeLimitMs: 1e300 }), { timeLimitMs: 3_162_240_000_000, softTimeLimitMs: null });
});
