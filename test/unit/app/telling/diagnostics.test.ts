import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../../src/app/registry.ts';
import { isHeard, isTraced, tellRecovered } from '../../../../src/app/telling/diagnostics.ts';
import {
  type App,
  chord,
  createApp,
  currentJob,
  type EnqueueMessage,
  type FailedJob,
  group,
  type RetryMessage,
} from '../../../../src/index.ts';
import { jobRecord } from '../../../support/factory.ts';
import { tempDir } from '../../../support/temp.ts';

const PHASES = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

test('a call is traced from the call to its acceptance, with the handles as its result', async (t) => {
  const heard = listen(t, 'fsq:enqueue');
  const mail = tempApp(t).task('mail', { queue: 'post' }, (to: string) => to);

  const { results } = await mail.delayMany([['Ada'], ['Bob']], { priority: 3, headers: { tenant: 'acme' } });

  assert.deepEqual(phasesOf(heard), ['start', 'end', 'asyncStart', 'asyncEnd']);
  const { result, ...message } = heard[0]?.message ?? assert.fail();
  assert.deepEqual(message, {
    task: 'mail',
    queue: 'post',
    priority: 3,
    argsList: [['Ada'], ['Bob']],
    headers: { tenant: 'acme' },
  });
  assert.deepEqual(result, results);
});

test('what a subscriber of start puts into the headers goes along with every job, and into nothing of the caller', async (t) => {
  onStart(t, ({ headers }) => (headers['traceparent'] = '00-1-2-01'));
  const mail = tempApp(t).task('mail', () => undefined);
  const headers = { tenant: 'acme' };

  const { results } = await mail.delayMany([[], []], { headers });

  for (const result of results)
    assert.deepEqual((await result.info())?.record?.job.headers, { tenant: 'acme', traceparent: '00-1-2-01' });
  assert.deepEqual(headers, { tenant: 'acme' });
});

test('a composition is told as a call for each task, queue and priority, and headers go along with all its jobs', async (t) => {
  let calls = 0;
  onStart(t, ({ headers }) => (headers['traceparent'] = `00-${calls++}`));
  const heard = listen(t, 'fsq:enqueue');
  const { task } = tempApp(t);
  const [half, sum] = [task('half', (n: number) => n / 2), task('sum', (ns: readonly number[]) => ns.length)];
  const note = task('note', (failed: FailedJob) => failed.id);

  const members = group([half.s(2), half.s(4).set({ headers: { tenant: 'acme' } }), half.s(6).set({ priority: 1 })]);
  const handle = await chord(members, sum.s()).delay({ headers: { run: '7' }, onError: note.s() });

  const started = heard.filter(({ phase }) => phase === 'start').map(({ message }) => message);
  assert.deepEqual(
    started.map(({ task: name, priority, argsList }) => [name, priority, argsList]),
    [
      ['half', 5, [[2], [4]]],
      ['half', 1, [[6]]],
      ['sum', 5, [[]]],
      ['note', 5, [[]]],
    ],
  );
  assert.equal(heard.filter(({ phase }) => phase === 'asyncEnd').length, 4);
  const ids = started.flatMap(({ result }) => (result as { id: string }[]).map(({ id }) => id));
  const [one, two, three] = handle.members.results;
  assert.deepEqual(
    ids.slice(0, 4),
    [one, two, three, handle].map((each) => each?.id),
  );
  const sent = await Promise.all(
    [one, two, three, handle].map(async (each) => (await each?.info())?.record?.job.headers),
  );
  assert.deepEqual(sent, [
    { run: '7', traceparent: '00-0' },
    { run: '7', tenant: 'acme', traceparent: '00-0' },
    { run: '7', traceparent: '00-1' },
    { run: '7', traceparent: '00-2' },
  ]);
});

test('a header that a subscriber puts into one call is in no other', async (t) => {
  let calls = 0;
  onStart(t, ({ headers }) => (calls++ === 0 ? (headers['traceparent'] = '00-1-2-01') : null));
  const mail = tempApp(t).task('mail', () => undefined);

  const sent = [await mail.delay(), await mail.delay()];

  const headers = await Promise.all(sent.map(async (result) => (await result.info())?.record?.job.headers));
  assert.deepEqual(headers, [{ traceparent: '00-1-2-01' }, {}]);
});

for (const [what, value, code] of [
  ['too large', 'x'.repeat(70_000), 'FSQ_TOO_LARGE'],
  ['no text', 1, 'FSQ_USAGE'],
] as const) {
  test(`a header of a subscriber that is ${what} is refused as one of the caller is`, async (t) => {
    onStart(t, ({ headers }) => ((headers as Record<string, unknown>)['traceparent'] = value));
    const heard = listen(t, 'fsq:enqueue');
    const app = tempApp(t);

    await assert.rejects(app.task('mail', () => undefined).delay(), { code });

    assert.deepEqual(phasesOf(heard), ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    assert.equal((await (await app.broker()).counts()).pending, 0);
  });
}

test('a call that fails because the spool cannot be opened is an error of its trace', async (t) => {
  const heard = listen(t, 'fsq:enqueue');
  const app = createApp({ spool: '/proc/fsq' });

  const thrown = await app.task('mail', () => undefined).delay().catch((error: unknown) => error); // prettier-ignore
  t.after(() => registry().tasks.delete('mail'));

  assert.deepEqual(phasesOf(heard), ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
  assert.ok(thrown instanceof Error);
  assert.equal(heard[0]?.message['error'], thrown);
});

test('a run is traced with its job, what it was given and what it gave', async (t) => {
  const heard = listen(t, 'fsq:run');
  const add = tempApp(t, true).task('add', async (a: number, b: number) => a + b);

  const { id } = await add.applyAsync([1, 2], { headers: { tenant: 'acme' }, queue: 'sums' });

  assert.deepEqual(phasesOf(heard), ['start', 'end', 'asyncStart', 'asyncEnd']);
  const { enqueuedAtMs, ...message } = heard[0]?.message ?? assert.fail();
  assert.equal(typeof enqueuedAtMs, 'number');
  assert.deepEqual(message, {
    id,
    task: 'add',
    queue: 'sums',
    attempt: 1,
    headers: { tenant: 'acme' },
    args: [1, 2],
    result: 3,
  });
});

test('the error of a run is what the task threw itself, and the run ends as without a trace', async (t) => {
  const heard = listen(t, 'fsq:run');
  const thrown = new RangeError('too far');
  const app = tempApp(t, true);
  const fail = app.task('fail', () => {
    throw thrown;
  });

  const result = await fail.delay();

  assert.deepEqual(phasesOf(heard), ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
  assert.equal(heard[0]?.message['error'], thrown);
  await assert.rejects(result.get(), { remoteName: 'RangeError', message: 'too far', attempts: 1 });
});

for (const [what, value, error] of [
  ['cannot be kept', new Date(0), /is a Date/],
  ['is thrown and undefined', undefined, /undefined/],
] as const) {
  test(`a value that ${what} is an error of the run, as it is of the job`, async (t) => {
    const heard = listen(t, 'fsq:run');
    const give = tempApp(t, true).task('give', (): string => {
      if (value === undefined) throw value;
      return value as unknown as string;
    });

    const result = await give.delay();

    assert.deepEqual(phasesOf(heard), ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    await assert.rejects(result.get(), error);
  });
}

test('a store that is bound to the start of runs holds inside of the task, and in no other run', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const { start } = tracingChannel('fsq:run');
  start.bindStore(storage, (message) => (message as { task: string }).task);
  t.after(() => start.unbindStore(storage));
  const app = tempApp(t, true);
  const inner = app.task('inner', async () => `${storage.getStore()} ${currentJob().task}`);
  const outer = app.task('outer', async () => [await (await inner.delay()).get(), storage.getStore() ?? '']);

  assert.deepEqual(await (await outer.delay()).get(), ['inner inner', 'outer']);
  assert.equal(storage.getStore(), undefined);
});

test('a run that goes again is told, with the error and the pause', async (t) => {
  const heard = plain(t, 'fsq:retry');
  const fail = tempApp(t, true).task('fail', { retries: 2, backoff: { initial: '2s', jitter: false } }, () => {
    throw new Error('no luck');
  });

  const { id } = await fail.delay();

  assert.deepEqual(
    heard.map(({ id: of, task, attempt, delayMs, error }) => [of, task, attempt, delayMs, (error as Error).message]),
    [
      [id, 'fail', 1, 2_000, 'no luck'],
      [id, 'fail', 2, 4_000, 'no luck'],
    ],
  );
});

test('a job taken back from the dead is told as a crash where its process died of it or was killed for it, and as a retry where it runs again', (t) => {
  const crashes = plain(t, 'fsq:crash');
  const retries = plain(t, 'fsq:retry');
  const about = {
    kind: 'recovered',
    job: jobRecord({ id: 'a', task: 'x' }),
    standing: { queue: 'q', priority: 5, attempt: 2, crashes: 1 },
    owner: 'o',
    ranMs: null,
  } as const;
  const error = { name: 'WorkerLostError', message: 'died' };

  tellRecovered({ ...about, ending: 'crashed', settlement: { kind: 'rerun', delayMs: 500, crashes: 2, error } });
  tellRecovered({
    ...about,
    ending: 'timed-out',
    settlement: { kind: 'publish', outcome: { state: 'failed', error } },
  });
  tellRecovered({ ...about, ending: 'stopped', settlement: { kind: 'requeue' } });
  tellRecovered({ ...about, ending: 'revoked', settlement: { kind: 'publish', outcome: { state: 'revoked', error } } });

  assert.deepEqual(
    crashes.map(({ id, attempt, owner, cause, next }) => [id, attempt, owner, cause, next]),
    [
      ['a', 2, 'o', 'crashed', 'rerun'],
      ['a', 2, 'o', 'timed-out', 'failed'],
    ],
  );
  assert.deepEqual(
    retries.map(({ id, delayMs }) => [id, delayMs]),
    [['a', 500]],
  );
});

for (const phase of PHASES) {
  test(`a subscriber of ${phase} alone is heard of, and no other channel is`, (t) => {
    const listener = (): void => undefined;
    const before = [isTraced('run'), isTraced('enqueue'), isHeard('claim')];

    channel(`tracing:fsq:run:${phase}`).subscribe(listener);
    t.after(() => channel(`tracing:fsq:run:${phase}`).unsubscribe(listener));

    assert.deepEqual(before, [false, false, false]);
    assert.deepEqual([isTraced('run'), isTraced('enqueue'), isHeard('claim')], [true, false, false]);
  });
}

test('where nobody listens, no message is made: the headers of a call are not looked at again', async (t) => {
  const app = tempApp(t);
  const mail = app.task('mail', () => undefined);
  let looks = 0;
  const headers = { get tenant() { return `${++looks}`; } }; // prettier-ignore

  await mail.applyAsync([], { headers });

  assert.equal(looks, 1);
  assert.equal((await (await app.broker()).list(['pending'], 1))[0]?.record?.job.headers['tenant'], '1');
});

interface Heard {
  readonly phase: (typeof PHASES)[number];
  readonly message: Readonly<Record<string, unknown>>;
}

function listen(t: TestContext, name: string): readonly Heard[] {
  const heard: Heard[] = [];
  for (const phase of PHASES) {
    const hear = (message: unknown): unknown => heard.push({ phase, message: message as Heard['message'] });
    channel(`tracing:${name}:${phase}`).subscribe(hear);
    t.after(() => channel(`tracing:${name}:${phase}`).unsubscribe(hear));
  }
  return heard;
}

function phasesOf(heard: readonly Heard[]): readonly string[] {
  assert.equal(new Set(heard.map(({ message }) => message)).size, 1);
  return heard.map(({ phase }) => phase);
}

function plain(t: TestContext, name: string): readonly (RetryMessage & Record<string, unknown>)[] {
  const heard: (RetryMessage & Record<string, unknown>)[] = [];
  const hear = (message: unknown): unknown => heard.push(message as (typeof heard)[number]);
  channel(name).subscribe(hear);
  t.after(() => channel(name).unsubscribe(hear));
  return heard;
}

function onStart(t: TestContext, act: (message: EnqueueMessage) => unknown): void {
  const hear = (message: unknown): unknown => act(message as EnqueueMessage);
  channel('tracing:fsq:enqueue:start').subscribe(hear);
  t.after(() => channel('tracing:fsq:enqueue:start').unsubscribe(hear));
}

function tempApp(t: TestContext, alwaysEager = false): App {
  const app = createApp({ spool: join(tempDir(t), 'spool'), alwaysEager });
  t.after(async () => {
    registry().tasks.clear();
    await app.close();
  });
  return app;
}
