/** The limit of a task for each key: what a job's file keeps of it, in calls and compositions, and what is refused. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../src/app/registry.ts';
import { chain, createApp, group } from '../../../src/index.ts';
import { tempSpool } from '../../support/temp.ts';

function tempApp(t: TestContext, alwaysEager = false): ReturnType<typeof createApp> {
  const app = createApp({ spool: tempSpool(t).path, fsync: false, alwaysEager });
  t.after(() => app.close());
  return app;
}

/** The limit keys of what waits or is delayed, by the arguments. */
async function keysIn(app: ReturnType<typeof createApp>): Promise<Readonly<Record<string, unknown>>> {
  const found = await (await app.broker()).list(['pending', 'delayed'], 100);
  const jobs = found.flatMap(({ record }) => record?.job ?? []);
  return Object.fromEntries(jobs.map(({ args, options }) => [args.join(), options.limitKey]));
}

test('it is made of the arguments of each call, and kept in its file', async (t) => {
  const app = tempApp(t);
  const sync = app.task(
    'sync',
    { concurrency: { per: (account) => account.toUpperCase(), at: 2, total: 9 }, rateLimit: '5/s' },
    async (account: string, _page: number) => account,
  );

  await sync.delayMany([
    ['ann', 1],
    ['bob', 1],
  ]);
  await sync.applyAsync(['ann', 2], { limitKey: 'other', retries: 1 });

  assert.deepEqual(await keysIn(app), { 'ann,1': 'ANN', 'bob,1': 'BOB', 'ann,2': 'other' });
  const rate = { count: 5, periodMs: 1_000 };
  assert.deepEqual(registry().tasks.get('sync')?.queueLimits, { concurrency: 9, rate, perKey: 2 });
});

test('a function that changes what it is given changes no job', async (t) => {
  const app = tempApp(t);
  const sync = app.task(
    'copied',
    { concurrency: { per: (one) => one.pop() ?? '', at: 1 } },
    async (one: string[]) => one,
  );

  await sync.delay(['a', 'b']);

  assert.deepEqual(await keysIn(app), { 'a,b': 'b' });
});

test('a step of a composition has that of its arguments; one that gets some later says its own', async (t) => {
  const app = tempApp(t);
  const step = app.task('step', { concurrency: { per: (tenant) => tenant, at: 1 } }, async (tenant: string) => tenant);

  await group([step.s('ann'), step.s('bob').set({ limitKey: 'x' })]).delay();
  await chain(step.s('eve'), step.s().set({ limitKey: 'later' })).delay();

  assert.deepEqual(await keysIn(app), { ann: 'ann', bob: 'x', eve: 'eve', '': 'later' });
  await assert.rejects(async () => chain(step.s('eve'), step.s()).delay(), {
    code: 'FSQ_COMPOSITION',
    message: /step to say its limit key with set\(\{ limitKey: … \}\)/,
  });
});

test('with alwaysEager nothing is limited', async (t) => {
  const app = tempApp(t, true);
  const run = app.task('eager', { concurrency: { per: () => 'k', at: 1 } }, async (n: number) => n);

  assert.equal(await (await run.delay(1)).get(), 1);
});

test('what makes no sense is refused where the task is defined', async (t) => {
  const app = tempApp(t);
  const per = (): string => 'x';
  const refused: readonly [concurrency: unknown, message: RegExp][] = [
    [{ per, at: 0 }, /`concurrency\.at` to be a whole number from 1 to 100000, got 0; `fsq pause`/],
    [{ per }, /`concurrency\.at` to be a whole number/],
    [{ per, at: 1.5 }, /`concurrency\.at`/],
    [{ per, at: 1, total: 0 }, /`concurrency\.total`/],
    [{ at: 2 }, /`concurrency\.per` to be a function/],
    [{ per: 'account', at: 2 }, /`concurrency\.per` to be a function.*got "account"/],
    [{ per, at: 2, of: 3 }, /Unknown part "of" of `concurrency`/],
    [{}, /`concurrency\.per`/],
    ['2', /`concurrency` to be a whole number/],
  ];
  for (const [concurrency, message] of refused) {
    const define = (): unknown => app.task('bad', { concurrency } as never, async () => 1);
    assert.throws(define, { code: 'FSQ_USAGE', message }, String(message));
  }
});

test('a key that is none is refused at the call, and nothing is sent', async (t) => {
  const app = tempApp(t);
  for (const [bad, message] of [
    [7, /what `concurrency\.per` of gives returns to be a text of 1 to 1024 bytes of UTF-8, got 7/],
    ['', /got an empty one/],
    [undefined, /got undefined/],
    ['x'.repeat(2_000), /got 2000 bytes/],
  ] as const) {
    const gives = app.task('gives', { concurrency: { per: () => bad as string, at: 1 } }, async () => 1);
    await assert.rejects(async () => gives.delay(), { code: 'FSQ_USAGE', message });
  }
  const fails = app.task('fails', { concurrency: { per: () => assert.fail('no account'), at: 1 } }, async () => 1);
  await assert.rejects(async () => fails.delay(), /no account/);
  const plain = app.task('plain', async () => 1);
  await assert.rejects(async () => plain.applyAsync([], { limitKey: '' }), /`limitKey` to be a text/);
  await assert.rejects(async () => plain.applyAsync([], { concurrency: 2 } as never), /in the options of task/);
  assert.deepEqual(await keysIn(app), {});
});
