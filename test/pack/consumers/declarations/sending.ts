// Never run: what every supported tsc must make of the packed declarations, without @types/node and exactOptionalPropertyTypes.
import { chain, chord, type FailedJob, group, GroupResult, type JsonValue, type Task, task } from 'fsq';

const add = task('add', (a: number, b = 2) => a.toFixed(b));
const dated = task('dated', { retries: 1 }, async (id: number) => ({ id, createdAt: new Date() }));
const anything = task('anything', (value: JsonValue, more?: { note?: string }) => [value, more?.note ?? null]);

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
interface Tree {
  value: number;
  children: Tree[];
}
const own = task('own', async (value: Json): Promise<Json> => value);
const tree = task('tree', (root: Tree) => root);

const double = task('double', async (n: number) => 2 * n);
const total = task('total', (numbers: readonly number[]) => numbers.length);
const report = task('report', (failed: FailedJob, to: string) => `${to}: ${failed.message}`);

const rows = [[1], [2, 3]] as const;
const all: Task[] = [add, dated, anything, own, tree];

async function send<A extends readonly unknown[], R>(one: Task<A, R>, ...args: A): Promise<R> {
  return (await one.delay(...args)).get();
}

export async function compose(): Promise<[string, number[]]> {
  const row = await chain(double.s(1), add.s(3)).delay({ onError: report.s('ops') });
  const [first] = row.steps;
  const both = await group([double.s(await first.get()), add.s(1), group([double.s(2)])]).delay();
  const [n, text, [inner]] = await both.get();
  const sum = await chord(double.map([n, inner]), total.s()).delay();
  for await (const member of sum.members) await member.get();
  const again = new GroupResult([sum.id].map((id) => double.result(id)));
  const after = await again.done(total.s());
  // @ts-expect-error a text for a number
  chain(add.s(1), double.s());
  // @ts-expect-error an argument is missing
  await double.s().delay();
  // @ts-expect-error one number for a list of them
  chord([double.s(1)], double.s());
  return [text, [await sum.get(), ...(await sum.members.get()), await after.get()]];
}

export async function use(): Promise<(string | null)[]> {
  const text: string = await send(add, 1);
  await add.delayMany(rows);
  await anything.delay({ list: [1, { deep: null }] }, { note: undefined });
  await anything.delay(null, undefined);
  await own.delay([{ a: 'x' }]);
  await tree.delay({ value: 1, children: [{ value: 2, children: [] }] });
  const row: { createdAt: Date } = await dated(1);
  // @ts-expect-error a Date would not come back
  await dated.delay(1);
  // @ts-expect-error nor by way of a helper
  await send(dated, 1);
  // @ts-expect-error a text for a number
  await add.delay(1, '2');
  return [...all.map(({ name }) => name), text, row.createdAt.toISOString()];
}
