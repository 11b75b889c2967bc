import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as later } from 'node:timers/promises';
import test, { describe, type TestContext } from 'node:test';
import { type App, createApp } from '../../../src/app/app.ts';
import { currentJob } from '../../../src/app/execute.ts';
import { registry } from '../../../src/app/registry.ts';
import { ExpiredError, NotSerialisableError, PermanentError, TaskError, UsageError } from '../../../src/job/errors.ts';
import type { RetryOn } from '../../../src/app/task-options.ts';
import { isId } from '../../../src/job/names.ts';
import { MAX_PAYLOAD_BYTES } from '../../../src/job/values/payload.ts';
import { tempDir } from '../../support/temp.ts';

describe('a task', () => {
  test('runs here as the plain function does, by call and by run()', async (t) => {
    const add = tempApp(t).task('add', (a: number, b: number) => a + b);

    assert.equal(await add(1, 2), 3);
    assert.equal(await add.run(1, 2), 3);
    assert.equal(add.name, 'add');
  });

  test('that throws here rejects with the very error', async (t) => {
    const error = new RangeError('x');
    const fail = tempApp(t).task('fail', () => {
      throw error;
    });

    await assert.rejects(fail(), (caught) => caught === error);
  });

  test('is sent with its arguments, options and headers; the call is stronger than the task', async (t) => {
    const app = tempApp(t);
    const send = app.task('send', { queue: 'mails', priority: 3 }, (to: string) => to);

    const first = await send.delay('a');
    const second = await send.applyAsync(['b'], { priority: 0, queue: 'urgent', headers: { trace: 'x' } });
    const later = await send.applyAsync(['c'], { countdown: '1h' });
    const at = new Date(Date.now() + 60_000);
    const dated = await send.applyAsync(['d'], { eta: at });

    const one = await first.info();
    assert.deepEqual(
      [one?.state, one?.standing.queue, one?.standing.priority, one?.record?.job.args],
      ['pending', 'mails', 3, ['a']],
    );
    const two = await second.info();
    assert.deepEqual(
      [two?.standing.queue, two?.standing.priority, two?.record?.job.headers],
      ['urgent', 0, { trace: 'x' }],
    );
    const three = await later.info();
    assert.equal(three?.state, 'delayed');
    assert.ok(Math.abs((three?.dueAtMs ?? 0) - Date.now() - 3_600_000) < 60_000);
    assert.equal((await dated.info())?.dueAtMs, at.getTime());
  });

  test('is sent many times at once', async (t) => {
    const square = tempApp(t).task('square', (n: number) => n * n);

    const group = await square.delayMany([[1], [2], [3]], { queue: 'q' });

    const args = await Promise.all(group.results.map(async (result) => (await result.info())?.record?.job.args));
    assert.deepEqual(args, [[1], [2], [3]]);
    assert.equal((await square.delayMany([])).length, 0);
  });

  test('has handles by id, that say when the job is unknown', async (t) => {
    const app = tempApp(t);
    const add = app.task('add', (a: number) => a);
    const sent = await add.delay(1);

    assert.equal(await add.result(sent.id).state(), 'pending');
    assert.equal(await app.result(sent.id).state(), 'pending');
    for (const wrong of ['x', '../../etc/passwd', sent.id.toUpperCase(), ''])
      assert.throws(() => add.result(wrong), UsageError);
  });

  const refused: readonly [string, unknown, string][] = [
    ['a Date', new Date(), 'args[0]'],
    ['a Map', { m: new Map() }, 'args[0].m'],
    ['a bigint', [1n], 'args[0][0]'],
    ['a function', () => 1, 'args[0]'],
  ];
  for (const [what, value, path] of refused) {
    test(`is not sent with ${what}, and the error names the path`, async (t) => {
      const app = tempApp(t);
      const take = app.task('take', (value: unknown) => typeof value);

      await assert.rejects(take.delay(value), (error) => error instanceof NotSerialisableError && error.path === path);
      await assert.rejects(take.delayMany([[1], [value]]), NotSerialisableError);

      assert.equal((await (await app.broker()).counts()).pending, 0);
    });
  }

  test('is not sent with more than the limit of arguments', async (t) => {
    const app = tempApp(t);
    const take = app.task('take', (text: string) => text.length);

    await assert.rejects(take.delay('x'.repeat(MAX_PAYLOAD_BYTES)), {
      code: 'FSQ_TOO_LARGE',
      message: /take have \d+ bytes of JSON/,
    });
    await take.delay('x'.repeat(MAX_PAYLOAD_BYTES - 100));

    assert.equal((await (await app.broker()).counts()).pending, 1);
  });

  const lasting: readonly [string, object, RegExp][] = [
    ['an expiry of no time', { expires: 0 }, /Expected `expires` to be more than 0 ms, got 0; leave it out/],
    ['an expiry that is none', { expires: new Date('x') }, /Expected `expires` to be a valid Date/],
    ['an expiry that is a Unix time', { expires: 1.8e12 }, /for a Unix time pass new Date\(1800000000000\)/],
    ['retries below zero', { retries: -1 }, /Expected `retries` to be a whole number from 0 to 1000, got -1/],
    ['half a retry', { retries: 0.5 }, /Expected `retries`/],
    ['retries without end', { retries: Infinity }, /Expected `retries`/],
    ['a backoff that is none', { backoff: 'long' }, /Expected `backoff` to be .*, got "long"/],
    ['a backoff that shrinks', { backoff: { factor: 0.5 } }, /Expected `backoff.factor` .* got 0\.5/],
    ['a backoff that ends below its start', { backoff: { initial: '2s', max: '1s' } }, /got 1000 ms and 2000 ms/],
    ['a jitter that is a number', { backoff: { jitter: 0.1 } }, /Expected `backoff.jitter` to be true or false/],
    ['a misspelt part of a backoff', { backoff: { inital: 1 } }, /"inital" of `backoff`; did you mean initial\?/],
    ['another end of a crash', { onCrash: 'retry' }, /Expected `onCrash` to be 'rerun' or 'fail', got "retry"/],
    ['a limit of zero', { timeLimit: 0 }, /Expected `timeLimit` to be more than 0 ms/],
    ['a soft limit of zero', { softTimeLimit: '0s' }, /Expected `softTimeLimit` to be more than 0 ms/],
    ['a soft limit beyond the hard one', { softTimeLimit: '2s', timeLimit: '2s' }, /shorter than `timeLimit`/],
  ];
  const unregistrable: readonly [string, object, RegExp][] = [
    ...lasting,
    ['retryOn of no class', { retryOn: [] }, /got an empty array/],
    [
      'retryOn of something else',
      { retryOn: ['Error'] },
      /an error class, an array of such, or a function.*got "Error"/,
    ],
    ['retryOn of a class of no errors', { retryOn: [Map] }, /got function Map/],
  ];
  const options: readonly [string, object, RegExp][] = [
    ...lasting,
    ['a queue that is no name', { queue: '../x' }, /Expected `queue`/],
    ['a priority out of range', { priority: 10 }, /Expected `priority`/],
    ['countdown and eta', { countdown: 1, eta: 1 }, /got both/],
    ['a countdown that is none', { countdown: 'soon' }, /Expected `countdown`/],
    ['a Date that is none', { eta: new Date('x') }, /Expected `eta`/],
    ['a countdown below zero', { countdown: -1 }, /Expected `countdown` to be a number of milliseconds >= 0/],
    ['headers that are no text', { headers: { a: 1 } }, /Expected `headers`/],
    ['a misspelt option', { countdwon: 1 }, /Unknown option "countdwon"; did you mean countdown\?/],
    ['an expiry before the start', { countdown: '5m', expires: '5m' }, /`expires` to lie after .*: it could never run/],
    ['an expiry before the eta', { eta: 2e12, expires: new Date(1e12) }, /got 2001-.* and 2033-/],
    ['retryOn, which cannot be kept', { retryOn: Error }, /in the options of task\(\): a function/],
    ['an option of nobody', { zzzzzz: 1 }, /Unknown option "zzzzzz"; known are queue/],
  ];
  for (const [what, option, message] of options) {
    test(`is not sent with ${what}`, async (t) => {
      const app = tempApp(t);
      const noop = app.task('noop', () => null);

      await assert.rejects(
        (async () => noop.applyAsync([], option))(),
        (error) => error instanceof UsageError && message.test(error.message),
      );

      assert.equal((await (await app.broker()).counts()).pending, 0);
    });
  }

  for (const [what, option, message] of unregistrable) {
    test(`is not registered with ${what}`, (t) => {
      assert.throws(() => tempApp(t).task('noop', option, () => null), message);
    });
  }

  test('says in its file what the task and the call say, the call stronger', async (t) => {
    const send = tempApp(t).task(
      'send',
      { retries: 3, backoff: '2s', onCrash: 'fail', timeLimit: '1m', expires: '1h' },
      () => null,
    );

    const plain = (await (await send.delay()).info())?.record?.job;
    const called = (
      await (
        await send.applyAsync([], {
          retries: 0,
          backoff: { initial: '3h', factor: 1, jitter: false },
          onCrash: 'rerun',
          softTimeLimit: '30s',
          eta: 5,
          expires: new Date(6),
        })
      ).info()
    )?.record?.job;

    const { expiresAtMs = 0, ...rest } = plain?.options ?? {};
    assert.deepEqual(rest, {
      retries: 3,
      backoff: { initialMs: 2_000, factor: 2, maxMs: 3_600_000, jitter: true },
      onCrash: 'fail',
      timeLimitMs: 60_000,
    });
    assert.ok(Math.abs(expiresAtMs - 3_600_000 - (plain?.enqueuedAtMs ?? 0)) < 5_000);
    assert.deepEqual(called?.options, {
      etaMs: 5,
      expiresAtMs: 6,
      retries: 0,
      backoff: { initialMs: 10_800_000, factor: 1, maxMs: 10_800_000, jitter: false },
      onCrash: 'rerun',
      timeLimitMs: 60_000,
      softTimeLimitMs: 30_000,
    });
  });

  test('is registered with its options but the expiry, which only a call can begin', (t) => {
    tempApp(t).task('lasting', { retries: 2, expires: '1h' }, () => null);

    assert.deepEqual(registry().tasks.get('lasting')?.options, { retries: 2 });
  });

  test('is not made of what is no function, or under a name that is none', (t) => {
    const { task } = tempApp(t);

    assert.throws(() => task('x', 5 as never), /Expected task\('x', fn\).*got 5/);
    assert.throws(() => task('a b', () => 1), UsageError);
    const here = /\(at .*task\.test\.ts:\d+\)$/;
    assert.throws(
      () => task('請求書を送る', () => 1),
      /A name has letters from A to Z only.*arguments may be any text/,
    );
    assert.throws(() => task('請求書を送る', () => 1), here);
    assert.throws(() => task('x', { queue: '請求' }, () => 1), here);
    assert.throws(() => task('x', { retry: 1 } as never, () => 1), /Unknown option "retry"/);
  });

  test('is not sent with arguments that are no array', async (t) => {
    const noop = tempApp(t).task('noop', (...values: unknown[]) => values.length);

    await assert.rejects(
      (async () => noop.applyAsync('ab' as never))(),
      /Expected the arguments of noop as an array.*, got "ab"$/,
    );
    await assert.rejects((async () => noop.applyAsync(1 as never))(), /, got 1$/);
    await assert.rejects(
      (async () => noop.delayMany([1, 2] as never))(),
      /delayMany\(\[\[1, 2\], \[3, 4\]\]\), got 1$/,
    );
  });
});

test('delay() while a worker imports the module is refused, with the place of the call', async (t) => {
  const add = tempApp(t).task('add', (a: number) => a);
  registry().loading = '/some/tasks.ts';
  t.after(() => (registry().loading = null));

  await assert.rejects(add.delay(1), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.code, 'FSQ_DELAY_AT_IMPORT');
    assert.match(error.message, /imported \/some\/tasks\.ts \(at .*task\.test\.ts:\d+\)/);
    return true;
  });
});

describe('currentJob()', () => {
  test('tells of the run, deep inside what the task awaits, and of the right one among many', async (t) => {
    const who = tempApp(t).task('who', { queue: 'q' }, async () => {
      await later();
      const before = currentJob();
      await new Promise((resolve) => setTimeout(resolve, 1));
      assert.equal(currentJob(), before);
      return before;
    });

    const jobs = await Promise.all([who(), who(), who()]);

    assert.equal(new Set(jobs.map(({ id }) => id)).size, 3);
    for (const { id, task, attempt, queue, headers, signal } of jobs) {
      assert.ok(isId(id));
      assert.deepEqual([task, attempt, queue, headers, signal.aborted], ['who', 1, 'q', {}, false]);
    }
  });

  test('outside of a task is an error', () => {
    assert.throws(() => currentJob(), UsageError);
  });
});

describe('with alwaysEager', () => {
  test('delay() runs the task inline, with the same trip through JSON', async (t) => {
    const seen: unknown[] = [];
    const app = tempApp(t, { alwaysEager: true });
    const given = { list: [1, { a: null }] };
    const echo = app.task('echo', (value: typeof given) => {
      seen.push(value);
      return value;
    });

    const result = await echo.delay(given);

    assert.equal(await result.ready(), true);
    assert.equal(await result.state(), 'succeeded');
    const value = await result.get();
    assert.deepEqual(value, given);
    assert.deepEqual(seen, [given]);
    assert.notEqual(seen[0], given, 'a copy went in');
    assert.notEqual(value, seen[0], 'and another came out');
  });

  test('what the task throws is thrown by get(), not by delay()', async (t) => {
    const fail = tempApp(t, { alwaysEager: true }).task('fail', () => {
      throw new RangeError('no');
    });

    const result = await fail.delay();

    assert.equal(await result.failed(), true);
    await assert.rejects(result.get(), (error) => error instanceof TaskError && error.remoteName === 'RangeError');
  });

  test('a value that JSON cannot carry fails the job', async (t) => {
    const dated = tempApp(t, { alwaysEager: true }).task('dated', () => ({ when: new Date(0) }));

    // @ts-expect-error the types say so before it runs
    const result = await dated.delay();

    await assert.rejects(result.get(), {
      remoteName: 'NotSerialisableError',
      message: /\w+\(…\)\.when is a Date/,
    });
  });

  test('the task knows its job, with the options of the call', async (t) => {
    const who = tempApp(t, { alwaysEager: true }).task('who', () => {
      const { id, queue, headers, attempt } = currentJob();
      return { id, queue, headers, attempt };
    });

    const result = await who.applyAsync([], { queue: 'q', headers: { a: 'b' } });

    assert.deepEqual(await result.get(), { id: result.id, queue: 'q', headers: { a: 'b' }, attempt: 1 });
  });

  test('a run that fails is repeated as a worker would, without waiting', async (t) => {
    const { task } = tempApp(t, { alwaysEager: true });
    const seen: number[] = [];
    const flaky = task('flaky', { retries: 2, backoff: '1h' }, () => {
      const { attempt } = currentJob();
      seen.push(attempt);
      if (attempt < 3) throw new RangeError(`attempt ${attempt}`);
      return attempt;
    });

    const result = await flaky.delay();
    const record = (await result.info())?.record;

    assert.equal(await result.get(), 3);
    assert.deepEqual(seen, [1, 2, 3]);
    assert.deepEqual(
      record?.attempts.map(({ attempt, error }) => [attempt, error?.message]),
      [
        [1, 'attempt 1'],
        [2, 'attempt 2'],
        [3, undefined],
      ],
    );
    await assert.rejects((await flaky.applyAsync([], { retries: 1 })).get(), { message: 'attempt 2', attempts: 2 });
  });

  class Passing extends Error {}
  class Final extends PermanentError {}
  const retried: readonly [string, RetryOn | undefined, () => unknown, number, string][] = [
    ['any error, unless told otherwise', undefined, () => new TypeError('x'), 3, 'TypeError'],
    ['what is no error', undefined, () => 'text', 3, 'NonError'],
    ['a PermanentError: never', undefined, () => new PermanentError('x'), 1, 'PermanentError'],
    ['a class of these: never', Error, () => new Final('x'), 1, 'Final'],
    ['an error of the class', Passing, () => new Passing('x'), 3, 'Error'],
    ['an error of another class: never', Passing, () => new Error('x'), 1, 'Error'],
    ['an error of one of the classes', [TypeError, Passing], () => new Passing('x'), 3, 'Error'],
    [
      'an error that the function wants',
      (error) => error instanceof TypeError,
      () => new TypeError('x'),
      3,
      'TypeError',
    ],
    ['an error that the function does not want', () => false, () => new TypeError('x'), 1, 'TypeError'],
    ['a function that gives no boolean: never', (async () => true) as never, () => new TypeError('x'), 1, 'UsageError'],
  ];
  for (const [what, retryOn, error, attempts, remoteName] of retried) {
    test(`tried again: ${what}`, async (t) => {
      const { task } = tempApp(t, { alwaysEager: true });
      const fail = task('fail', { retries: 2, ...(retryOn === undefined ? {} : { retryOn }) }, () => {
        throw error();
      });

      await assert.rejects((await fail.delay()).get(), { attempts, remoteName });
    });
  }

  test('a retry that the task asks for counts, and fails when none is left', async (t) => {
    const { task } = tempApp(t, { alwaysEager: true });
    const again = task('again', { retries: 1, retryOn: TypeError }, () =>
      currentJob().retry({ countdown: '5m', cause: new RangeError('not yet') }),
    );

    const error = await (await again.delay()).get().catch((reason: unknown) => reason);

    assert.ok(error instanceof TaskError);
    assert.deepEqual(
      [error.remoteName, error.remoteCode, error.message, error.attempts],
      ['RetryError', 'FSQ_RETRY', 'The task asked to be run again, but its retries (1) are used up', 2],
    );
    assert.equal((error.cause as Error).message, 'not yet');
  });

  test('a retry asked for with a wrong option fails as any error does', async (t) => {
    const { task } = tempApp(t, { alwaysEager: true });
    const negative = task('negative', () => currentJob().retry({ countdown: -1 }));
    const misspelt = task('misspelt', () => currentJob().retry({ delay: 1 } as never));

    await assert.rejects((await negative.delay()).get(), { message: /Expected `countdown` to be/ });
    await assert.rejects((await misspelt.delay()).get(), { message: /Unknown option "delay" of retry\(\)/ });
  });

  test('a value that JSON cannot carry is not tried again', async (t) => {
    const dated = tempApp(t, { alwaysEager: true }).task('dated', { retries: 3 }, () => new Date(0));

    // @ts-expect-error the types say so before it runs
    await assert.rejects((await dated.delay()).get(), { attempts: 1 });
  });

  test('a job that has expired does not run', async (t) => {
    const late = tempApp(t, { alwaysEager: true }).task('late', () => assert.fail('it ran'));

    const result = await late.applyAsync([], { expires: new Date(5) });

    assert.equal(await result.state(), 'expired');
    await assert.rejects(result.get(), ExpiredError);
  });

  test('no spool is made', async (t) => {
    const path = join(tempDir(t), 'spool');
    const add = tempApp(t, { alwaysEager: true, spool: path }).task('add', (a: number) => a);

    await (await add.delay(1)).get();

    const { existsSync } = await import('node:fs');
    assert.equal(existsSync(path), false);
  });
});

test('two apps in one process have a spool each', async (t) => {
  const [one, other] = [tempApp(t), tempApp(t)];
  const sent = await one.task('t1', () => 1).delay();

  assert.equal(await other.result(sent.id).state(), 'unknown');
  assert.equal(await one.result(sent.id).state(), 'pending');
});

test('an app whose spool could not be opened tries again with the next call', async (t) => {
  const folder = tempDir(t);
  const spool = join(folder, 'not-yet', 'spool');
  writeFileSync(join(folder, 'not-yet'), 'a file in the way');
  const app = tempApp(t, { spool });
  const add = app.task('add', (a: number) => a);
  await assert.rejects(add.delay(1), { code: 'FSQ_SPOOL' });

  const { rmSync } = await import('node:fs');
  rmSync(join(folder, 'not-yet'));
  mkdirSync(join(folder, 'not-yet'));

  assert.equal(await (await add.delay(1)).state(), 'pending');
});

/** An app with a spool of its own; the tasks of the test are forgotten after it. */
function tempApp(t: TestContext, config: { alwaysEager?: boolean; spool?: string } = {}): App {
  const app = createApp({ spool: join(tempDir(t), 'spool'), fsync: false, ...config });
  t.after(async () => {
    registry().tasks.clear();
    await app.close().catch(() => undefined);
  });
  return app;
}
