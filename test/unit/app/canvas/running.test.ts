/** Compositions that run: in a spool with a worker, and eagerly, with the same results. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../../src/app/registry.ts';
import {
  type App,
  chain,
  chord,
  createApp,
  type FailedJob,
  FsqError,
  group,
  TaskError,
  type Task,
} from '../../../../src/index.ts';
import { temporarySpool } from '../../../../src/testing/testing.ts';
import { tempDir } from '../../../support/temp.ts';

/** The tasks of these tests, in an app of their own. */
function tasksOf({ task }: App) {
  const seen: unknown[] = [];
  return {
    seen,
    add: task('add', (a: number, b: number) => a + b),
    double: task('double', async (n: number) => 2 * n),
    text: task('text', (value: unknown, ...more: unknown[]) => JSON.stringify([value, ...more])),
    total: task('total', (numbers: readonly (number | null)[]) =>
      numbers.reduce<number>((sum, n) => sum + (n ?? 100), 0),
    ),
    fail: task('fail', (message: unknown): number => {
      throw new RangeError(String(message));
    }),
    silent: task('silent', (_value: unknown): void => undefined),
    note: task('note', (failed: FailedJob, ...more: string[]) => {
      seen.push([failed.task, failed.state, failed.name, failed.message, ...more]);
    }),
    flaky: task('flaky', { retries: 2, backoff: 0 }, (n: number) => {
      seen.push(n);
      if (seen.length < 3) throw new Error('not yet');
      return n;
    }),
  };
}

for (const alwaysEager of [false, true]) {
  const how = alwaysEager ? 'eagerly' : 'in a spool';
  const begin = async (t: TestContext): Promise<ReturnType<typeof tasksOf> & { settle(): Promise<unknown> }> => {
    const app = createApp({ spool: tempDir(t), alwaysEager });
    t.after(() => registry().tasks.clear());
    const tasks = tasksOf(app);
    const spool = alwaysEager ? null : await temporarySpool(t, { concurrency: 3 });
    return { ...tasks, settle: async () => spool?.drain() };
  };

  test(`each step gets the value of the one before it, before its own arguments: ${how}`, async (t) => {
    const { add, double, text, silent } = await begin(t);

    const handle = await chain(add.s(1, 2), add.s(10), double.s(), text.s('x', { y: [1] })).delay();
    const complete = await chain(add.s(1, 2), text.si('alone'), text.s()).delay();
    const nothing = await chain(silent.s(1), text.s(2)).delay();

    assert.equal(await handle.get('20s'), '[26,"x",{"y":[1]}]');
    assert.deepEqual(await Promise.all(handle.steps.map((step) => step.get('20s'))), [3, 13, 26]);
    assert.equal(await complete.get('20s'), '["[\\"alone\\"]"]');
    assert.equal(await nothing.get('20s'), '[null,2]');
  });

  test(`groups, chords and chains in one another give arrays in one another: ${how}`, async (t) => {
    const { add, double, text, total } = await begin(t);
    const inner = chain(double.s(), group([double.s(), add.s(1)]));

    const handle = await chain(
      add.s(1, 2),
      group([double.s(), inner, chord([add.s(1), add.s(2)], total.s())]),
      text.s('!'),
    ).delay();
    const wide = await chain(add.s(1, 2), group([inner, double.s()])).delay();
    const deep = await chord(double.map([1, 2, 3]), chain(total.s(), double.s())).delay();

    assert.equal(await handle.get('20s'), '[[6,[12,7],9],"!"]');
    assert.deepEqual(await wide.get('20s'), [[12, 7], 6]);
    assert.deepEqual([await deep.get('20s'), await deep.members.get('20s')], [24, [2, 4, 6]]);
    assert.deepEqual(await Promise.all(deep.steps.map((step) => step.get('20s'))), [12]);
  });

  test(`groups of nothing and chains of one: ${how}`, async (t) => {
    const { add, total, text, note, seen, settle } = await begin(t);
    const numbers: ReturnType<typeof add.s<[number, number]>>[] = [];

    const none = await group([]).delay();
    const chordOfNone = await chord(numbers, total.s()).delay();
    const passedOn = await chain(add.s(1, 2), group([]), text.s()).delay();
    const one = await chain(add.s(1, 2)).delay();

    assert.deepEqual([none.length, await none.get(), await none.settled(), await none.ready()], [0, [], [], true]);
    assert.deepEqual(await none.progress(), { total: 0, done: 0, succeeded: 0, failed: 0 });
    assert.equal((await group([group([])]).delay({ onError: note.s() })).length, 1);
    await settle();
    assert.deepEqual(seen, []);
    for await (const result of none) assert.fail(`${String(result)} of nothing`);
    assert.deepEqual(await none.revoke(), []);
    assert.deepEqual([await chordOfNone.get('20s'), chordOfNone.members.length], [0, 0]);
    assert.deepEqual([await passedOn.get('20s'), await passedOn.steps[0].get('20s')], ['[[]]', 3]);
    assert.deepEqual([await one.get('20s'), one.steps], [3, []]);
  });

  test(`a step that fails fails all that follows, with the first error as the cause of each: ${how}`, async (t) => {
    const { add, double, fail, text } = await begin(t);

    const handle = await chain(add.s(1, 2), fail.s(), double.s(), group([double.s(), text.s()]), text.s()).delay();

    const error: unknown = await handle.get('20s').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TaskError);
    assert.deepEqual(
      [error.remoteCode, Object(error.cause).name, Object(error.cause).message],
      ['FSQ_PREDECESSOR', 'RangeError', '3'],
    );
    assert.equal(await handle.steps[0].get('20s'), 3);
    await assert.rejects(handle.steps[1].get('20s'), {
      code: 'FSQ_TASK_FAILED',
      message: '3',
      remoteName: 'RangeError',
    });
    const group2 = await handle.steps[3].settled('20s');
    assert.deepEqual(
      group2.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
  });

  test(`a member that fails fails the callback once all have ended; the others have their values: ${how}`, async (t) => {
    const { add, fail, total } = await begin(t);

    const handle = await chord([add.s(1, 2), fail.s('first'), fail.s('second'), add.s(3, 4)], total.s()).delay();

    const error: unknown = await handle.get('20s').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TaskError && Object(error.cause).message === 'first');
    const settled = await handle.members.settled('20s');
    assert.deepEqual(
      settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message)),
      [3, 'first', 'second', 7],
    );
    assert.deepEqual(await handle.members.progress(), { total: 4, done: 4, succeeded: 2, failed: 2 });
    await assert.rejects(handle.members.get('20s'), { message: 'first' });
  });

  test(`onError gets the first failure as data, once, and nothing when all goes well: ${how}`, async (t) => {
    const { add, double, fail, note, seen, settle } = await begin(t);
    const onError = note.s('to', 'ops');

    const bad = await chain(add.s(1, 2), group([double.s(), fail.s(), fail.s()]), double.si(1)).delay({ onError });
    const good = await chain(add.s(1, 2), double.s()).delay({ onError });
    const alone = await fail.s('alone').delay({ onError: note.s() });
    await assert.rejects(bad.get('20s'), { remoteCode: 'FSQ_PREDECESSOR' });
    await assert.rejects(alone.get('20s'), { message: 'alone' });

    assert.equal(await good.get('20s'), 6);
    await settle();
    assert.deepEqual(seen.toSorted(), [
      ['fail', 'failed', 'RangeError', '3', 'to', 'ops'],
      ['fail', 'failed', 'RangeError', 'alone'],
    ]);
  });

  test(`a retried step gets its value again, and what follows waits for that: ${how}`, async (t) => {
    const { add, flaky, double, seen } = await begin(t);

    const handle = await chain(add.s(1, 2), flaky.s(), double.s()).delay();

    assert.equal(await handle.get('20s'), 6);
    assert.deepEqual(seen, [3, 3, 3]);
  });

  test(`done() of a group gets its values as a callback does, also those of groups in it: ${how}`, async (t) => {
    const { add, double, text, total, fail, note, seen, settle } = await begin(t);
    const many = await double.delayMany([[1], [2], [3]]);
    const nested = await group([add.s(1, 2), group([double.s(1), chain(double.s(2), double.s())])]).delay();
    const bad = await group([add.s(1, 2), fail.s('bad')]).delay();

    const [sum, shown] = [await many.done(total.s()), await nested.done(chain(text.s('!'), text.s()))];
    const missed = await bad.done(total.s(), { onError: note.s() });

    assert.equal(await sum.get('20s'), 12);
    assert.equal(await shown.get('20s'), '["[[3,[2,8]],\\"!\\"]"]');
    await assert.rejects(missed.get('20s'), { remoteCode: 'FSQ_PREDECESSOR' });
    await settle();
    assert.deepEqual(seen, [['fail', 'failed', 'RangeError', 'bad']]);
  });

  test(`the results of a group come as their jobs end, each ended, also those that failed: ${how}`, async (t) => {
    const { add, fail, double } = await begin(t);
    const handle = await group([add.s(1, 2), fail.s('no'), chain(add.s(1, 1), double.s()), double.map([1, 2])]).delay();

    const found: unknown[] = [];
    for await (const result of handle) {
      assert.equal(await result.ready(), true);
      found.push(await (result as { get(): Promise<unknown> }).get().catch((error: unknown) => Object(error).message));
    }

    assert.deepEqual(found.length, 4);
    for (const value of [3, 'no', 4]) assert.ok(found.includes(value), String(value));
    assert.ok(found.some((value) => Array.isArray(value) && value.join() === '2,4'));
  });

  test(`1,200 members and their callback: ${how}`, async (t) => {
    const { double, total } = await begin(t);

    const handle = await chord(double.map(Array.from({ length: 1_200 }, (_, i) => i)), total.s()).delay();

    assert.equal(await handle.get('60s'), 1_199 * 1_200);
    let ended = 0;
    for await (const result of handle.members) if (await result.successful()) ended++;
    assert.equal(ended, 1_200);
  });
}

test('a value is kept as long as it is needed, however old, and a handler that was not needed for a minute', async (t) => {
  const spool = await temporarySpool(t);
  const { add, double, total, note } = tasksOf(createApp());
  t.after(() => registry().tasks.clear());
  const late = double.s().set({ countdown: '3d' });

  const row = await chain(add.s(1, 2), late).delay();
  const wide = await chord([add.s(1, 2), add.s(3, 4)], total.s().set({ countdown: '3d' })).delay();
  const good = await add.s(1, 2).delay({ onError: note.s() });
  const alone = await add.delay(1, 2);
  await spool.drain();
  await spool.clock.advance('2m');
  assert.deepEqual(
    (await spool.jobs()).map(({ record }) => record?.job.task).filter((task) => task === 'note'),
    [],
  );
  await spool.clock.advance('2d');
  assert.deepEqual(
    [await alone.state(), await good.state(), await row.steps[0].state()],
    ['unknown', 'unknown', 'succeeded'],
  );
  await spool.clock.advance('1d');
  await spool.drain();

  assert.deepEqual([await row.get(), await wide.get()], [6, 10]);
});

test('any task may be a step, however its function is typed', async (t) => {
  const app = createApp({ spool: tempDir(t), alwaysEager: true });
  t.after(() => registry().tasks.clear());
  const twice = async <R>(one: Task<[n: number], R>): Promise<R> => (await one.s(2).delay()).get();

  assert.equal(await twice(app.task('half', (n: number) => n / 2)), 1);
  assert.ok(FsqError);
});
