import assert from 'node:assert/strict';
import test from 'node:test';
import { readJobOptions } from '../../../src/job/options.ts';

test('options come back as they were written', () => {
  const options = {
    etaMs: 1,
    expiresAtMs: 2,
    retries: 3,
    backoff: { initialMs: 0, factor: 1, maxMs: 0, jitter: false },
    onCrash: 'fail',
    timeLimitMs: 4,
    softTimeLimitMs: 0.5,
  };

  assert.deepEqual(readJobOptions(JSON.parse(JSON.stringify(options))), options);
});

const UNSOUND: readonly [string, unknown][] = [
  ['nothing', undefined],
  ['a list', [1]],
  ['a text', 'retries'],
  ['keys of nobody', { strange: 1, __proto__: 1, toString: 1, constructor: 1 }],
  ['times that are none', { etaMs: 'soon', expiresAtMs: null }],
  ['retries that are none', { retries: -1 }],
  ['retries that are half', { retries: 1.5 }],
  ['retries without end', { retries: 1e9 }],
  ['retries in a text', { retries: '3' }],
  ['a backoff of a number', { backoff: 1_000 }],
  ['an end of a crash that is none', { onCrash: 'ignore' }],
  ['limits of nothing', { timeLimitMs: 0, softTimeLimitMs: -1 }],
];
for (const [what, value] of UNSOUND) {
  test(`${what}: none`, () => {
    assert.deepEqual(readJobOptions(value), {});
  });
}

test('of a backoff, the parts that make no sense are the usual ones', () => {
  const read = (backoff: unknown): unknown => readJobOptions({ backoff }).backoff;

  assert.deepEqual(read({}), { initialMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: true });
  assert.deepEqual(read({ initialMs: -1, factor: 0.5, maxMs: 5, jitter: 1 }), {
    initialMs: 1_000,
    factor: 2,
    maxMs: 3_600_000,
    jitter: true,
  });
  assert.deepEqual(read({ initialMs: 7_200_000 }), {
    initialMs: 7_200_000,
    factor: 2,
    maxMs: 7_200_000,
    jitter: true,
  });
});
