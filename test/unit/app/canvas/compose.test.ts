/** What chains, groups and chords are made of, and how anything else is refused: with a code, and with words that say where and what to do. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Sighting } from '../../../../src/broker/broker.ts';
import { registry } from '../../../../src/app/registry.ts';
import { type App, chain, chord, createApp, group, NotSerialisableError, UsageError } from '../../../../src/index.ts';
import { tempDir } from '../../../support/temp.ts';

/** As a program without types calls it. */
type Untyped = (...args: unknown[]) => { delay(options?: unknown): Promise<unknown> };
const [anyChain, anyGroup, anyChord] = [chain, group, chord] as unknown as readonly [Untyped, Untyped, Untyped];

interface Tools {
  readonly app: App;
  readonly add: ReturnType<typeof addOf>;
}

function addOf({ task }: App) {
  return task('add', (a: number, b: number) => a + b);
}

function tools(t: TestContext): Tools {
  const app = createApp({ spool: tempDir(t), fsync: false });
  t.after(async () => {
    registry().tasks.clear();
    await app.close();
  });
  return { app, add: addOf(app) };
}

async function allJobs(app: App): Promise<readonly Sighting[]> {
  return (await app.broker()).list(['pending', 'delayed', 'running', 'results'], 20);
}

function refused(act: () => unknown, ...words: readonly RegExp[]): Promise<void> {
  return assert.rejects(
    async () => act(),
    (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.equal(error.code, 'FSQ_COMPOSITION', error.message);
      for (const word of words) assert.match(error.message, word);
      return true;
    },
  );
}

test('what is no part of a composition is refused, each with what was probably meant', async (t) => {
  const { app, add } = tools(t);
  const step = add.s(1, 2);
  const sent = await step.delay();
  const promise = add.delay(1, 2);

  await refused(() => anyChain(step, add), /step 2 /, /the task add itself: did you mean add\.s\(\)\?/);
  await refused(() => anyChain(promise), /step 1 /, /a promise/, /use \.s\(\)/);
  await refused(() => anyChain(step, () => 1), /function \(anonymous\), which is no task/);
  await refused(
    () => anyChain(step, [step]),
    /an array of 1: did you mean chain\(a, b\), without the brackets, or group\(\[a, b\]\)\?/,
  );
  await refused(() => anyChain(sent), /the handle of what was sent already/);
  await refused(() => anyGroup([step, undefined]), /member 2 /, /undefined/);
  await refused(() => anyGroup(step), /an array of parts, such as group\(\[.*, got one part/);
  await refused(() => anyGroup(7), /an array of parts.*, got 7/);
  assert.throws(() => add.map(7 as never), {
    code: 'FSQ_USAGE',
    message: /items of add\.map\(\) to be an array, got 7/,
  });
  await refused(() => anyChord([step], 'add'), /the callback of a chord/, /"add"/);
  await refused(
    () => anyChord(chain(step), step),
    /members of a chord/,
    /a chain: did you mean chord\(\[a, b\], callback\), or chain\(a, callback\)\?/,
  );
  await refused(() => anyChord(null, step), /members of a chord/);
  await refused(() => anyChain(), /a chain of at least one step/);
  await refused(() => step.delay({ onError: add as never }), /`onError`/, /add\.s\(\)/);
  await refused(() => step.delay({ onError: add.si(1, 2) as never }), /made by s\(\)/, /add\.si\(\)/);
  await refused(() => step.delay({ onError: chain(step) as never }), /a chain/);
  await promise;
  await app.close();
});

test('a step that JSON cannot carry is named by its place, and nothing is sent', async (t) => {
  const { app, add } = tools(t);
  const any = app.task('any', (...values: unknown[]) => values.length);
  const bad = (value: unknown) => any.s(1, { deep: [value] });
  const cases: readonly [() => Promise<unknown>, string][] = [
    [() => chain(add.s(1, 2), any.s(), bad(new Date(0))).delay(), 'step 3 (any): args[1].deep[0]'],
    [
      () => chain(add.s(1, 2), group([any.s(), chain(any.s(), bad(1n))])).delay(),
      'step 2, member 2, step 2 (any): args[1].deep[0]',
    ],
    [() => chord([bad(Number.NaN)], any.s()).delay(), 'member 1 (any): args[1].deep[0]'],
    [() => chord([any.s(1)], bad(Symbol.iterator)).delay(), 'the callback (any): args[1].deep[0]'],
    [() => any.s(1).delay({ onError: bad(undefined) }), 'onError (any): args[1].deep[0]'],
    [() => any.map([1, new Map()]).delay(), 'member 2 (any): args[0]'],
    [() => bad(() => 1).delay(), 'any: args[1].deep[0]'],
  ];

  for (const [send, path] of cases)
    await assert.rejects(send, (error) => error instanceof NotSerialisableError && error.path === path, path);
  assert.deepEqual(await allJobs(app), []);
});

test('options of a step and of the whole are checked where they are given', async (t) => {
  const { app, add } = tools(t);
  const keyed = app.task('keyed', { key: (n: number) => String(n) }, (n: number) => n);
  const step = add.s(1, 2);
  const set = (options: object) => step.set(options);

  await refused(() => set({ key: 'x' }), /`key`/, /another job that has its key/);
  await refused(() => set({ unique: '1h' }), /`unique`/);
  await refused(() => set({ after: 'x' }), /`after`/, /the composition says/);
  await refused(() => chain(step, keyed.s()).delay(), /step 2 \(keyed\)/, /without `key`/);
  await refused(() => keyed.s(1).delay(), /keyed/, /by itself/);
  assert.throws(() => set({ queu: 'a' }), { code: 'FSQ_USAGE', message: /"queu".*queue/ });
  assert.throws(() => set({ countdown: 'soon' }), { code: 'FSQ_USAGE', message: /countdown/ });
  await assert.rejects(step.delay({ countdwn: 1 } as object), { code: 'FSQ_USAGE', message: /countdown/ });
  await assert.rejects(step.delay({ queue: 'a' } as object), { code: 'FSQ_USAGE', message: /set\(\)/ });
  await assert.rejects(step.delay(7 as never), { code: 'FSQ_USAGE', message: /an object/ });
  for (const odd of [Promise.resolve({}), new Date(0), [], 'x', null])
    await assert.rejects(step.delay(odd as object), { code: 'FSQ_USAGE', message: /as an object/ }, String(odd));
  await assert.rejects(step.delay({ countdown: '1s', eta: 5 }), { code: 'FSQ_USAGE', message: /got both/ });
  await assert.rejects(step.delay({ headers: { a: 1 } as never }), { code: 'FSQ_USAGE', message: /headers/ });
});

test('tasks of two spools are no composition, and both are named', async (t) => {
  const { app, add } = tools(t);
  const other = createApp({ spool: tempDir(t), fsync: false });
  const eager = createApp({ spool: tempDir(t), alwaysEager: true });
  const [there, here] = [other.task('there', (n: number) => n), eager.task('here', (n: number) => n)];
  t.after(() => other.close());
  const sent = await group([add.s(1, 2)]).delay();

  const [one, two] = [(await app.settings()).spool, (await other.settings()).spool];
  await refused(() => chain(add.s(1, 2), there.s()).delay(), new RegExp(one), new RegExp(two), /add .* there /);
  await refused(() => chain(add.s(1, 2), here.s()).delay(), /alwaysEager/);
  await refused(() => sent.done(chain(there.si(1), there.s())), new RegExp(one), new RegExp(two));
  assert.deepEqual(await allJobs(other), []);
});

test('two apps of one spool are one place', async (t) => {
  const spool = tempDir(t);
  const apps = [createApp({ spool, fsync: false }), createApp({ spool, fsync: false })] as const;
  t.after(() => Promise.all(apps.map((app) => app.close())));
  const [one, two] = [apps[0].task('one', () => 1), apps[1].task('two', (n: number) => n)];

  const handle = await chain(one.s(), two.s()).delay();

  assert.equal((await apps[1].result(handle.id).info())?.record?.job.task, 'two');
});

test('what is larger than one spool should hold is refused before it is sent', async (t) => {
  const { app, add } = tools(t);
  const any = app.task('any', (...values: unknown[]) => values.length);
  const many = (count: number) => any.map(Array.from({ length: count }, (_, i) => i));
  const nested = (levels: number): unknown => {
    let part: unknown = add.s(1, 2);
    for (let i = 0; i < levels; i++) part = anyGroup([part]);
    return part;
  };

  const tooMany = {
    code: 'FSQ_TOO_LARGE',
    message: /the callback \(any\) to wait for at most 100000 jobs, got 100001/,
  };
  await assert.rejects(chord(many(100_001), any.s()).delay(), tooMany);
  const tooWide = { code: 'FSQ_TOO_LARGE', message: /the file of a job of add .* comes after 0 and before 120000/ };
  await assert.rejects(chain(add.s(1, 2), many(120_000)).delay(), tooWide);
  const tooFull = { code: 'FSQ_TOO_LARGE', message: /the file of a job of any .* comes after 90000 and before 0/ };
  await assert.rejects(chord(many(90_000), any.s('x'.repeat(1_000_000))).delay(), tooFull);
  const tooDense = { code: 'FSQ_TOO_LARGE', message: /step 2, member 501 .*one job between/ };
  await assert.rejects(chain(many(2_000), many(2_000)).delay(), tooDense);
  await refused(() => nested(101), /at most 100 chains, groups and chords in one another/);
  assert.ok(nested(100));
  assert.deepEqual(await allJobs(app), []);
});

test('while a worker imports the module, a composition is refused as a call is, with the place of the call', async (t) => {
  const { add } = tools(t);
  const whole = chain(add.s(1, 2), add.s(1));
  registry().loading = '/srv/tasks.ts';

  const refusals = [whole.delay(), add.s(1, 2).delay(), group([whole]).delay()].map((sending) =>
    assert.rejects(sending, {
      code: 'FSQ_DELAY_AT_IMPORT',
      message: /\/srv\/tasks\.ts \(at .*compose\.test\.ts:\d+\)/,
    }),
  );
  registry().loading = null;

  await Promise.all(refusals);
});

test('a composition is data: parts may be used again, and it may be sent twice', async (t) => {
  const { app, add } = tools(t);
  const step = add.s(1);
  const whole = chain(add.s(1, 2), step, step, group([step, step]));

  const [one, two] = await Promise.all([whole.delay(), whole.delay()]);

  const ids = [...one.steps, ...one.jobs, ...two.steps, ...two.jobs].map(({ id }) => id);
  assert.equal(new Set(ids).size, 10);
  assert.equal((await allJobs(app)).length, 10);
  assert.equal(step.task, 'add');
});

test('what is changed after delay() is called changes nothing that was sent', async (t) => {
  const { app } = tools(t);
  const take = app.task('take', (row: { n: number }) => row.n);
  const row = { n: 1 };
  const headers: Record<string, string> = { a: 'x' };

  const sending = group([take.s(row)]).delay({ headers });
  row.n = 2;
  headers['a'] = 'y';

  const [job] = (await sending).results;
  const sent = (await job.info())?.record?.job;
  assert.deepEqual([sent?.args, sent?.headers], [[{ n: 1 }], { a: 'x' }]);
});

test('options: those of a step are stronger than those of the whole, and these than those of its task', async (t) => {
  const { app } = tools(t);
  const mail = app.task('mail', { queue: 'mail', retries: 2, expires: '1h' }, (...values: unknown[]) => values.length);
  const before = Date.now();

  const handle = await chain(
    mail.s(1),
    mail
      .s(2)
      .set({ queue: 'slow', priority: 1, headers: { b: '2' } })
      .set({ retries: 0, queue: undefined } as object),
    mail.s(3).set({ countdown: '2m' }),
  ).delay({ countdown: '1m', expires: '30m', headers: { a: '1', b: '1' } });

  const jobs = await Promise.all([...handle.steps, handle].map(async (one) => one.info()));
  const [first, second, third] = jobs.map((info) => ({
    ...info?.record?.job.options,
    headers: info?.record?.job.headers,
    queue: info?.standing.queue,
    priority: info?.standing.priority,
  }));
  const inMs = (atMs = 0): number => Math.round((atMs - before) / 60_000);
  assert.deepEqual([inMs(first?.etaMs), second?.etaMs, inMs(third?.etaMs)], [1, undefined, 2]);
  assert.deepEqual(
    [first, second, third].map((one) => inMs(one?.expiresAtMs)),
    [30, 30, 30],
  );
  assert.deepEqual([first?.queue, second?.queue, second?.priority, second?.retries], ['mail', 'slow', 1, 0]);
  assert.deepEqual(
    [first?.headers, second?.headers],
    [
      { a: '1', b: '1' },
      { a: '1', b: '2' },
    ],
  );
});

test('the file of each job says what it comes after, what it takes, and who takes of it', async (t) => {
  const { app, add } = tools(t);
  const any = app.task('any', (...values: unknown[]) => values.length);

  const handle = await chain(
    add.s(1, 2),
    group([any.s(), chain(any.s(), any.si(7)), group([any.s()])]),
    any.s('x'),
  ).delay({
    onError: any.s(),
  });

  const found = (await allJobs(app))
    .map(({ record }) => record?.job)
    .toSorted((a, b) => ((a?.id ?? '') < (b?.id ?? '') ? -1 : 1));
  const at = (id: string): number => found.findIndex((job) => job?.id === id);
  const shown = found.map((job) => {
    const { after = [], takes, shape, next = [] } = job?.options ?? {};
    return [job?.task, job?.args, [after].flat().map((id) => at(id as string)), takes, shape, next.map(at)];
  });
  assert.equal(at(handle.id), 5);
  assert.deepEqual(shown, [
    ['add', [1, 2], [], undefined, undefined, [1, 2, 4, 6]],
    ['any', [], [0], 'value', undefined, [5, 6]],
    ['any', [], [0], 'value', undefined, [3, 6]],
    ['any', [7], [2], undefined, undefined, [5, 6]],
    ['any', [], [0], 'value', undefined, [5, 6]],
    ['any', ['x'], [1, 3, 4], 'values', [0, 1, [2]], [6]],
    ['any', [], [0, 1, 2, 3, 4, 5], 'error', undefined, []],
  ]);
});
