import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import vm from 'node:vm';
import { AsyncResult } from '../../../src/app/async-result.ts';
import type { OutcomeSource } from '../../../src/app/registry.ts';
import { GroupResult } from '../../../src/app/group-result.ts';
import type { Broker, OwnerInfo } from '../../../src/broker/broker.ts';
import type { Claim } from '../../../src/broker/worker-side.ts';
import {
  ExpiredError,
  RevokedError,
  TaskError,
  TimeoutError,
  UnknownJobError,
  UsageError,
} from '../../../src/job/errors.ts';
import type { Settlement } from '../../../src/job/lifecycle.ts';
import { within } from '../../support/conditions.ts';
import { job, nextId, returned, RUN, threw } from '../../support/factory.ts';
import { tempSpool } from '../../support/temp.ts';
import { createApp } from '../../../src/index.ts';

test('a handle is no promise: awaiting it gives the handle', async (t) => {
  const { result } = await sentJob(t);

  assert.equal('then' in result, false);
  assert.equal(await result, result);
});

test('get takes a signal of any make: without a reason, the error is an AbortError', async (t) => {
  const { result } = await sentJob(t);
  const aborted = Object.assign(new EventTarget(), { aborted: true }) as unknown as AbortSignal;
  const reasoned = vm.runInNewContext(`({ aborted: true, reason: 'enough', addEventListener() {} })`) as AbortSignal;

  await assert.rejects(result.get({ signal: aborted }), { name: 'AbortError' });
  await assert.rejects(result.get({ signal: reasoned }), (reason) => reason === 'enough');
});

test('the life of a handle: pending, running, succeeded; ready and successful at the end only', async (t) => {
  const { result, claim } = await sentJob(t);
  const before = [await result.state(), await result.ready(), await result.successful(), await result.failed()];

  const claimed = await claim();
  const during = await result.state();
  await claimed.settle(returned(3), RUN);

  assert.deepEqual(before, ['pending', false, false, false]);
  assert.equal(during, 'running');
  assert.deepEqual(
    [await result.state(), await result.ready(), await result.successful(), await result.failed()],
    ['succeeded', true, true, false],
  );
  assert.equal(await result.get(), 3);
  assert.equal((await result.info())?.record?.attempts.length, 1);
});

test('get() times out, the job goes on, and get() may be called again', async (t) => {
  const { result, claim } = await sentJob(t);

  await assert.rejects(result.get(5), (error) => {
    assert.ok(error instanceof TimeoutError);
    assert.equal(error.id, result.id);
    assert.match(error.message, /had no outcome after 5 ms/);
    return true;
  });
  await assert.rejects(result.get('10ms'), TimeoutError);
  await assert.rejects(result.get({ timeout: 0 }), TimeoutError);
  const waiting = result.get('1m');
  await (await claim()).settle(returned('late'), RUN);

  assert.equal(await waiting, 'late');
  assert.equal(await result.get(0), 'late', 'with an outcome there is nothing to wait for');
});

test('get() ends with the reason of its signal, and the job goes on', async (t) => {
  const { result, claim } = await sentJob(t);
  const stop = new AbortController();
  const reason = new Error('enough');
  const waiting = result.get({ signal: stop.signal, timeout: '1h' });

  stop.abort(reason);

  await assert.rejects(waiting, reason);
  await assert.rejects(result.get({ signal: stop.signal }), reason);
  await (await claim()).settle(returned(1), RUN);
  assert.equal(await result.get(), 1);
});

test('a failed job throws what the task threw, as data', async (t) => {
  const { result, claim } = await sentJob(t);

  await (await claim()).settle(threw('no'), RUN);

  await assert.rejects(
    result.get(),
    (error) => error instanceof TaskError && error.message === 'no' && error.attempts === 1,
  );
  assert.deepEqual([await result.failed(), await result.successful(), await result.state()], [true, false, 'failed']);
});

test('revoked and expired jobs throw errors of their own', async (t) => {
  for (const [state, type] of [
    ['revoked', RevokedError],
    ['expired', ExpiredError],
  ] as const) {
    const { result, claim } = await sentJob(t);

    await (await claim()).settle({ kind: 'publish', outcome: { state, error: { name: 'E', message: 'm' } } }, RUN);

    await assert.rejects(result.get(), type);
    assert.equal(await result.state(), state);
  }
});

test('an unknown job has a state of its own, and get() throws instead of waiting', async (t) => {
  const { broker } = tempSpool(t);
  const result = new AsyncResult(nextId(), async () => broker, false);

  assert.equal(await result.state(), 'unknown');
  assert.equal(await result.ready(), false);
  assert.equal(await result.info(), null);
  await assert.rejects(within(result.get(), 'the error'), UnknownJobError);
});

test('an outcome is read once, and outlives its file', async (t) => {
  const { result, claim, broker } = await sentJob(t);
  await (await claim()).settle(returned({ a: 1 }), RUN);
  await result.get();

  await broker.close();
  const { rmSync } = await import('node:fs');
  rmSync(broker.place, { recursive: true });

  assert.deepEqual(await result.get(), { a: 1 });
  assert.equal(await result.state(), 'succeeded');
});

test('a timeout or signal that is none is refused', async (t) => {
  const { result } = await sentJob(t);

  for (const wrong of [-1, 'soon', null, { timeout: 'x' }, { timeout: Number.NaN }]) {
    await assert.rejects(result.get(wrong as never), UsageError, JSON.stringify(wrong));
  }
  await assert.rejects(result.get({ signal: {} as never }), /Expected `signal` to be an AbortSignal, got an object/);
});

test('a wait of a month is no shorter than asked', async (t) => {
  const { result, claim } = await sentJob(t);
  const waiting = result.get('30d');
  await new Promise(setImmediate);

  await (await claim()).settle(returned(1), RUN);

  assert.equal(await waiting, 1);
});

test('a group gives its values in order, and its timeout is for the whole', async (t) => {
  const { broker } = tempSpool(t);
  const jobs = [job(), job(), job()];
  await broker.enqueue(jobs);
  const group = new GroupResult(jobs.map((sent) => new AsyncResult(sent.job.id, async () => broker, true)));
  assert.equal(group.length, 3);
  assert.equal(await group.ready(), false);
  await assert.rejects(group.get(5), TimeoutError);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const waiting = group.get('1m');
  for (let i = 0; i < 3; i++) await (await consumer.next(new AbortController().signal))?.settle(returned(i), RUN);

  assert.deepEqual(await waiting, [0, 1, 2]);
  assert.equal(await group.ready(), true);
  assert.deepEqual(
    [...group].map(({ id }) => id),
    jobs.map((sent) => sent.job.id),
  );
});

test('a group throws what its first job without a value throws', async (t) => {
  const { broker } = tempSpool(t);
  const jobs = [job(), job(), job()];
  await broker.enqueue(jobs);
  const settlements: Settlement[] = [returned(1), threw('second'), threw('third')];
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  for (const settlement of settlements)
    await (await consumer.next(new AbortController().signal))?.settle(settlement, RUN);

  const group = new GroupResult(jobs.map((sent) => new AsyncResult(sent.job.id, async () => broker, true)));

  await assert.rejects(group.get(), { message: 'second' });
});

async function sentJob(t: TestContext): Promise<{ result: AsyncResult; claim: () => Promise<Claim>; broker: Broker }> {
  const { broker } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  return {
    broker,
    result: new AsyncResult(sent.job.id, async () => broker, true),
    claim: async () => {
      const consumer = await broker.consumer({ queues: null, tasks: [] });
      t.after(() => consumer.close());
      const claimed = await consumer.next(new AbortController().signal);
      assert.ok(claimed);
      return claimed;
    },
  };
}

/** What who waits is told, and what many waits on one signal cost. */

test('get() that times out where no worker lives says so, and where one lives does not', async (t) => {
  const { broker, path } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  const result = new AsyncResult(sent.job.id, async () => broker, true);
  const message = async (): Promise<string> => {
    const error = await result.get(5).catch((reason: unknown) => reason);
    return error instanceof TimeoutError ? error.message : assert.fail(String(error));
  };

  const alone = await message();
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const accompanied = await message();
  await consumer.close();

  assert.ok(
    alone.includes(`No worker is running on ${path}: the job waits until \`fsq worker\` starts one; call get()`),
    alone,
  );
  assert.match(accompanied, /had no outcome after 5 ms. It goes on; call get\(\) again/);
});

test('a wait where no worker lives is told of once, after three seconds, and where none of its children is ready', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const warnings: string[] = [];
  let hearIt = (): void => undefined;
  const told = new Promise<void>((resolve) => (hearIt = resolve));
  const hear = (warning: Error): void => {
    if (!('code' in warning) || warning.code !== 'FSQ_NO_WORKER') return;
    warnings.push(warning.message);
    if (warnings.length === 2) hearIt();
  };
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const stop = new AbortController();
  const waits = [
    endless('/alone', 'dead'),
    endless('/alone', 'dead'),
    endless('/kept', 'alive'),
    endless('/unready', 'alive', 'supervisor'),
  ].map((source) => new AsyncResult(nextId(), async () => source, true).get({ signal: stop.signal }).catch(() => null));
  await new Promise((resolve) => setImmediate(resolve));

  t.mock.timers.tick(2_999);
  assert.deepEqual(warnings, []);
  t.mock.timers.tick(1);
  await told;
  stop.abort();
  await Promise.all(waits);

  assert.deepEqual(warnings, [
    'No worker is running on /alone: the job waits until `fsq worker` starts one.',
    'A worker (pid 1) runs but none of its children is ready: see its log.',
  ]);
});

test('many who wait ask together which workers live, when they time out and after three seconds', async (t) => {
  let asked = 0;
  const source: OutcomeSource = {
    ...endless('/together', 'alive'),
    owners: async () => {
      asked++;
      await new Promise((resolve) => setImmediate(resolve));
      return [];
    },
  };
  const handles = Array.from({ length: 50 }, () => new AsyncResult(nextId(), async () => source, true));

  const ends = await Promise.allSettled(handles.map((handle) => handle.get(5)));

  assert.ok(ends.every((end) => end.status === 'rejected' && /No worker is running/.test(String(end.reason))));
  assert.ok(asked < 10, `${asked} times`);

  t.mock.timers.enable({ apis: ['setTimeout'] });
  asked = 0;
  const stop = new AbortController();
  const waits = handles.map((handle) => handle.get({ signal: stop.signal }).catch(() => null));
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(3_000);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await Promise.all(waits);

  assert.equal(asked, 1);
});

test('many waits on one signal warn of no leak, and all end with it', async (t) => {
  const leaks: Error[] = [];
  const hear = (warning: Error): void => void (warning.name === 'MaxListenersExceededWarning' && leaks.push(warning));
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const stop = new AbortController();
  const source = endless('/many', 'alive');

  const waits = Array.from({ length: 50 }, () =>
    new AsyncResult(nextId(), async () => source, true).get({ signal: stop.signal }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new RangeError('enough'));
  const ends = await Promise.allSettled(waits);
  await new Promise((resolve) => setImmediate(resolve));

  assert.ok(ends.every((end) => end.status === 'rejected' && end.reason instanceof RangeError));
  assert.deepEqual(leaks, []);
});

test('only a wait that has a limit gets a signal, because each signal costs as much as the wait', async () => {
  const signals: (AbortSignal | null)[] = [];
  const source: OutcomeSource = {
    ...endless('/limits', 'alive'),
    waitForOutcome: async (_id, signal) => {
      signals.push(signal);
      throw new RangeError('seen');
    },
  };

  for (const options of [{}, { timeout: '1h' }, { signal: new AbortController().signal }] as const)
    await assert.rejects(new AsyncResult(nextId(), async () => source, true).get(options), RangeError);

  assert.deepEqual(
    signals.map((signal) => signal === null),
    [true, false, false],
  );
});

/** Where no outcome comes before the wait is over. */
function endless(place: string, verdict: 'alive' | 'dead', role: OwnerInfo['role'] = 'consumer'): OutcomeSource {
  const owner = {
    owner: 'x',
    pid: 1,
    parent: null,
    role,
    startedAtMs: 0,
    queues: null,
    tasks: [],
    slots: 1,
  } as const;
  return {
    place,
    find: async () => null,
    outcome: async () => null,
    changed: async () => new Map(),
    log: async (_id, position) => ({ lines: [], position }),
    waitForOutcome: (_id, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve(null))),
    revoke: async () => new Map(),
    retry: async () => new Map(),
    forget: async () => new Map(),
    owners: async () => [{ ...owner, verdict }],
  };
}

test('a forgotten outcome is gone for every handle, and a job that has not ended is not forgotten', async (t) => {
  const { result, claim, broker } = await sentJob(t);
  await assert.rejects(result.forget(), { code: 'FSQ_NOT_ENDED', name: 'UsageError' });
  await (await claim()).settle(returned(1), RUN);
  assert.equal(await result.get(), 1);

  await result.forget();

  assert.equal(await result.state(), 'unknown');
  assert.equal(await new AsyncResult(result.id, async () => broker, false).state(), 'unknown');
  await assert.rejects(result.get(), UnknownJobError);
  await assert.rejects(result.forget(), UnknownJobError);
});

test('an outcome that the store still needs is told to be there still', async () => {
  const source = {
    ...endless('/x', 'alive'),
    forget: async (ids: readonly string[]) => new Map(ids.map((id) => [id, 'recorded' as const])),
  };

  await assert.rejects(new AsyncResult(nextId(), async () => source, false).forget(), {
    code: 'FSQ_NOT_FORGOTTEN',
    name: 'SpoolError',
  });
});

test('a group is revoked at once; what it gives is in the order of the jobs', async (t) => {
  const app = createApp({ spool: tempSpool(t).path });
  t.after(() => app.close());
  const echo = app.task('revoke-group', async (n: number) => n);
  const group = await echo.delayMany([[1], [2], [3]]);

  const found = await group.revoke();

  assert.deepEqual(found, ['revoked', 'revoked', 'revoked']);
  await assert.rejects(group.get(0), RevokedError);
});

test('a group sends back those of its jobs that have no value, once, and tells how many', async (t) => {
  const { broker } = tempSpool(t);
  const jobs = [job(), job(), job(), job(), job()];
  await broker.enqueue(jobs);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const next = async (): Promise<Claim> => (await consumer.next(new AbortController().signal)) ?? assert.fail();
  const expired = { state: 'expired', error: { name: 'E', message: 'late' } } as const;
  for (const settlement of [returned(1), threw('no'), { kind: 'publish', outcome: expired } as const])
    await (await next()).settle(settlement, RUN);
  const handles = jobs.map((sent) => new AsyncResult(sent.job.id, async () => broker, true));
  await handles[3]?.revoke();
  const group = new GroupResult([...handles, ...handles]);

  assert.equal(await group.retry(), 3);

  const states = await Promise.all(handles.map((handle) => handle.state()));
  assert.deepEqual(states, ['succeeded', 'pending', 'pending', 'pending', 'pending']);
  assert.equal(await group.retry(), 0);
  for (let i = 0; i < 4; i++) await (await next()).settle(returned('again'), RUN);
  assert.deepEqual(await new GroupResult(handles).get(), [1, 'again', 'again', 'again', 'again']);
  assert.equal(await new GroupResult([]).retry(), 0);
});

test('a group whose job is nowhere, or has lost its key, sends back the others and throws', async (t) => {
  const app = createApp({ spool: tempSpool(t).path });
  t.after(() => app.close());
  const echo = app.task('retry-group', async (n: number) => n);
  const [first, last] = [await echo.applyAsync([1], { key: 'k' }), await echo.delay(2)];
  await new GroupResult([first, last]).revoke();
  const other = await echo.applyAsync([3], { key: 'k' });

  await assert.rejects(new GroupResult([first, last]).retry(), { code: 'FSQ_KEY_TAKEN', otherId: other.id });

  assert.deepEqual([await first.state(), await last.state()], ['revoked', 'pending']);
  await last.revoke();
  const unknown = app.result('0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3');
  await assert.rejects(new GroupResult([unknown, last]).retry(), UnknownJobError);
  assert.equal(await last.state(), 'pending');
});

test('an unknown id, and what is no option, are refused', async (t) => {
  const app = createApp({ spool: tempSpool(t).path });
  t.after(() => app.close());
  const echo = app.task('revoke-unknown', async () => 1);
  const sent = await echo.delay();

  await assert.rejects(app.result('0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3').revoke(), UnknownJobError);
  for (const options of [{ terminate: 1 }, { kill: true }, null, 'terminate'])
    await assert.rejects(sent.revoke(options as never), UsageError);
  assert.equal(await sent.state(), 'pending');
});

test('what ran eagerly has ended', async (t) => {
  const app = createApp({ spool: tempSpool(t).path, alwaysEager: true });
  t.after(() => app.close());
  const echo = app.task('revoke-eager', async () => 1);

  assert.equal(await (await echo.delay()).revoke(), 'ended');
});
