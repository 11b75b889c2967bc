import assert from 'node:assert/strict';
import test from 'node:test';
import { sendUnique } from '../../../src/app/unique.ts';
import { createApp, SpoolError, UsageError } from '../../../src/index.ts';
import { job } from '../../support/factory.ts';
import { tempSpool } from '../../support/temp.ts';

function tempApp(t: test.TestContext, alwaysEager = false): ReturnType<typeof createApp> {
  const app = createApp({ spool: tempSpool(t).path, fsync: false, alwaysEager });
  t.after(() => app.close());
  return app;
}

test('a call whose key is there gives the handle of that job, and says so', async (t) => {
  const app = tempApp(t);
  const report = app.task('report', async (day: string) => day);

  const first = await report.applyAsync(['monday'], { key: 'k' });
  const second = await report.applyAsync(['tuesday'], { key: 'k', unique: '1h' });
  const other = await report.delay('wednesday');

  assert.deepEqual([first.isDuplicate, second.isDuplicate, other.isDuplicate], [false, true, false]);
  assert.equal(second.id, first.id);
  assert.notEqual(other.id, first.id);
  const { args, options } = (await second.info())?.record?.job ?? assert.fail('no job');
  assert.deepEqual([args, options], [['monday'], { key: 'k' }]);
});

test("a task's key is made of the arguments; a call's is stronger", async (t) => {
  const app = tempApp(t);
  const mail = app.task(
    'mail',
    { key: (to, _text) => to, unique: 'while-pending' },
    async (to: string, text: string) => to + text,
  );

  const ada = await mail.delay('ada', '1');

  assert.equal((await mail.delay('ada', '2')).id, ada.id);
  assert.equal((await mail.delay('bob', '2')).isDuplicate, false);
  assert.equal((await mail.applyAsync(['ada', '2'], { key: 'other' })).isDuplicate, false);
  assert.equal((await app.result(ada.id).info())?.record?.job.options.key, 'ada');
});

test('each job of delayMany stands for itself, also beside others of the same call', async (t) => {
  const app = tempApp(t);
  const square = app.task('square', { key: String }, async (n: number) => n * n);
  const first = await square.delay(2);

  const found = await square.delayMany([[1], [2], [3], [1]]);

  assert.deepEqual(
    found.results.map(({ isDuplicate }) => isDuplicate),
    [false, true, false, true],
  );
  assert.equal(found.results[1]?.id, first.id);
  assert.equal(found.results[3]?.id, found.results[0]?.id);
  assert.equal((await (await app.broker()).counts()).pending, 3);
});

test('keys and spans that make no sense are refused, with what would', async (t) => {
  const app = tempApp(t);
  const echo = app.task('echo', async (n: number) => n);
  const wrong = app.task('wrong', { key: (() => 7) as never }, async () => 1);
  const bad: readonly [options: unknown, message: RegExp][] = [
    [{ key: 'x'.repeat(10_240) }, /10240 bytes/],
    [{ key: '' }, /empty/],
    [{ key: 7 }, /got 7/],
    [{ key: () => 'x' }, /belongs in|goes in the options of task/],
    [{ unique: '1h' }, /Expected `key` beside `unique`/],
    [{ key: 'x', unique: 'while-running' }, /'while-pending', 'while-unfinished', a duration/],
    [{ key: 'x', unique: 0 }, /more than 0/],
  ];

  for (const [options, message] of bad) {
    await assert.rejects(
      echo.applyAsync([1], options as never),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  }
  await assert.rejects(wrong.delay(), /`key` .* got 7/);
  await assert.rejects(echo.delayMany([[1], [2]], { key: 'x' }), /got 2: all but the first would be its duplicates/);
  assert.throws(() => app.task('late', { unique: '1h' }, () => 1), /Expected `key` beside `unique`/);
  assert.throws(() => app.task('bad', { key: '' }, () => 1), UsageError);
  assert.equal((await echo.delayMany([[1]], { key: 'x' })).length, 1);
  assert.equal((await (await app.broker()).counts()).pending, 1);
});

test('run inline, every call runs: none waits for another, and a bad key is refused all the same', async (t) => {
  const app = tempApp(t, true);
  let runs = 0;
  const count = app.task('count', { key: 'one', unique: '1h' }, async () => ++runs);

  const [first, second] = [await count.delay(), await count.delay()];

  assert.deepEqual([await first.get(), await second.get(), second.isDuplicate], [1, 2, false]);
  await assert.rejects(count.applyAsync([], { key: '' }), UsageError);
});

test('when one of many cannot be sent, the error names those that were', async () => {
  const jobs = [job(), job(), job()];
  const broker = {
    enqueueUnique: async ({ job: { id } }: (typeof jobs)[number]) => {
      if (id === jobs[1]?.job.id) throw new SpoolError('FSQ_SPOOL_FULL', 'Job was not queued: full.');
      return { id, isDuplicate: false };
    },
  };

  await assert.rejects(
    sendUnique(
      broker,
      jobs,
      ['a', 'a', 'b'].map((key) => ({ key, until: 'ended' as const })),
    ),
    (error) =>
      error instanceof SpoolError &&
      error.code === 'FSQ_ENQUEUE_UNCERTAIN' &&
      error.uncertain.includes(jobs[0]?.job.id ?? '') &&
      !error.uncertain.includes(jobs[1]?.job.id ?? ''),
  );
});

test('debounced calls are one job with the arguments of the last, also those of one delayMany', async (t) => {
  const app = tempApp(t);
  const save = app.task(
    'save',
    { key: (page) => page, unique: { debounce: '1h', maxWait: '2h' }, priority: 3 },
    async (page: string, words: number) => page + words,
  );

  const first = await save.delay('home', 1);
  const { results } = await save.delayMany([
    ['home', 2],
    ['about', 1],
    ['home', 3],
  ]);
  const last = await save.applyAsync(['about', 2], { unique: { debounce: 60_000 }, queue: 'slow' });

  assert.deepEqual(
    [first, ...results, last].map(({ isDuplicate }) => isDuplicate),
    [false, true, false, true, true],
  );
  assert.deepEqual(new Set([first.id, results[0]?.id, results[2]?.id]), new Set([first.id]));
  assert.equal(last.id, results[1]?.id);
  assert.deepEqual((await first.info())?.record?.job.args, ['home', 3]);
  const about = await last.info();
  assert.deepEqual([about?.record?.job.args, about?.standing.queue], [['about', 2], 'slow']);
  assert.ok((about?.dueAtMs ?? Infinity) <= Date.now() + 60_000);
  assert.equal(await (await app.broker()).counts().then(({ delayed }) => delayed), 2);
});

test('a debounced call that makes no sense is refused', async (t) => {
  const app = tempApp(t);
  const run = app.task('run', async () => 1);
  const refused: readonly [options: object, message: RegExp][] = [
    [{ unique: { debounce: 0 } }, /`unique\.debounce` to be more than 0 ms.*'while-pending'/],
    [{ unique: { debounce: '0s' } }, /`unique\.debounce` to be more than 0 ms/],
    [{ unique: { debounce: -1 } }, /`unique\.debounce` to be a number of milliseconds/],
    [{ unique: { debounce: 'soon' } }, /`unique\.debounce` to be a number of milliseconds/],
    [{ unique: {} }, /`unique\.debounce` to be a number of milliseconds.*undefined/],
    [{ unique: { maxWait: '1s' } }, /`unique\.debounce`/],
    [
      { unique: { debounce: '2s', maxWait: '1s' } },
      /`unique\.maxWait` to be at least `unique\.debounce`, got 1000 ms and 2000 ms/,
    ],
    [{ unique: { debounce: '2s', maxwait: '5s' } }, /Unknown part "maxwait" of `unique`.*maxWait/],
    [{ unique: { debounce: '2s' }, countdown: '5s' }, /`unique\.debounce` or `countdown` \("5s"\), got both/],
    [{ unique: { debounce: '2s' }, eta: 1 }, /`unique\.debounce` or `eta`/],
    [{ unique: { debounce: '5s' }, expires: '5s' }, /`expires` to lie after `unique\.debounce`/],
    [{ unique: new Date() }, /`unique` to be 'while-pending'/],
    [{ unique: [] }, /`unique/],
  ];
  for (const [options, message] of refused)
    await assert.rejects(run.applyAsync([], { key: 'k', ...options }), (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  await assert.rejects(run.applyAsync([], { unique: { debounce: '1s' } }), /Expected `key` beside `unique`/);
  assert.throws(() => app.task('refused', { key: 'k', unique: { debounce: 0 } }, () => 1), /`unique\.debounce`/);
});

test('with alwaysEager a debounced call runs at once', async (t) => {
  const app = tempApp(t, true);
  const run = app.task('run', { key: 'k', unique: { debounce: '1h' } }, async (n: number) => n);

  assert.deepEqual([await (await run.delay(1)).get(), await (await run.delay(2)).get()], [1, 2]);
});
