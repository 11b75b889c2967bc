import assert from 'node:assert/strict';
import test from 'node:test';
import { checkKey, checkUnique, isKey, readJobOptions, timeLimitsFrom } from '../../../src/job/job-options.ts';
import { UsageError } from '../../../src/job/errors.ts';

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

test('a key is any text of 1 to 1,024 bytes of UTF-8', () => {
  for (const key of ['a', ' ', '\0', '../..', 'ä'.repeat(512), '\u{1F600}', 'x'.repeat(1_024)])
    assert.equal(checkKey(key), key);
});

const BAD: readonly [what: string, key: unknown, message: RegExp][] = [
  ['an empty key', '', /got an empty one; leave it out for none/],
  ['10 KB', 'x'.repeat(10_240), /of 1 to 1024 bytes of UTF-8, got 10240 bytes: use a hash of it/],
  ['characters of two bytes', 'ä'.repeat(513), /got 1026 bytes/],
  ['half a character', 'a\uD800', /half a character/],
  ['a number', 7, /got 7/],
  ['null', null, /got null/],
];
for (const [what, key, message] of BAD) {
  test(`${what} is refused as a key`, () => {
    assert.throws(
      () => checkKey(key),
      (error) => error instanceof UsageError && message.test(error.message),
    );
    assert.equal(isKey(key), false);
  });
}

test('unique is one of two words, or some time', () => {
  assert.deepEqual(checkUnique('while-pending'), { until: 'started' });
  assert.deepEqual(checkUnique('while-unfinished'), { until: 'ended' });
  assert.deepEqual(checkUnique('1h'), { until: { ms: 3_600_000 } });
  assert.deepEqual(checkUnique(5), { until: { ms: 5 } });
  for (const bad of [0, '0s', 'while-running', true, null, undefined])
    assert.throws(() => checkUnique(bad), /'while-pending', 'while-unfinished', a duration of more than 0/);
  for (const bad of [-1, '3 weeks', Number.NaN]) assert.throws(() => checkUnique(bad), UsageError);
});

test('unique may debounce', () => {
  const debounce = (parts: object): unknown => checkUnique(parts);
  assert.deepEqual(debounce({ debounce: '5s' }), { until: 'started', debounce: { waitMs: 5_000, mostMs: null } });
  assert.deepEqual(debounce({ debounce: 5, maxWait: 5 }), { until: 'started', debounce: { waitMs: 5, mostMs: 5 } });
  for (const bad of [{}, { debounce: 0 }, { debounce: 2, maxWait: 1 }, { debounce: 1, wait: 1 }, { maxWait: 1 }])
    assert.throws(() => checkUnique(bad), UsageError);
});

test('each limit is that of the first source that has one, whether it is the shorter one or not', () => {
  const limits = timeLimitsFrom(
    { timeLimitMs: 900 },
    { timeLimitMs: 100, softTimeLimitMs: 50 },
    { softTimeLimitMs: 10 },
  );

  assert.deepEqual(limits, { timeLimitMs: 900, softTimeLimitMs: 50 });
});

test('where no source has any there is nothing to watch', () => {
  assert.equal(timeLimitsFrom({}, undefined, { timeLimitMs: null, softTimeLimitMs: null }), null);
});

test('a limit that no clock could reach is as good as a hundred years', () => {
  assert.deepEqual(timeLimitsFrom({ timeLimitMs: 1e300 }), { timeLimitMs: 3_162_240_000_000, softTimeLimitMs: null });
});
