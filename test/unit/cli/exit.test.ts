import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EXIT, exitCodeOf, reportText } from '../../../src/cli/exit.ts';
import {
  ExpiredError,
  RevokedError,
  SpoolError,
  TaskError,
  TimeoutError,
  UnknownJobError,
  UsageError,
  WorkerLostError,
} from '../../../src/job/errors.ts';

const systemError = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', syscall: 'open' });

describe('an exit code says what went wrong', () => {
  const cases: readonly (readonly [string, unknown, number])[] = [
    ['a failed task', new TaskError('id', { name: 'Error', message: '' }, 1), 1],
    ['a lost worker', new WorkerLostError(''), 1],
    ['a wrong argument', new UsageError(''), 2],
    ['a wrong setting', new UsageError('', 'FSQ_CONFIG'), 78],
    ['no tasks', new UsageError('', 'FSQ_NO_TASKS'), 78],
    ['an unknown job', new UnknownJobError('id', 'place'), 3],
    ['a revoked job', new RevokedError(''), 4],
    ['an expired job', new ExpiredError(''), 4],
    ['an unusable spool', new SpoolError('FSQ_SPOOL_FULL', ''), 75],
    ['a system error of the spool', systemError, 75],
    ['waiting too long', new TimeoutError('id', 5), 124],
    ['a bug', new TypeError('x is not a function'), EXIT.bug],
    ['a thrown string', 'oops', EXIT.bug],
  ];
  for (const [what, error, code] of cases) test(`${code} for ${what}`, () => assert.equal(exitCodeOf(error), code));
});

describe('a message', () => {
  test('is one line with the command and the code', () => {
    assert.equal(
      reportText('fsq get', new UsageError('Expected x, got y'), false),
      'fsq get: Expected x, got y (FSQ_USAGE)\n',
    );
  });

  test('of a failed task has the remote name and message, the attempts, and where to see more', () => {
    const error = new TaskError('0199', { name: 'RangeError', message: 'too far' }, 3);

    assert.equal(
      reportText('fsq get', error, false),
      'fsq get: Job 0199 failed after 3 attempts: RangeError: too far\n  `fsq show 0199` shows its stack. (FSQ_TASK_FAILED)\n',
    );
  });

  test('from a job cannot pass for another line of fsq, nor move the cursor', () => {
    const error = new TaskError('0199', { name: 'E\u001b[2J', message: 'a\nfsq: all is well\r\u202e' }, 1);

    const text = reportText('fsq get', error, false);

    assert.doesNotMatch(text, /^fsq: all/m);
    for (const char of ['\u001b', '\r', '\u202e']) assert.ok(!text.includes(char), JSON.stringify(char));
  });

  test('of a timeout names the command that waits longer', () => {
    assert.match(reportText('fsq call', new TimeoutError('0199', 5), false), /`fsq get 0199` waits for it/);
  });

  test('of a system error says what to do', () => {
    assert.match(
      reportText('fsq ls', systemError, false),
      /EACCES.*must be writable by this user.*\(FSQ_SPOOL_NOT_WRITABLE\)/,
    );
  });

  test('has a stack only with FSQ_DEBUG', () => {
    const error = new TypeError('oops');

    assert.doesNotMatch(reportText('fsq', error, false), /exit\.test\.ts/);
    assert.match(reportText('fsq', error, true), /exit\.test\.ts/);
    assert.match(reportText('fsq', error, false), /TypeError: oops.*FSQ_DEBUG=1/);
  });
});

test('an error that programs get too says on the command line what can be done next, if it does not say it itself', () => {
  assert.match(
    reportText('fsq get', new UnknownJobError('x', '/spool'), false),
    /expired\. `fsq ls` lists the jobs that are there\. \(FSQ_UNKNOWN_JOB\)\n$/,
  );
  assert.match(
    reportText('fsq get', new UsageError('Wrong', 'FSQ_CORRUPT_JOB'), false),
    /^fsq get: Wrong `fsq doctor` says/,
  );
  assert.equal(
    reportText('fsq get', new UsageError('See `fsq show 1`', 'FSQ_CORRUPT_JOB'), false),
    'fsq get: See `fsq show 1` (FSQ_CORRUPT_JOB)\n',
  );
});
