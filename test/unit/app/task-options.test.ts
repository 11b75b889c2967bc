import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import vm from 'node:vm';
import { PermanentError } from '../../../src/job/errors.ts';
import { checkTaskOptions, keptOptions, toPredicate, withTaskOptions } from '../../../src/app/task-options.ts';

const foreign = (code: string): unknown => vm.runInNewContext(code);

test('a class of the language stands for that of every realm, with the classes that extend it', () => {
  const onError = toPredicate(Error);
  const onRange = toPredicate([TypeError, RangeError]);

  assert.equal(onError(foreign('new RangeError("x")')), true);
  assert.equal(onError(foreign('new (class Own extends Error {})("x")')), true);
  assert.equal(onRange(foreign('new RangeError("x")')), true);
  assert.equal(onRange(foreign('new SyntaxError("x")')), false);
  assert.equal(onError({ message: 'not of a class', name: 'Error' }), false);
});

test('a class of another realm is taken as a class, not for a function that decides', () => {
  const onForeign = toPredicate(foreign('RangeError'));

  assert.equal(onForeign(new RangeError('x')), true);
  assert.equal(onForeign(new TypeError('x')), false);
  assert.equal(toPredicate(foreign('(class Own extends TypeError {})'))(new TypeError('x')), false);
});

test('any other class matches as instanceof does: one of the same name is another', () => {
  const Twin = class Busy extends Error {};
  const Busy = class Busy extends Error {};

  assert.equal(toPredicate(Busy)(new Busy('x')), true);
  assert.equal(toPredicate(Busy)(new Twin('x')), false);
});

test('a class of fsq stands for that of every copy of fsq', () => {
  const ofOtherCopy = Object.create(
    Object.create(Error.prototype, { [Symbol.for('fsq.error')]: { value: 'PermanentError' } }),
  );

  assert.equal(toPredicate(PermanentError)(ofOtherCopy), true);
});

test('what is neither class nor function is refused', () => {
  for (const bad of [{}, 'Error', [], [Date], [() => true], foreign('[Map]')])
    assert.throws(() => toPredicate(bad), { code: 'FSQ_USAGE' });
});

describe('an option stands only where it has a meaning:', () => {
  const misplaced: readonly [where: 'task' | 'call', option: object, message: RegExp][] = [
    ['task', { countdown: '1s' }, /Unknown option "countdown"; (?:known are|did you mean)/],
    ['task', { eta: 1 }, /Unknown option "eta"/],
    ['task', { headers: {} }, /Unknown option "headers"/],
    [
      'call',
      { concurrency: 1 },
      /`concurrency` in the options of task\(\): it holds for all jobs of a task, not for one/,
    ],
    ['call', { rateLimit: '1/s' }, /`rateLimit` in the options of task\(\): it holds for all jobs/],
    ['call', { retryOn: Error }, /`retryOn` in the options of task\(\): a function cannot be kept/],
    [
      'call',
      { key: () => 'a' },
      /`key` of a call to be a text; a function of the arguments goes in the options of task/,
    ],
    [
      'call',
      { constructor: 1 },
      /Unknown option "constructor"; known are queue, priority, .*countdown, eta, after, limitKey, headers/,
    ],
    ['task', { toString: 1 }, /Unknown option "toString"; known are queue, .*retryOn$/],
  ];
  for (const [where, option, message] of misplaced) {
    test(`${Object.keys(option).join()} in the options of a ${where}`, () => {
      const check = where === 'task' ? checkTaskOptions : (given: unknown) => withTaskOptions(given, {});

      assert.throws(() => check(option), { code: 'FSQ_USAGE', message });
    });
  }
});

test('a call that says undefined says nothing: its task counts', () => {
  const options = withTaskOptions({ retries: undefined, priority: 1 }, { retries: 3, queue: 'mail', priority: 9 });

  assert.deepEqual(options, { retries: 3, queue: 'mail', priority: 1 });
});

test('a file keeps each option under its own name, and those that say nothing not at all', () => {
  const kept = keptOptions({
    queue: 'mail',
    priority: 1,
    retries: 2,
    backoff: '5s',
    onCrash: 'fail',
    timeLimit: '1m',
    softTimeLimit: '30s',
    resultTtl: { failed: '7d', succeeded: 0 },
    ignoreResult: true,
    key: 'a',
    unique: '1h',
    expires: new Date(2_000_000_000_000),
    eta: 1_900_000_000_000,
    headers: { a: 'b' },
  });

  assert.deepEqual(kept, {
    retries: 2,
    backoff: { initialMs: 5_000, factor: 2, maxMs: 3_600_000, jitter: true },
    onCrash: 'fail',
    timeLimitMs: 60_000,
    softTimeLimitMs: 30_000,
    resultTtlMs: { failed: 604_800_000, succeeded: 0 },
    ignoreResult: true,
    expiresAtMs: 2_000_000_000_000,
    etaMs: 1_900_000_000_000,
  });
  assert.deepEqual(keptOptions({}), {});
});
