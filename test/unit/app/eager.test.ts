/** What a test that sends a job and asks for it by its id, as a server's handlers do, finds with alwaysEager. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { EAGER_KEPT, registry } from '../../../src/app/registry.ts';
import { type App, createApp, currentJob, TaskError, UnknownJobError } from '../../../src/index.ts';
import { nextId } from '../../support/factory.ts';
import { tempDir } from '../../support/temp.ts';

test('the outcome of a job is found by its id, by any app of the process', async (t) => {
  const [app, other] = [tempApp(t), tempApp(t)];
  const add = app.task('add', (a: number, b: number) => a + b);
  const fail = app.task('fail', () => {
    throw new RangeError('no');
  });

  const { id } = await add.delay(1, 2);
  const failed = await fail.delay();

  for (const found of [app.result(id), add.result(id), other.result(id)]) {
    assert.deepEqual([await found.state(), await found.ready(), await found.get()], ['succeeded', true, 3]);
    assert.deepEqual((await found.info())?.record?.job.args, [1, 2]);
  }
  assert.equal(await app.result(failed.id).state(), 'failed');
  await assert.rejects(app.result(failed.id).get(), TaskError);
  assert.equal(await app.result(id).revoke(), 'ended');
  await app.result(id).forget();
  assert.equal(await other.result(id).state(), 'unknown');
  await assert.rejects(app.result(id).forget(), UnknownJobError);
});

test('a forgotten job is unknown to every handle, also to that of its call', async (t) => {
  const app = tempApp(t);
  const add = app.task('add', (a: number, b: number) => a + b);
  const sent = await add.delay(1, 2);
  assert.equal(await sent.get(), 3);

  await app.result(sent.id).forget();

  assert.deepEqual([await sent.state(), await sent.ready(), await sent.info()], ['succeeded', true, null]);
  const late = await add.delay(1, 2);
  await late.forget();
  assert.deepEqual([await late.state(), await late.ready(), await late.info()], ['unknown', false, null]);
  const calls = [() => late.get(), () => late.revoke(), () => late.retry(), () => late.forget()];
  for (const call of [...calls, () => all(late.events()), () => all(late.logs())])
    await assert.rejects(call, UnknownJobError);
});

test('events() tells the whole life, and of a group those of all', async (t) => {
  const app = tempApp(t);
  const shaky = app.task('shaky', { retries: 1 }, () => {
    currentJob().progress(currentJob().attempt / 2);
    if (currentJob().attempt === 1) throw new Error('not yet');
    return 7;
  });

  const events = await all((await shaky.delay()).events());
  const ofGroup = await all((await shaky.delayMany([[], []])).events());

  const kinds = ['accepted', 'started', 'retried', 'started', 'progress', 'succeeded'];
  const kindsOf = (found: typeof events): readonly string[] => found.map(({ kind }) => kind).toSorted();
  assert.deepEqual(kindsOf(events), kinds.toSorted());
  assert.deepEqual(kindsOf(ofGroup), [...kinds, ...kinds].toSorted());
  assert.deepEqual([events.at(-1)?.kind, ofGroup.at(-1)?.kind], ['succeeded', 'succeeded']);
});

test('logs() says that nothing is kept here, and retry() that there is nothing to be sent back', async (t) => {
  const app = tempApp(t);
  const good = await app.task('good', () => 1).delayMany([[], []]);
  const bad = await app.task('bad', () => { throw new Error('no'); }).delayMany([[]]); // prettier-ignore
  const [first = assert.fail()] = good.results;
  const [failed = assert.fail()] = bad.results;

  await assert.rejects(all(first.logs()), { code: 'FSQ_USAGE', message: /output of this process \(alwaysEager\)/ });
  await assert.rejects(first.retry(), { code: 'FSQ_SUCCEEDED', name: 'NotRetriedError' });
  await assert.rejects(failed.retry(), { code: 'FSQ_USAGE', message: /\(alwaysEager\): call the task again/ });
  assert.equal(await good.retry(), 0);
  await assert.rejects(bad.retry(), /call the task again/);
});

test('a job after one that ran here runs at once; after one that is forgotten it is refused', async (t) => {
  const app = tempApp(t);
  const add = app.task('add', (a: number, b: number) => a + b);
  const first = await add.delay(1, 2);

  assert.equal(await (await add.applyAsync([3, 4], { after: first })).get(), 7);
  await first.forget();

  await assert.rejects(add.applyAsync([5, 6], { after: first }), UnknownJobError);
});

test('an ignored result is ignored here too', async (t) => {
  const app = tempApp(t);
  const add = app.task('ignored-here', { ignoreResult: true }, (a: number, b: number) => a + b);

  const [ignored, kept] = [await add.delay(1, 2), await add.applyAsync([1, 2], { ignoreResult: false })];

  assert.deepEqual([await ignored.state(), await ignored.get()], ['succeeded', undefined]);
  assert.equal(await kept.get(), 3);
});

test('an id of no job is unknown, and no spool is made to find that out', async (t) => {
  const spool = join(tempDir(t), 'spool');
  const app = createApp({ spool, alwaysEager: true });
  const nowhere = app.result(nextId());

  assert.deepEqual([await nowhere.state(), await nowhere.info(), await nowhere.ready()], ['unknown', null, false]);
  await assert.rejects(nowhere.get(5), UnknownJobError);
  await assert.rejects(nowhere.revoke(), UnknownJobError);
  assert.equal(existsSync(spool), false);
});

test('progress is seen in info(), and a checkpoint by the next attempt', async (t) => {
  const app = tempApp(t);
  const found: unknown[] = [];
  const count = app.task('count', { retries: 1 }, async () => {
    const job = currentJob<{ row: number }>();
    found.push(job.checkpointed);
    job.progress({ done: job.attempt, total: 2 }, { file: 'a' });
    await job.checkpoint({ row: 7 });
    if (job.attempt === 1) throw new Error('not yet');
  });

  const sent = await count.delay();

  assert.deepEqual(found, [undefined, { row: 7 }]);
  const { atMs, ...progress } = (await app.result(sent.id).info())?.progress ?? assert.fail('no progress');
  assert.deepEqual(progress, { value: 1, done: 2, total: 2, detail: { file: 'a' }, attempt: 2 });
  assert.ok(atMs <= Date.now());
});

test('bad progress fails the run with its code', async (t) => {
  const app = tempApp(t);
  const bad = app.task('bad', (value: number) => currentJob().progress(value));

  const { id } = await bad.delay(2);

  assert.equal((await app.result(id).info())?.record?.attempts[0]?.error?.code, 'FSQ_USAGE');
  assert.throws(() => currentJob().progress(0.5), { code: 'FSQ_USAGE', message: /outside of a task/ });
});

test('run() takes progress and checkpoints, and shows them to nobody but the run', async (t) => {
  const app = tempApp(t);
  const keep = app.task('keep', async () => {
    currentJob().progress(0.5);
    await currentJob().checkpoint([1]);
    return currentJob().checkpointed ?? null;
  });

  assert.deepEqual(await keep.run(), [1]);
});

test('the oldest are forgotten, and their handles still know', async (t) => {
  const app = tempApp(t);
  const give = app.task('give', (n: number) => n);
  const first = await give.delay(0);

  await give.delayMany(Array.from({ length: EAGER_KEPT }, (_, i) => [i] as const));

  assert.equal(registry().eager.size, EAGER_KEPT);
  assert.deepEqual([await app.result(first.id).state(), await first.get()], ['unknown', 0]);
});

async function all<T>(each: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of each) found.push(one);
  return found;
}

function tempApp(t: TestContext): App {
  t.after(() => {
    registry().tasks.clear();
    registry().eager.clear();
  });
  return createApp({ spool: join(tempDir(t), 'spool'), alwaysEager: true });
}
