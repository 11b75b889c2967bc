/** What TypeScript lets be sent, and of which tasks. `npm run typecheck` is the test, and scripts/pack-smoke.mjs with other releases of it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  createApp,
  type AsyncResult,
  type FailedJob,
  type JsonValue,
  type Task,
  type UnserialisableResult,
} from '../../src/index.ts';
import { same } from '../support/same-type.ts';

const { task } = createApp({ spool: '/nowhere', alwaysEager: true });

const add = task('sending.add', (a: number, b: number) => a + b);

interface Row {
  id: number;
  name: string | null;
  note?: string;
  tags: string[];
}

test('a task whose result JSON would change runs here and cannot be sent', () => {
  class Money {
    readonly cents = 1;
    isMore(other: Money): boolean {
      return this.cents > other.cents;
    }
  }
  const dated = task('sending.dated', async (id: number) => ({ id, createdAt: new Date(0) }));
  const mapped = task('sending.mapped', { retries: 1 }, () => new Map([['a', 1]]));
  const big = task('sending.big', (): Promise<bigint | null> => Promise.resolve(1n));
  const rich = task('sending.rich', () => [new Money()]);
  const holes = task('sending.holes', () => [1, undefined]);
  const calls = [
    // @ts-expect-error a Date in a row
    () => dated.delay(1),
    // @ts-expect-error a Date in a row
    () => dated.applyAsync([1]),
    // @ts-expect-error a Date in a row
    () => dated.delayMany([[1]]),
    // @ts-expect-error a Map
    () => mapped.delay(),
    // @ts-expect-error a bigint, perhaps
    () => big.delay(),
    // @ts-expect-error instances of a class
    () => rich.delay(),
    // @ts-expect-error undefined in an array
    () => holes.delay(),
    // @ts-expect-error nor by a function that sends any task
    () => send(mapped),
  ];
  const here = [() => dated(1), () => mapped.run(), () => big(), () => rich(), () => holes()];

  same<Parameters<typeof mapped.delay>[0], UnserialisableResult<Map<string, number>>>();
  assert.equal(calls.length + here.length, 13);
});

test('a task that returns nothing, rows, perhaps nothing, or what is not known can be sent', () => {
  const calls: readonly (() => Promise<AsyncResult>)[] = [
    task('sending.void', () => undefined).delay,
    task('sending.promised', async (): Promise<void> => undefined).delay,
    task('sending.rows', async (): Promise<Row[]> => []).delay,
    task('sending.maybe', (): Row | undefined => undefined).delay,
    task('sending.unknown', (): unknown => 1).delay,
    task('sending.never', (): never => assert.fail('x')).delay,
    task('sending.json', (): JsonValue => null).delay,
  ];

  assert.equal(calls.length, 7);
});

test('a failure as data can be sent, and an error cannot', () => {
  class Odd extends Error {
    readonly code = 'E_ODD';
  }
  const report = task('sending.report', (failed: FailedJob) => failed.name);
  const throwing = task('sending.throwing', (error: Error) => error.name);
  const odd = task('sending.odd', (error: Odd) => error.name);
  const failed: FailedJob = { id: 'x', task: 'add', state: 'failed', name: 'E', message: 'm' };
  const calls = [
    () => report.delay(failed),
    // @ts-expect-error an Error
    () => throwing.delay(new Error('m')),
    // @ts-expect-error an Error of another class
    () => odd.delay(new Odd('m')),
  ];

  assert.equal(calls.length, 3);
});

test('recursive types have no end, and need none', () => {
  type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
  interface Tree {
    value: number;
    left?: Tree | null;
    children: readonly Tree[];
  }
  interface Dated {
    when: Date;
    next?: Dated;
  }
  const given = task('sending.given', (value: JsonValue) => value);
  const own = task('sending.own', (value: Json, more: Record<string, Json>) => [value, more]);
  const tree = task('sending.tree', (root: Tree) => root);
  const dated = task('sending.chain', (chain: Dated) => chain.when.getTime());
  const calls = [
    () => given.delay({ a: [1, { b: null }] }),
    () => own.delay([1, { a: 'x' }], { b: [true] }),
    () => tree.delay({ value: 1, children: [{ value: 2, left: null, children: [] }] }),
    // @ts-expect-error a Date at any depth
    () => dated.delay({ when: new Date(0) }),
  ];

  assert.equal(calls.length, 4);
});

test('parameters with a default value have its type, and may be left out', () => {
  const plain = task('sending.plain', (a: number, b = 2) => a.toFixed(b));
  const first = task('sending.first', (size = 'small') => size.length);
  const configured = task('sending.configured', { retries: 1 }, async (a: string, { deep = false } = {}) =>
    deep ? a : '',
  );

  same<typeof plain, Task<[a: number, b?: number], string>>();
  same<ReturnType<typeof configured.delay>, Promise<AsyncResult<string>>>();
  const calls = [
    () => plain.delay(1),
    () => plain.delay(1, 3),
    () => first.delay(),
    () => configured.delay('a', { deep: true }),
    // @ts-expect-error a text for a number
    () => plain.delay(1, '3'),
  ];

  assert.equal(calls.length, 5);
});

test('any task is a Task, in lists and for functions over them', async () => {
  const keyed = task('sending.keyed', { key: String }, (row: Row) => row.id);
  const all: readonly Task[] = [add, keyed, task('sending.none', () => new Date(0))];
  const row: Row = { id: 1, name: null, tags: [] };

  assert.deepEqual(
    all.map(({ name }) => name),
    ['sending.add', 'sending.keyed', 'sending.none'],
  );
  assert.equal(await send(add, 1, 2), 3);
  assert.equal(await send(keyed, row), 1);
  assert.deepEqual(
    await sendAll(add, [
      [1, 2],
      [3, 4],
    ]),
    [3, 7],
  );
  assert.equal(await defined((a: number) => a + 1).run(1), 2);
  // @ts-expect-error the arguments are those of the task
  const wrong = (): Promise<number> => send(add, 1, 'b');
  assert.equal(typeof wrong, 'function');
});

test('read-only rows and lists are sent as well', async () => {
  const constant = [
    [1, 2],
    [3, 4],
  ] as const;
  const rows: readonly (readonly [number, number])[] = constant;
  const frozen: Readonly<Row> = Object.freeze({ id: 1, name: 'x', tags: [] });
  const take = task('sending.take', (row: Row) => row.name);

  assert.equal((await add.delayMany(constant)).length, 2);
  assert.equal((await add.delayMany(rows)).length, 2);
  assert.equal(await (await add.applyAsync(constant[0])).get(), 3);
  assert.equal(await (await take.delay(frozen)).get(), 'x');
});

test('what is undefined compiles where it is left out: properties, optional arguments', async () => {
  const take = task('sending.optional', (row: { a?: string | undefined; b: number | undefined }, more?: number) => [
    row,
    more ?? null,
  ]);

  assert.deepEqual(await (await take.delay({ a: undefined, b: undefined })).get(), [{}, null]);
  assert.equal(await (await take.delay({ b: 1 })).successful(), true);
});

async function send<A extends readonly unknown[], R>(one: Task<A, R>, ...args: A): Promise<R> {
  return (await one.delay(...args)).get();
}

async function sendAll<A extends readonly unknown[], R>(one: Task<A, R>, rows: readonly A[]): Promise<R[]> {
  return (await one.delayMany(rows)).get();
}

function defined<A extends readonly unknown[], R>(fn: (...args: A) => R): Task<A, Awaited<R>> {
  return task<A, R>('sending.defined', fn);
}
