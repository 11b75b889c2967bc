/** What TypeScript infers for chains, groups and chords, and what does not compile. `npm run typecheck` is the test, as in tasks.test.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type AsyncResult,
  chain,
  chord,
  createApp,
  type FailedJob,
  group,
  type GroupResult,
  type Signature,
  type Task,
} from '../../src/index.ts';
import { same } from '../support/same-type.ts';

const { task } = createApp({ spool: '/nowhere', alwaysEager: true });

const add = task('fit.add', (a: number, b: number) => a + b);
const double = task('fit.double', async (n: number) => 2 * n);
const named = task('fit.named', (n: number, prefix = '#', ...more: boolean[]) => `${prefix}${n}${more.length}`);
const length = task('fit.length', (text: string) => text.length);
const total = task('fit.total', (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0));
const pair = task('fit.pair', ([n, text]: [number, string], suffix?: string) => `${n}${text}${suffix}`);
const either = task('fit.either', (value: number | string | null) => typeof value);
const maybe = task('fit.maybe', (n: number): string | null => (n > 0 ? 'x' : null));
const silent = task('fit.silent', async (_n: number): Promise<void> => undefined);
const now = task('fit.now', () => 1);
const dated = task('fit.dated', (when: Date) => when.getTime());
const mapped = task('fit.mapped', (n: number) => new Map([[n, n]]));
const report = task('fit.report', (failed: FailedJob, channel?: string) => `${failed.task} ${channel}`);

test('a signature takes all arguments, or those behind the first', () => {
  same<ReturnType<typeof double.si>, Signature<number, unknown>>();
  const calls = [
    () => add.s(1, 2),
    () => add.s(2),
    () => named.s(),
    () => named.s(1),
    () => named.s('#'),
    () => named.s('#', true, false),
    () => now.s(),
    // @ts-expect-error a text for a number
    () => add.s('1', 2),
    // @ts-expect-error a text for the second number
    () => add.s('2'),
    // @ts-expect-error with one value before them, these are still too few
    () => add.s(),
    // @ts-expect-error too many
    () => add.s(1, 2, 3),
    // @ts-expect-error si takes all of them
    () => add.si(2),
    // @ts-expect-error a Date does not survive JSON
    () => dated.s(new Date()),
    // @ts-expect-error nor does what this one returns
    () => mapped.s(1),
    // @ts-expect-error and not behind another value either
    () => mapped.s(),
    // @ts-expect-error no such option
    () => add.s(1, 2).set({ quue: 'mail' }),
    // @ts-expect-error a key would make another job stand for it
    () => add.s(1, 2).set({ key: 'x' }),
  ];

  assert.equal(calls.length, 17);
});

test('in a chain each step takes the value of the one before it, in up to many steps', () => {
  const eight = chain(
    add.s(1, 2),
    double.s(),
    add.s(1),
    named.s('x'),
    length.s(),
    double.s(),
    named.s('y', true),
    length.s(),
  );
  const twelve = chain(eight, double.s(), named.s(), length.s(), double.s());

  same<Awaited<ReturnType<typeof eight.delay>>['get'], AsyncResult<number>['get']>();
  const calls = [
    () => chain(now.s(), double.s()).delay(),
    () => chain(named.s(1), either.s()).delay(),
    () => chain(maybe.s(1), either.s()).delay(),
    () => chain(silent.s(1), either.s()).delay(),
    () => chain(silent.s(1), now.si()).delay(),
    () => chain(add.s(1, 2), length.si('x'), double.s()).delay(),
    // @ts-expect-error no step
    () => chain(),
    // @ts-expect-error a number for a text
    () => chain(add.s(1, 2), length.s()),
    // @ts-expect-error at the end of many steps too
    () => chain(add.s(1, 2), double.s(), double.s(), double.s(), double.s(), double.s(), double.s(), length.s()),
    // @ts-expect-error in the middle too
    () => chain(add.s(1, 2), named.s(), double.s(), double.s()),
    // @ts-expect-error perhaps null, and only a text is taken
    () => chain(maybe.s(1), length.s()),
    // @ts-expect-error nothing, which arrives as null
    () => chain(silent.s(1), double.s()),
    // @ts-expect-error now takes nothing: si() says so
    () => chain(silent.s(1), now.s()),
    // @ts-expect-error the value and both numbers are one too many
    () => chain(double.s(1), add.s(1, 2)),
    // @ts-expect-error the prefix is a text
    () => chain(double.s(1), named.s(true)),
    // @ts-expect-error a task is no signature
    () => chain(add.s(1, 2), double),
    // @ts-expect-error a chain that fits nowhere does not become one by being nested
    () => chain(add.s(1, 2), chain(length.s(), double.s())),
  ];

  assert.equal(calls.length, 17);
  assert.ok(twelve);
});

test('what its first step lacks is missed when a chain is sent, and given when it is a part', () => {
  const partial = chain(double.s(), named.s());
  const calls = [
    // @ts-expect-error double lacks its number
    () => partial.delay(),
    () => chain(add.s(1, 2), partial).delay(),
    () => group([add.s(1, 2), chain(now.s(), double.s())]).delay(),
    // @ts-expect-error one argument is missing
    () => add.s(1).delay(),
    // @ts-expect-error of the first step too
    () => chain(add.s(1), double.s()).delay(),
    // @ts-expect-error of one member too
    () => group([add.s(1, 2), add.s(1)]).delay(),
    // @ts-expect-error of a member of a chord too
    () => chord([add.s(1, 2), add.s(1)], total.s()).delay(),
  ];

  assert.equal(calls.length, 7);
});

test('a group has the tuple of the values of its members, also nested', async () => {
  const two = await group([add.s(1, 2), named.s(3)]).delay();
  const nested = await group([add.s(1, 2), group([named.s(1), chain(double.s(1), maybe.s())]), silent.s(1)]).delay();
  const same2 = await group([1, 2, 3].map((n) => double.s(n))).delay();
  const many = await double.map([1, 2, 3]).delay();
  const none = await group([]).delay();

  same<Awaited<ReturnType<typeof two.get>>, [number, string]>();
  same<(typeof two)['results'], readonly [AsyncResult<number>, AsyncResult<string>]>();
  same<Awaited<ReturnType<typeof nested.get>>, [number, [string, string | null], void]>();
  same<Awaited<ReturnType<typeof same2.get>>, number[]>();
  same<Awaited<ReturnType<typeof many.get>>, number[]>();
  same<Awaited<ReturnType<typeof none.get>>, []>();
  const [settled, text] = await two.settled();
  same<typeof settled, PromiseSettledResult<number>>();
  same<typeof text, PromiseSettledResult<string>>();
  for await (const result of two) same<typeof result, AsyncResult<number> | AsyncResult<string>>();
  const [, inner] = nested.results;
  same<Awaited<ReturnType<typeof inner.get>>, [string, string | null]>();
  assert.deepEqual(await two.get(), [3, '#30']);
});

test('a group in a chain gives the value to each member, and the array of theirs to what follows', () => {
  const calls = [
    () => chain(add.s(1, 2), group([double.s(), named.s()]), pair.s('!')),
    () => chain(add.s(1, 2), group([double.s(), chain(double.s(), named.s())]), pair.s('!'), length.s()),
    () => chain(group([add.s(1, 2), double.s(2)]), total.s(), group([double.s(), named.s()]), pair.s()),
    () => chain(add.s(1, 2), add.map([1, 2]), total.s()),
    () => chain(group([double.s(1), group([named.s(1)])]), now.si()),
    // @ts-expect-error the second member takes a text
    () => chain(add.s(1, 2), group([double.s(), length.s()])),
    // @ts-expect-error a pair of two numbers
    () => chain(add.s(1, 2), group([double.s(), double.s()]), pair.s()),
    // @ts-expect-error a text among the numbers
    () => chain(add.s(1, 2), group([double.s(), named.s()]), total.s()),
    // @ts-expect-error an array for a number
    () => chain(group([add.s(1, 2)]), double.s()),
    // @ts-expect-error a Date for a number
    () => double.map([new Date()]),
  ];

  assert.equal(calls.length, 10);
});

test('the callback of a chord takes the array, and its handle has the members', async () => {
  const sum = await chord([add.s(1, 2), double.s(2)], total.s()).delay();
  const of = await chord(double.map([1, 2]), chain(total.s(), named.s())).delay();
  const callbacks = [
    () => chord([add.s(1, 2), named.s(2)], pair.s('!')),
    () => chord(group([add.s(1, 2), named.s(2)]), pair.s('!')),
    () => chord([add.s(1, 2)], group([total.s(), now.si()])),
    // @ts-expect-error a text among the numbers
    () => chord([add.s(1, 2), named.s(2)], total.s()),
    // @ts-expect-error it takes one number
    () => chord([add.s(1, 2)], double.s()),
    // @ts-expect-error a callback is a signature
    () => chord([add.s(1, 2)], total),
    // @ts-expect-error a chain is no list of members
    () => chord(chain(add.s(1, 2)), total.s()),
  ];

  same<(typeof sum)['get'], AsyncResult<number>['get']>();
  same<(typeof sum)['members']['get'], GroupResult<number, [number, number]>['get']>();
  same<Awaited<ReturnType<typeof of.get>>, string>();
  same<Awaited<ReturnType<typeof of.members.get>>, number[]>();
  same<typeof of.steps, readonly [AsyncResult<number>]>();
  assert.equal(callbacks.length, 7);
});

test('the handle of a chain has those of its other steps, in order, and what its last part has', async () => {
  const three = await chain(add.s(1, 2), named.s(), length.s()).delay();
  const last = await chain(add.s(1, 2), chain(double.s(), named.s())).delay();
  const wide = await chain(add.s(1, 2), group([double.s(), named.s()])).delay();
  const one = await chain(add.s(1, 2)).delay();

  same<(typeof three)['steps'], readonly [AsyncResult<number>, AsyncResult<string>]>();
  same<(typeof last)['steps'], readonly [AsyncResult<number>, AsyncResult<number>]>();
  same<(typeof wide)['steps'], readonly [AsyncResult<number>]>();
  same<Awaited<ReturnType<typeof wide.get>>, [number, string]>();
  same<(typeof one)['steps'], readonly []>();
  assert.deepEqual(await Promise.all(three.steps.map((step) => step.get())), [3, '#30']);
});

test('what follows a group that was sent takes its values; a handler takes a failure', async () => {
  const two = await group([add.s(1, 2), named.s(3)]).delay();
  const many = await double.delayMany([[1], [2]]);

  const done = await two.done(pair.s('!'));
  same<typeof done, AsyncResult<string>>();
  const calls = [
    () => many.done(total.s()),
    () => many.done(chain(total.s(), named.s())),
    () => add.s(1, 2).delay({ onError: report.s('ops') }),
    () => add.s(1, 2).delay({ onError: task('fit.any', (value: unknown) => value).s() }),
    () => two.done(pair.s(), { onError: report.s() }),
    // @ts-expect-error a text among the numbers
    () => two.done(total.s()),
    // @ts-expect-error it takes one number
    () => many.done(double.s()),
    // @ts-expect-error the failure is no number
    () => add.s(1, 2).delay({ onError: double.s() }),
    // @ts-expect-error no such option
    () => add.s(1, 2).delay({ onEror: report.s() }),
  ];

  assert.equal(calls.length, 9);
});

test('a function over any task can make signatures of it', () => {
  function twice<R>(one: Task<[n: number], R>): readonly Signature<R, unknown>[] {
    return [one.si(1), one.si(2)];
  }
  const list: Signature<number>[] = [double.s(1), double.s(2)];
  const rest: Signature<number, number, string>[] = [double.s(), add.s(1)];

  assert.equal(twice(double).length + list.length + rest.length, 6);
  assert.ok(chain(double.s(1), ...rest));
  assert.ok(group(list));
});
