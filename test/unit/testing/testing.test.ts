import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { currentStage } from '../../../src/app/settings/stage.ts';
import { registry } from '../../../src/app/registry.ts';
import {
  chain,
  chord,
  createApp,
  currentJob,
  ExpiredError,
  group,
  type Task,
  task,
  TimeLimitError,
  UsageError,
} from '../../../src/index.ts';
import { temporarySpool } from '../../../src/testing/testing.ts';
import { deferred, until } from '../../support/conditions.ts';
import { tempDir } from '../../support/temp.ts';

test('a job is run by a worker in this process, and its handle works as always', async (t) => {
  const add = define(t, 'add', (a: number, b: number) => a + b);
  const spool = await temporarySpool(t);

  const result = await add.delay(1, 2);

  assert.equal(await result.get('5s'), 3);
  assert.ok(existsSync(join(spool.path, 'results', `${result.id}.json`)));
  assert.equal((await result.info())?.record?.attempts[0]?.owner.startsWith(String(process.pid)), true);
});

test('drain waits for what runs, what is ready and what these send, and tells how all jobs stand', async (t) => {
  const spool = await temporarySpool(t);
  const leaf = define(t, 'leaf', (n: number) => {
    if (n === 2) throw new RangeError('two');
  });
  const root = define(t, 'root', async () => {
    await leaf.delayMany([[1], [2], [3]]);
  });
  await root.delay();
  await leaf.applyAsync([4], { countdown: '1h' });
  await define(t, 'gone', () => undefined).delay();
  registry().tasks.delete('gone');

  assert.deepEqual(await spool.drain(), {
    ...NONE,
    succeeded: 3,
    failed: 1,
    delayed: 1,
    parked: 1,
  });
});

test('a job with retries comes to its end by moving the clock, each pause as long as it says', async (t) => {
  const spool = await temporarySpool(t);
  const times: number[] = [];
  const options = { retries: 3, backoff: { initial: '10m', factor: 2, jitter: false } } as const;
  const fail = task('fail', options, () => {
    times.push(spool.clock.now().getTime());
    throw new Error(`attempt ${currentJob().attempt}`);
  });
  t.after(() => registry().tasks.delete('fail'));

  const result = await fail.delay();
  const first = await spool.drain();
  const last = await spool.drain({ delayed: true });

  assert.deepEqual(
    [first, last],
    [
      { ...NONE, delayed: 1 },
      { ...NONE, failed: 1 },
    ],
  );
  await assert.rejects(result.get(), { message: 'attempt 4', attempts: 4 });
  const minutes = times.slice(1).map((at, i) => Math.round((at - (times[i] ?? 0)) / 60_000));
  assert.deepEqual(minutes, [10, 20, 40]);
});

test('the clock can be moved to just before and just after a countdown, and past an expiry', async (t) => {
  const spool = await temporarySpool(t, { manual: true });
  const note = define(t, 'note', () => undefined);
  const later = await note.applyAsync([], { countdown: '1h' });
  const tooLate = await note.applyAsync([], { expires: '30m' });

  await spool.clock.advance('59m');
  await spool.drain();
  const before = await later.state();
  await spool.clock.advance('61s');
  await spool.drain();

  assert.deepEqual([before, await later.state()], ['delayed', 'succeeded']);
  await assert.rejects(tooLate.get(), ExpiredError);
  const { enqueuedAtMs } = (await note.delay().then((result) => result.info()))?.record?.job ?? assert.fail();
  assert.ok(Math.abs(enqueuedAtMs - Date.now() - 3_601_000) < 60_000);
});

test('a job that is parked holds up no drain, and the clock is not moved on to it', async (t) => {
  const spool = await temporarySpool(t);
  await define(t, 'gone', () => undefined).applyAsync([], { countdown: '1h' });
  registry().tasks.delete('gone');

  assert.deepEqual(await spool.drain({ delayed: true }), { ...NONE, parked: 1 });
  assert.ok(spool.clock.now().getTime() - Date.now() < 3_700_000);
});

test('what waits for a job that is delayed, parked or paused holds up no drain, and runs when its time has come', async (t) => {
  const spool = await temporarySpool(t);
  const add = define(t, 'add', (a: number, b: number) => a + b);
  const gone = define(t, 'gone', () => 1);
  const later = await chain(add.s(1, 2).set({ countdown: '1h' }), add.s(1), group([add.s(1), add.s(2)])).delay();
  await chain(gone.s(), add.s(1)).delay();
  registry().tasks.delete('gone');
  await createApp().pause('q');
  await chain(add.s(1, 2).set({ queue: 'q' }), add.s(1)).delay();

  assert.deepEqual(await spool.drain(), { ...NONE, delayed: 6, parked: 1, paused: 1 });
  await spool.clock.advance('1h');
  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 4, delayed: 2, parked: 1, paused: 1 });
  assert.deepEqual(await later.get(), [5, 6]);
});

test('drain comes to the end of a composition, also by moving the clock', async (t) => {
  const spool = await temporarySpool(t, { concurrency: 2 });
  const double = define(t, 'double', (n: number) => 2 * n);
  const total = define(t, 'total', (numbers: readonly number[]) => numbers.length);
  const handle = await chain(
    double.s(1).set({ countdown: '2h' }),
    double.s(),
    chord([double.s(), double.s().set({ countdown: '5h' })], total.s()),
  ).delay();

  assert.deepEqual(await spool.drain({ delayed: true }), { ...NONE, succeeded: 5 });
  assert.equal(await handle.get(), 2);
});

test('with manual, nothing runs before drain, so that a test can look at what was sent', async (t) => {
  const spool = await temporarySpool(t, { manual: true });
  const mail = define(t, 'mail', (to: string) => to);

  await mail.applyAsync(['Ada'], { queue: 'post', headers: { tenant: 'acme' } });

  const [sent, ...others] = await spool.jobs();
  assert.deepEqual(
    [sent?.state, sent?.standing.queue, sent?.record?.job.task, sent?.record?.job.args, others.length],
    ['pending', 'post', 'mail', ['Ada'], 0],
  );
  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 1 });
  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 1 });
});

test('two drains at a time of a spool that is manual are refused, and the first goes on', async (t) => {
  const spool = await temporarySpool(t, { manual: true });
  await define(t, 'mail', () => undefined).delay();

  const first = spool.drain();
  await assert.rejects(spool.drain(), { code: 'FSQ_TESTING', message: /one drain\(\)/ });

  assert.deepEqual(await first, { ...NONE, succeeded: 1 });
  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 1 });
});

test('jobs of a paused queue are left, and told', async (t) => {
  const spool = await temporarySpool(t);
  const app = createApp();
  await app.pause('slow');
  const mail = define(t, 'mail', () => undefined);

  await mail.applyAsync([], { queue: 'slow' });
  await mail.delay();

  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 1, paused: 1 });
  await app.resume('slow');
  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 2 });
});

test('a run’s progress and checkpoints are kept, and read by its next attempt', async (t) => {
  const spool = await temporarySpool(t);
  const seen: unknown[] = [];
  const load = task('load', { retries: 1, backoff: '1m' }, async () => {
    seen.push(currentJob().checkpointed);
    currentJob().progress(0.5);
    await currentJob().checkpoint({ row: currentJob().attempt });
    if (currentJob().attempt === 1) throw new Error('once');
  });
  t.after(() => registry().tasks.delete('load'));

  await load.delay();

  assert.deepEqual(await spool.drain({ delayed: true }), { ...NONE, succeeded: 1 });
  assert.deepEqual(seen, [undefined, { row: 1 }]);
});

test('a key that is held for a time is free when the clock says so', async (t) => {
  const spool = await temporarySpool(t, { manual: true });
  const mail = define(t, 'mail', () => undefined);
  const send = async (): Promise<boolean> => (await mail.applyAsync([], { key: 'Ada', unique: '1h' })).isDuplicate;

  const first = [await send(), await send()];
  await spool.clock.advance('61m');

  assert.deepEqual([...first, await send()], [false, true, false]);
});

test('a drain that takes too long says what is left', async (t) => {
  const spool = await temporarySpool(t, { concurrency: 1 });
  const stop = deferred<void>();
  const stuck = define(t, 'stuck', () => stop.promise);
  const { results } = await stuck.delayMany([[], []]);
  await until(async () => (await results[0]?.state()) === 'running', 'the first runs');

  await assert.rejects(spool.drain({ timeout: '50ms' }), {
    code: 'FSQ_TIMEOUT',
    message: new RegExp(`50 ms: stuck ${results[1]?.id} is ready, stuck ${results[0]?.id} is running\\.`),
  });

  stop.resolve();
  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 2 });
});

test('a time limit is held, although no process can be killed for it', async (t) => {
  const spool = await temporarySpool(t);
  const stop = deferred<void>();
  t.after(() => stop.resolve());
  const slow = task('slow', { timeLimit: '20ms' }, () => stop.promise);
  t.after(() => registry().tasks.delete('slow'));

  const result = await slow.delay();

  assert.deepEqual(await spool.drain(), { ...NONE, failed: 1 });
  await assert.rejects(result.get(), TimeLimitError);
});

test('a job is revoked as always: what waits ends, and what runs gets the abort of its signal', async (t) => {
  const spool = await temporarySpool(t);
  const wait = define(t, 'wait', (): Promise<void> => {
    const { signal } = currentJob();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  const { results } = await wait.delayMany([[], []]);
  await until(async () => (await results[0]?.state()) === 'running', 'the first runs');

  for (const result of results.toReversed()) await result.revoke();

  assert.deepEqual(await spool.drain(), { ...NONE, revoked: 2 });
});

test('limits of tasks hold', async (t) => {
  let most = 0;
  let now = 0;
  const limited = task('limited', { concurrency: 1 }, async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
  });
  t.after(() => registry().tasks.delete('limited'));
  const spool = await temporarySpool(t, { concurrency: 3 });

  await limited.delayMany(Array.from({ length: 6 }, () => []));

  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 6 });
  assert.equal(most, 1);
});

test('until its end, apps with a spool of their own use it too, and after that their own again', async (t) => {
  const own = createApp({ spool: join(tempDir(t), 'own') });
  t.after(() => own.close());
  const add = own.task('add', (a: number, b: number) => a + b);
  t.after(() => registry().tasks.delete('add'));
  const before = await add.delay(1, 1);
  const spool = await temporarySpool();
  const during = await add.delay(1, 2);

  assert.equal(await during.get('5s'), 3);
  assert.equal((await own.settings()).spool, spool.path);
  await spool.close();

  assert.equal(await before.state(), 'pending');
  assert.notEqual((await own.settings()).spool, spool.path);
  assert.equal(await own.result(during.id).state(), 'unknown');
});

test('alwaysEager does not count while there is one', async (t) => {
  const app = createApp({ alwaysEager: true });
  const add = app.task('add', (a: number, b: number) => a + b);
  t.after(() => registry().tasks.delete('add'));
  const spool = await temporarySpool(t, { manual: true });

  const result = await add.delay(1, 2);

  assert.equal(await result.state(), 'pending');
  assert.deepEqual(await spool.drain(), { ...NONE, succeeded: 1 });
});

test('it drains also where the timers and the date of the process are the test’s', async (t) => {
  const fail = task('fail', { retries: 1, backoff: '10m' }, () => {
    if (currentJob().attempt === 1) throw new Error('once');
  });
  t.after(() => registry().tasks.delete('fail'));
  const spool = await temporarySpool(t);
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });

  await fail.delay();
  const first = await spool.drain();
  t.mock.timers.tick(600_000);
  const second = await spool.drain();

  assert.deepEqual(
    [first, second],
    [
      { ...NONE, delayed: 1 },
      { ...NONE, succeeded: 1 },
    ],
  );
});

test('nothing is left: the folder, the stage, the jobs at hand', async (t) => {
  const aborted = deferred<void>();
  const wait = define(t, 'wait', (): Promise<void> => {
    const { signal } = currentJob();
    signal.addEventListener('abort', () => aborted.resolve());
    return aborted.promise;
  });
  const spool = await temporarySpool();
  const result = await wait.delay();
  await until(async () => (await result.state()) === 'running', 'it runs');

  await Promise.all([spool.close(), spool.close()]);
  await aborted.promise;

  assert.equal(existsSync(dirname(spool.path)), false);
  assert.equal(currentStage(), null);
  await assert.rejects(spool.drain(), { code: 'FSQ_TESTING', message: /is closed/ });
  await assert.rejects(spool.jobs(), { code: 'FSQ_TESTING' });
});

test('what a test has left running sends nothing into the configured spool, before and after the next test', async (t) => {
  const late = define(t, 'late', () => undefined);
  const spool = await temporarySpool();
  await spool.close();

  const refused = { code: 'FSQ_TESTING', message: /temporary spool of this process is closed/ };
  await assert.rejects(late.delay(), refused);
  await (await temporarySpool()).close();
  await assert.rejects(late.delay(), refused);

  const named = createApp({ spool: join(tempDir(t), 'named') });
  const result = await named.task('late-named', () => undefined).delay();
  assert.equal(await result.state(), 'pending');
  await named.close();
});

test('a task that does not end holds up the end of its test for a moment only, and is named', async (t) => {
  const stop = deferred<void>();
  const stuck = define(t, 'stuck', () => stop.promise);
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const spool = await temporarySpool();
  const { id } = await stuck.delay();
  await until(async () => (await spool.jobs())[0]?.state === 'running', 'it runs');

  await spool.close();

  assert.match((await warned).message, new RegExp(`its tasks have not: stuck \\(job ${id}\\)`));
  assert.equal(existsSync(dirname(spool.path)), false);
  stop.resolve();
});

test('a second one at the same time is refused, and the first goes on', async (t) => {
  const spool = await temporarySpool(t);
  const add = define(t, 'add', (a: number) => a);

  await assert.rejects(temporarySpool(), { code: 'FSQ_TESTING', message: /one temporary spool at a time/ });
  await assert.rejects(Promise.any([temporarySpool(), temporarySpool()]));

  assert.equal(await (await add.delay(1)).get('5s'), 1);
  await spool.close();
  await (await temporarySpool()).close();
});

test('one that cannot start leaves nothing', async () => {
  const before = process.env['FSQ_TIME_LIMIT'];
  process.env['FSQ_TIME_LIMIT'] = 'soon';
  try {
    await assert.rejects(temporarySpool(), { code: 'FSQ_CONFIG' });
  } finally {
    if (before === undefined) delete process.env['FSQ_TIME_LIMIT'];
    else process.env['FSQ_TIME_LIMIT'] = before;
  }
  assert.equal(currentStage(), null);
});

test('the end of a test is heard of in the manner of node:test and of vitest, or by await using', async () => {
  const hooks: (() => Promise<void>)[] = [];
  const hook = (act: () => Promise<void>): unknown => hooks.push(act);

  const ofVitest = Object.assign(() => undefined, { onTestFinished: hook });
  for (const context of [{ after: hook }, { onTestFinished: hook }, ofVitest]) {
    const spool = await temporarySpool(context, { manual: true });
    await hooks.pop()?.();
    assert.equal(existsSync(spool.path), false);
  }
  const spool = await temporarySpool({ manual: true });
  await spool[Symbol.asyncDispose]();
  assert.equal(existsSync(spool.path), false);
  assert.deepEqual(hooks, []);
});

const FORKED = { fork: true, tasks: [new URL('./fixtures/forked.ts', import.meta.url)] } as const;

test('with fork, children run the jobs: one that dies takes no test with it', { timeout: 60_000 }, async (t) => {
  const spool = await temporarySpool(t, { ...FORKED, concurrency: 2 });
  const [pid, dies] = [define<[], number>(t, 'pid', () => 0), define<[], number>(t, 'dies', () => 0)];

  const [where, again] = [await pid.delay(), await dies.delay()];

  assert.deepEqual(await spool.drain({ timeout: '30s' }), { ...NONE, succeeded: 2 });
  assert.notEqual(await where.get(), process.pid);
  assert.equal(await again.get(), 2);
  await assert.rejects(spool.clock.advance('1h'), { code: 'FSQ_TESTING', message: /the clock of the machine/ });
  await assert.rejects(spool.drain({ delayed: true }), { code: 'FSQ_TESTING' });
  const child = await where.get();
  await spool.close();
  await until(() => !existsSync(`/proc/${child}`), 'the child is gone');
});

test('with fork, a module that cannot be loaded is told, and nothing is left', { timeout: 60_000 }, async (t) => {
  const module = new URL('./fixtures/broken.ts', import.meta.url);

  await assert.rejects(temporarySpool(t, { fork: true, tasks: [module], logLevel: 'silent' }), {
    code: 'FSQ_TESTING',
    message: /has ended: .*this module is broken/s,
  });
  await assert.rejects(temporarySpool(t, { fork: true, tasks: ['nowhere.ts'] }), { code: 'FSQ_NO_TASKS' });

  assert.equal(currentStage(), null);
});

for (const [what, options, message] of [
  ['an unknown option', { forks: true }, /"forks"; did you mean fork\?/],
  ['no object', 'fork', /to be an object/],
  ['a fork that is no boolean', { fork: 1 }, /`fork` to be true or false/],
  ['tasks without fork', { tasks: ['tasks.ts'] }, /with `fork: true`/],
  ['tasks that are no array', { fork: true, tasks: 'tasks.ts' }, /an array of paths/],
  ['manual with fork', { fork: true, manual: true }, /`manual` or `fork`/],
  ['a concurrency of 0', { concurrency: 0 }, /from 1 to 64/],
  ['an unknown level', { logLevel: 'loud' }, /debug, info/],
] as const) {
  test(`${what} is refused, and nothing is made`, async (t) => {
    await assert.rejects(
      temporarySpool(t, options as object),
      (error) => error instanceof UsageError && message.test(error.message),
    );
    assert.equal(currentStage(), null);
  });
}

test('the clock goes forwards only, and a drain takes what it knows', async (t) => {
  const spool = await temporarySpool(t, { manual: true });

  await assert.rejects(spool.clock.advance(-1), { code: 'FSQ_USAGE' });
  await assert.rejects(spool.clock.advance('-1h' as '1h'), { code: 'FSQ_USAGE' });
  await assert.rejects(spool.drain({ delays: true } as object), { code: 'FSQ_USAGE', message: /did you mean delayed/ });
  await assert.rejects(spool.drain({ timeout: 'soon' as '1s' }), { code: 'FSQ_USAGE' });
});

const NONE = { succeeded: 0, failed: 0, revoked: 0, expired: 0, delayed: 0, parked: 0, paused: 0 };

function define<A extends readonly unknown[], R>(
  t: TestContext,
  name: string,
  fn: (...args: A) => R,
): Task<A, Awaited<R>> {
  t.after(() => registry().tasks.delete(name));
  return task<A, R>(name, fn);
}
