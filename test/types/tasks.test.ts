/** What TypeScript infers for users. `npm run typecheck` is the test: each @ts-expect-error must be one, each assignment must fit. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type ApplyOptions,
  type AsyncResult,
  createApp,
  defineConfig,
  type Duration,
  type GroupResult,
  type JobState,
  type Serialisable,
  type Task,
  type TaskOptions,
} from '../../src/index.ts';
import { same } from '../support/same-type.ts';

const { task } = createApp({ spool: '/nowhere', alwaysEager: true });

const add = task('types.add', async (a: number, b: number) => a + b);

test('a comparison of types that differ does not compile', () => {
  same<number, number>();
  // @ts-expect-error
  same<number, string>();
  // @ts-expect-error
  same<number | null, number>();
  // @ts-expect-error
  same<{ a?: string }, { a: string | undefined }>();
  // @ts-expect-error
  assert.equal(same<unknown, number>(), undefined);
});

test('arguments and result of a task are inferred', async () => {
  same<typeof add, Task<[a: number, b: number], number>>();
  same<ReturnType<typeof add>, Promise<number>>();
  same<ReturnType<typeof add.run>, Promise<number>>();
  same<ReturnType<typeof add.delay>, Promise<AsyncResult<number>>>();
  same<ReturnType<typeof add.delayMany>, Promise<GroupResult<number>>>();
  same<Awaited<ReturnType<AsyncResult<number>['get']>>, number>();
  same<Awaited<ReturnType<GroupResult<number>['get']>>, number[]>();

  const sum: number = await (await add.delay(1, 2)).get();
  // @ts-expect-error the result is a number
  const text: string = await (await add.delay(1, 2)).get();

  assert.deepEqual([sum, text], [3, 3]);
});

test('a wrong argument does not compile', () => {
  const calls = [
    // @ts-expect-error a string for a number
    () => add('1', 2),
    // @ts-expect-error too few
    () => add.run(1),
    // @ts-expect-error a string for a number
    () => add.delay(1, '2'),
    // @ts-expect-error too few
    () => add.delay(1),
    // @ts-expect-error too many
    () => add.delay(1, 2, 3),
    // @ts-expect-error not a tuple of two
    () => add.applyAsync([1]),
    // @ts-expect-error a string for a number
    () => add.applyAsync([1, '2'], { countdown: '3s' }),
    // @ts-expect-error one tuple instead of a list of them
    () => add.delayMany([1, 2]),
    // @ts-expect-error a string for a number
    () => add.delayMany([['1', 2]]),
    // @ts-expect-error no such option
    () => add.applyAsync([1, 2], { countdwon: 3 }),
    // @ts-expect-error no unit
    () => add.applyAsync([1, 2], { countdown: '3' }),
    // @ts-expect-error no such unit
    () => add.applyAsync([1, 2], { countdown: '3 weeks' }),
    // @ts-expect-error a time of day is a Date, a duration has a unit
    () => add.applyAsync([1, 2], { expires: 'tomorrow' }),
    // @ts-expect-error no such end
    () => add.applyAsync([1, 2], { onCrash: 'retry' }),
    // @ts-expect-error a number, not a text
    () => add.applyAsync([1, 2], { retries: '3' }),
    // @ts-expect-error no such part
    () => add.applyAsync([1, 2], { backoff: { inital: '3s' } }),
    // @ts-expect-error when a job starts is said by the call, not by the task
    () => task('types.late', { countdown: '3s' }, () => null),
    // @ts-expect-error a call has its arguments: its key is a text
    () => add.applyAsync([1, 2], { key: (a: number) => String(a) }),
    // @ts-expect-error no such span
    () => add.applyAsync([1, 2], { key: 'x', unique: 'while-running' }),
    // @ts-expect-error no duration
    () => add.applyAsync([1, 2], { key: 'x', unique: { debounce: 'soon' } }),
    // @ts-expect-error nothing to wait for
    () => add.applyAsync([1, 2], { key: 'x', unique: { maxWait: '1m' } }),
    // @ts-expect-error a key is a text
    () => task('types.keyed', { key: (a: number) => a }, (a: number) => a),
    // @ts-expect-error a limit key is a text
    () => task('types.limited', { concurrency: { per: (a) => a, at: 2 } }, (a: number) => a),
    // @ts-expect-error it needs a number
    () => task('types.limited', { concurrency: { per: String } }, (a: number) => a),
    // @ts-expect-error a queue has no arguments
    () => defineConfig({ queues: { mail: { concurrency: { per: String, at: 2 } } } }),
    // @ts-expect-error the key is made of the task's own arguments
    () => task('types.keyed', { key: (a: string) => a }, (a: number) => a),
  ];

  assert.equal(calls.length, 26);
  const options: TaskOptions = { retries: 3, backoff: { initial: '1s', factor: 3, max: '1h', jitter: false } };
  const call: ApplyOptions = {
    retries: 3,
    backoff: '5s',
    expires: new Date(),
    onCrash: 'fail',
    timeLimit: 5,
    key: 'x',
  };
  assert.notEqual(options, call);
});

test("a key is made of the task's arguments, all or the first, whose types it need not repeat", async () => {
  const sum = task('types.sum', { key: (a, b) => `${a.toFixed()}/${b.toFixed()}` }, (a: number, b: number) => a + b);
  const named: Task<[a: number, b: number], number> = sum;
  const first = task('types.first', { key: (page) => page }, (page: string, depth?: number) => `${page} ${depth}`);
  const typed = task('types.typed', { key: (page: string) => page }, (page: string, ...more: number[]) => more.length);
  const whole: Task<[page: string, depth?: number], string> = first;
  const rest: Task<[page: string, ...more: number[]], number> = typed;

  assert.equal(await named(1, 2), 3);
  assert.equal(await whole('a'), 'a undefined');
  assert.equal(await rest('a', 1, 2), 2);
});

test('an argument that JSON would change does not compile', () => {
  const dated = task('types.dated', (when: Date) => when.getTime());
  const mapped = task('types.mapped', (values: Map<string, number>) => values.size);
  const called = task('types.called', (fn: () => void) => fn());
  const big = task('types.big', (n: bigint) => String(n));
  const deep = task('types.deep', (options: { list: { when: Date }[]; name: string }) => options.name);
  const bytes = task('types.bytes', (data: Uint8Array) => data.length);
  const calls = [
    // @ts-expect-error a Date
    () => dated.delay(new Date()),
    // @ts-expect-error a Date
    () => dated.applyAsync([new Date()]),
    // @ts-expect-error a Date
    () => dated.delayMany([[new Date()]]),
    // @ts-expect-error a Map
    () => mapped.delay(new Map<string, number>()),
    // @ts-expect-error a function
    () => called.delay(() => undefined),
    // @ts-expect-error a bigint
    () => big.delay(1n),
    // @ts-expect-error a Date deep inside
    () => deep.delay({ list: [{ when: new Date() }], name: 'x' }),
    // @ts-expect-error bytes
    () => bytes.delay(new Uint8Array(1)),
  ];
  // Run here, they are plain functions: nothing is sent.
  const here = [() => dated(new Date()), () => big.run(1n), () => mapped(new Map<string, number>())];

  assert.equal(calls.length + here.length, 11);
});

test('what JSON carries compiles: interfaces, optional parts, unions, tuples, read-only and nested data', () => {
  interface Mail {
    readonly to: readonly string[];
    subject?: string;
    priority: 'high' | 'low' | null;
    parts: [kind: 'text' | 'html', body: string][];
    headers: Record<string, string>;
  }
  const send = task('types.send', (mail: Mail, retries?: number, ...tags: string[]) => `${mail.to} ${retries} ${tags}`);
  const mail: Mail = { to: ['a'], priority: null, parts: [['text', 'x']], headers: {} };
  const anything = task('types.anything', (value: unknown) => typeof value);
  const calls = [
    () => send.delay(mail),
    () => send.delay({ ...mail, subject: 'x' }, 3, 'a', 'b'),
    () => send.applyAsync([mail, 3]),
    () => anything.delay({ a: [1] }),
  ];

  same<Serialisable<{ a?: string; b: [1, Date] }>, { a?: string | undefined; b: [1, never] }>();
  assert.equal(calls.length, 4);
});

test('the result is what the function gives, awaited', () => {
  const nothing = task('types.nothing', () => undefined);
  const silent = task('types.silent', async (): Promise<void> => undefined);
  const either = task('types.either', (n: number): Promise<string> | null => (n > 0 ? Promise.resolve('x') : null));
  const nested = task('types.nested', async () => ({ list: [1, 2], name: 'x' as const }));
  const none = task('types.none', { queue: 'q', priority: 1 }, (): never => {
    throw new Error('x');
  });

  same<Awaited<ReturnType<typeof nothing.delay>>, AsyncResult<undefined>>();
  same<Awaited<ReturnType<typeof silent.delay>>, AsyncResult<void>>();
  same<Awaited<ReturnType<typeof either.delay>>, AsyncResult<string | null>>();
  same<Awaited<ReturnType<typeof nested.delay>>, AsyncResult<{ list: number[]; name: 'x' }>>();
  same<Awaited<ReturnType<typeof none.delay>>, AsyncResult<never>>();
  same<ReturnType<typeof either.result>, AsyncResult<string | null>>();
  assert.equal(none.name, 'types.none');
});

test('optional arguments may be left out', () => {
  const greet = task(
    'types.greet',
    (name: string, greeting = 'Hello', times?: number) => `${greeting} ${name} ${times}`,
  );
  const calls = [
    () => greet.delay('a'),
    () => greet.delay('a', 'b'),
    () => greet.applyAsync(['a', 'b', 3]),
    () => greet.delayMany([['a'], ['a', 'b']]),
    // @ts-expect-error the first is not optional
    () => greet.delay(),
  ];

  assert.equal(calls.length, 5);
});

test('task options and settings know their names and values', () => {
  const wrong = [
    // @ts-expect-error no such option
    () => task('types.x', { quue: 'a' }, () => 1),
    // @ts-expect-error a number
    () => task('types.x', { priority: 'high' }, () => 1),
    // @ts-expect-error a function is missing
    () => task('types.x'),
    // @ts-expect-error no such setting
    () => defineConfig({ spol: 'x' }),
    // @ts-expect-error no such level
    () => defineConfig({ logLevel: 'loud' }),
    // @ts-expect-error no unit
    () => defineConfig({ resultTtl: '1' }),
  ];
  const durations: Duration[] = [0, 1.5, '250ms', '3s', '5m', '2h', '1.5d'];
  const states: JobState[] = ['pending', 'delayed', 'running', 'succeeded', 'failed', 'revoked', 'expired', 'unknown'];
  // @ts-expect-error no such state
  const state: JobState = 'done';

  assert.equal(wrong.length + durations.length + states.length + state.length, 25);
});

test('a handle is no promise, for the compiler too', async () => {
  const handle = await add.delay(1, 2);

  same<typeof handle, AsyncResult<number>>();
  // @ts-expect-error it has no then
  assert.equal(handle.then, undefined);
});
