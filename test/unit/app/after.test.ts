/** What `after` takes, and what a call with it gives: also eagerly. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp, TaskError, UnknownJobError } from '../../../src/index.ts';
import { nextId } from '../../support/factory.ts';
import { tempSpool } from '../../support/temp.ts';

for (const alwaysEager of [true, false]) {
  const how = alwaysEager ? 'eagerly' : 'in a spool';

  test(`the handle of a job and its id mean the same, and an unknown one is refused: ${how}`, async (t) => {
    const app = createApp({ spool: tempSpool(t).path, alwaysEager });
    t.after(() => app.close());
    const echo = app.task(`after-echo-${alwaysEager}`, (value: number) => value);
    const first = await echo.delay(1);

    for (const after of [first, first.id]) {
      const second = await echo.applyAsync([2], { after });
      assert.equal((await second.info())?.record?.job.options.after, first.id);
    }
    await assert.rejects(echo.applyAsync([2], { after: nextId() }), UnknownJobError);
    await assert.rejects(app.result(nextId()).retry(), UnknownJobError);
  });
}

test('several jobs are looked for at once, and an unknown one among them is refused', async (t) => {
  const app = createApp({ spool: tempSpool(t).path });
  t.after(() => app.close());
  const echo = app.task('after-several', (value: number) => value);
  const group = await echo.delayMany(Array.from({ length: 50 }, (_, i): [number] => [i]));
  const broker = await app.broker();
  const find = t.mock.method(broker, 'find');

  const last = await echo.applyAsync([2], { after: group.results });

  assert.equal(find.mock.callCount(), 0);
  assert.deepEqual(
    (await last.info())?.record?.job.options.after,
    group.results.map(({ id }) => id),
  );
  assert.deepEqual((await last.info())?.waitsFor, undefined, 'it was sent later, and nobody has looked at it');
  const unknown = nextId();
  await assert.rejects(echo.applyAsync([2], { after: [...group.results, unknown] }), (error: unknown) => {
    return error instanceof UnknownJobError && error.id === unknown;
  });
  const tooMany = Array.from({ length: 100_001 }, () => unknown);
  await assert.rejects(echo.applyAsync([2], { after: tooMany }), { code: 'FSQ_USAGE', message: /at most 100000 jobs/ });
});

test('what is neither is refused', async (t) => {
  const app = createApp({ spool: tempSpool(t).path });
  t.after(() => app.close());
  const echo = app.task('after-refused', (value: number) => value);

  for (const after of ['nobody', 7, {}, { id: 7 }, null])
    await assert.rejects(echo.applyAsync([1], { after: after as string }), { code: 'FSQ_USAGE', message: /`after`/ });
  assert.throws(() => app.task('after-of-task', { after: nextId() } as object, () => 1), { code: 'FSQ_USAGE' });
});

test('eagerly, a job after one that failed does not run, and has its error as the cause', async (t) => {
  const app = createApp({ spool: tempSpool(t).path, alwaysEager: true });
  t.after(() => app.close());
  let runs = 0;
  const fail = app.task('after-fail', () => {
    throw new RangeError('no');
  });
  const count = app.task('after-count', () => ++runs);
  const first = await fail.delay();

  const second = await count.applyAsync([], { after: first });
  const third = await count.applyAsync([], { after: second });

  for (const handle of [second, third]) {
    const error = await handle.get().catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TaskError);
    assert.deepEqual([error.remoteCode, (error.cause as Error).message], ['FSQ_PREDECESSOR', 'no']);
  }
  assert.equal(runs, 0);
  await assert.rejects(first.retry(), { code: 'FSQ_USAGE', message: /alwaysEager/ });
});
