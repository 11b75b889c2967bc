import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../../../src/job/errors.ts';
import {
  END_STATES,
  everyTtlMs,
  IGNORED_MS,
  ownTtlMs,
  readResultTtlMs,
  resultTtlFromText,
  resultTtlHint,
  toResultTtlMs,
} from '../../../../src/job/ended/result-ttl.ts';

const DAY_MS = 86_400_000;

test('a time for all, and a time by state, are read to the millisecond', () => {
  assert.equal(toResultTtlMs('1d'), DAY_MS);
  assert.equal(toResultTtlMs(0), 0);
  assert.deepEqual(toResultTtlMs({ succeeded: '1d', failed: '7d', revoked: undefined }), {
    succeeded: DAY_MS,
    failed: 7 * DAY_MS,
  });
});

for (const given of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', '1w', null, new Date(0), [1], 1n])
  test(`${String(given)} is no time to keep an outcome for`, () => {
    for (const wrong of [given, { failed: given }]) assert.throws(() => toResultTtlMs(wrong), UsageError);
    assert.equal(readResultTtlMs(given, false), undefined);
    assert.equal(readResultTtlMs({ succeeded: 1, failed: given }, false), undefined);
  });

test('a state that is none is told with the nearest', () => {
  assert.throws(() => toResultTtlMs({ succeded: '1d' }), /Unknown state "succeded" of `resultTtl`.*succeeded/);
});

test("a job's file that holds nonsense loses only that", () => {
  assert.deepEqual(readResultTtlMs({ failed: -1, done: 1, expired: 5 }, true), { expired: 5 });
  assert.equal(readResultTtlMs('soon', true), undefined);
});

test('what is left out is a day; what a job does not say is not said', () => {
  assert.deepEqual(everyTtlMs({ failed: 7 }), { succeeded: DAY_MS, failed: 7, revoked: DAY_MS, expired: DAY_MS });
  assert.deepEqual(everyTtlMs(5), { succeeded: 5, failed: 5, revoked: 5, expired: 5 });
  for (const state of END_STATES) assert.equal(ownTtlMs({}, state), undefined);
  assert.equal(ownTtlMs({ resultTtlMs: { failed: 7 } }, 'succeeded'), undefined);
});

test('of an ignored result the success goes soon, and the failure as otherwise', () => {
  assert.equal(ownTtlMs({ ignoreResult: true }, 'succeeded'), IGNORED_MS);
  assert.equal(ownTtlMs({ ignoreResult: true, resultTtlMs: 7 * DAY_MS }, 'succeeded'), IGNORED_MS);
  assert.equal(ownTtlMs({ ignoreResult: true, resultTtlMs: 5 }, 'succeeded'), 5);
  assert.equal(ownTtlMs({ ignoreResult: true, resultTtlMs: 7 * DAY_MS }, 'failed'), 7 * DAY_MS);
  assert.equal(ownTtlMs({ ignoreResult: true }, 'failed'), undefined);
  assert.equal(ownTtlMs({ ignoreResult: false }, 'succeeded'), undefined);
});

test('the text of a variable: states with their times, or one time', () => {
  assert.deepEqual(resultTtlFromText('succeeded=1d, failed = 7d'), { succeeded: '1d', failed: '7d' });
  assert.equal(resultTtlFromText('1d'), '1d');
  for (const text of [
    'done=1d',
    'failed=',
    'failed=soon',
    'failed=1d=2',
    'failed=1d,',
    'failed=1d,failed=1d',
    '1d,failed=1d',
  ])
    assert.equal(resultTtlFromText(text), text);
});

test('what is wrong with a time to keep outcomes for is told: the state that is meant, a unit, or which one is no time', () => {
  assert.equal(resultTtlHint('succeded=1d'), ': there is no state "succeded"; did you mean succeeded?');
  assert.equal(resultTtlHint({ faild: '7d' }), ': there is no state "faild"; did you mean failed?');
  assert.match(resultTtlHint('xyz=1d'), /^: there is no state "xyz"; known are succeeded, failed, revoked, expired$/);
  assert.match(resultTtlHint('0'), /^: a number of what unit\? '0s' would forget an outcome as soon as a worker looks/);
  assert.match(resultTtlHint('failed=1d,succeeded=0'), /^: succeeded has a number without a unit\. '0s' would forget/);
  assert.equal(resultTtlHint('failed=soon'), ': failed has "soon", which is no duration');
  assert.equal(resultTtlHint({ failed: -1 }), ': failed has -1, which is no duration');
  assert.equal(resultTtlHint('failed=1d,failed=2d'), ': a state is named twice');
  assert.equal(resultTtlHint('soon'), '');
  assert.equal(resultTtlHint(null), '');
});
