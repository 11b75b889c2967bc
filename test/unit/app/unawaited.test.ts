/** A promise where a value belongs, as JavaScript lets it pass when an `await` was forgotten: refused, with the words that mend it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../src/app/registry.ts';
import { type App, createApp, currentJob, type Task } from '../../../src/index.ts';
import { tempDir } from '../../support/temp.ts';

type AnyTask = Task<readonly unknown[], unknown, readonly unknown[]>;

const promise = Promise.resolve('1s') as never;
const AWAIT_IT = /await it first/i;

test('each option of a call, and of a task, that is a promise is refused, and nothing is sent', async (t) => {
  const app = tempApp(t);
  const give = app.task('give', (...all: readonly unknown[]) => all.length) as AnyTask;
  const names = 'queue priority retries backoff expires onCrash timeLimit softTimeLimit resultTtl ignoreResult key';
  const ofTask = [...names.split(' '), 'concurrency', 'rateLimit'];
  const ofCall = [...names.split(' '), 'countdown', 'eta', 'after', 'headers'];

  for (const name of ofCall)
    await assert.rejects(give.applyAsync([1], { [name]: promise }), { code: 'FSQ_USAGE', message: AWAIT_IT }, name);
  for (const name of ofTask)
    assert.throws(() => app.task(`of ${name}`.replace(' ', '-'), { [name]: promise }, () => 1), AWAIT_IT, name);
  for (const options of [{ key: 'k', unique: promise }, { headers: { tenant: promise } }, promise])
    await assert.rejects(give.applyAsync([1], options), { code: 'FSQ_USAGE', message: AWAIT_IT });
  assert.throws(() => app.task('of-all', promise, () => 1), AWAIT_IT);
  const keyed = app.task('keyed', { key: async () => 'k' } as never, () => 1);
  await assert.rejects(keyed.delay(), AWAIT_IT);

  assert.deepEqual((await (await app.broker()).counts()).pending, 0);
});

test('arguments that are a promise, hold one, or a handle, are refused with the way out', async (t) => {
  const app = tempApp(t);
  const give = app.task('give', (...all: readonly unknown[]) => all.length) as AnyTask;
  const handle = await give.delay(1);
  const group = await give.delayMany([[1]]);

  for (const args of [[promise], [{ a: [promise] }], [give.delay(2)]])
    await assert.rejects(give.delay(...args), { code: 'FSQ_NOT_SERIALISABLE', message: AWAIT_IT });
  for (const call of [give.applyAsync(promise), give.delayMany(promise), give.delayMany([promise])])
    await assert.rejects(call, { code: 'FSQ_USAGE', message: AWAIT_IT });
  await assert.rejects(
    give.delay(handle),
    /args\[0\] is an AsyncResult.* Pass its id, or await what its get\(\) gives\./,
  );
  await assert.rejects(give.delay({ all: group }), /args\[0\]\.all is a GroupResult.* what its get\(\) gives\./);
});

test('the options of a handle that are a promise are refused, and get() does not wait for ever', async (t) => {
  const app = tempApp(t);
  const handle = await app.task('give', () => 1).delay();
  const drop = async (events: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of events);
  };

  for (const wrong of [
    () => handle.get(promise),
    () => handle.get({ timeout: promise }),
    () => handle.get({ signal: promise }),
    () => handle.revoke(promise),
    async () => drop(handle.logs(promise)),
    async () => drop(handle.logs({ follow: promise })),
    async () => drop(handle.events(promise)),
    async () => drop(handle.events({ signal: promise })),
    async () => app.result(promise),
    async () => app.pause(promise),
    async () => createApp(promise).settings(),
  ])
    await assert.rejects(wrong, AWAIT_IT);
  await assert.rejects(
    handle.get(new AbortController().signal as never),
    /Expected a duration, or \{ timeout, signal \}.*, got a signal/,
  );
  await assert.rejects(handle.get({ timout: 1 } as never), /to wait with, got "timout"/);
});

test('what a run tells, keeps and gives that is a promise fails it', async (t) => {
  const app = createApp({ spool: join(tempDir(t), 'spool'), alwaysEager: true });
  t.after(() => registry().tasks.clear());
  const runs: Readonly<Record<string, () => unknown>> = {
    progress: () => currentJob().progress(promise),
    detail: () => currentJob().progress(0.5, { at: promise }),
    checkpoint: () => currentJob<unknown>().checkpoint({ row: promise }),
    retry: () => currentJob().retry(promise),
    countdown: () => currentJob().retry({ countdown: promise }),
    value: () => ({ sum: promise }),
  };

  for (const [name, run] of Object.entries(runs)) {
    const task = app.task(`run-${name}`, run as () => void);
    await assert.rejects((await task.delay()).get(), { message: AWAIT_IT }, name);
  }
});

function tempApp(t: TestContext): App {
  const app = createApp({ spool: join(tempDir(t), 'spool') });
  t.after(async () => {
    registry().tasks.clear();
    await app.close();
  });
  return app;
}
