/** All jobs of a store, by their names alone: of each queue and state some at a time. */
import type { ListedState, Unended } from '../../broker/broker.ts';
import type { Engine } from '../engine.ts';
import { standingOf, waitsForOthers } from '../jobs/raw-sighting.ts';
import { MOVING } from '../moving/move-store.ts';
import { ownerOf } from '../jobs/tokens.ts';
import { inReason } from '../store-wait.ts';
import type { NamedRaw, Page, RawJob } from '../store.ts';

/** Names that are read at a time. */
const PAGE = 1_000;

/** BullMQ's states of each of fsq's, in the order of a listing. */
export const STATES: Readonly<Record<ListedState, readonly RawJob['state'][]>> = {
  running: ['active'],
  pending: ['waiting'],
  delayed: ['delayed'],
  results: ['completed', 'failed'],
};

/** One that moves meanwhile may be given twice, or be missed. Each page has a time of its own: all may take as long as there are jobs. */
export async function* jobsIn(
  engine: Engine,
  queue: string,
  state: RawJob['state'],
): AsyncGenerator<NamedRaw, void, undefined> {
  let after: string | null = null;
  do {
    const from: string | null = after;
    const page: Page = await inReason(() => engine.store.page(queue, state, from, PAGE));
    yield* page.jobs;
    after = page.next;
  } while (after !== null);
}

/** The jobs of all queues that are in this state, in the order of a listing. */
export async function* jobsOfAll(
  engine: Engine,
  queues: readonly string[],
  state: ListedState,
): AsyncGenerator<NamedRaw, void, undefined> {
  const rows = queues.flatMap((queue) => STATES[state].map((one) => jobsIn(engine, queue, one)));
  yield* merged(rows, ORDER[state]);
}

/** Those of several rows, of the first ones always the least. Holds one of each. */
export async function* merged<T>(
  rows: readonly AsyncIterator<T, void, undefined>[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<T, void, undefined> {
  const heads: { readonly row: AsyncIterator<T, void, undefined>; value: T }[] = [];
  for (const row of rows) {
    const first = await row.next();
    if (first.done !== true) heads.push({ row, value: first.value });
  }
  for (;;) {
    const [first, ...others] = heads;
    if (first === undefined) return;
    let least = first;
    for (const head of others) if (compare(head.value, least.value) < 0) least = head;
    yield least.value;
    const next = await least.row.next();
    if (next.done === true) heads.splice(heads.indexOf(least), 1);
    else least.value = next.value;
  }
}

/** Those to run first, those due first, and those that ended last. */
const ORDER: Readonly<Record<ListedState, (a: NamedRaw, b: NamedRaw) => number>> = {
  running: byId,
  pending: (a, b) => a.priority - b.priority || byId(a, b),
  delayed: (a, b) => (a.dueAtMs ?? Infinity) - (b.dueAtMs ?? Infinity) || byId(a, b),
  results: (a, b) => (b.finishedOn ?? 0) - (a.finishedOn ?? 0) || byId(b, a),
};

function byId(a: NamedRaw, b: NamedRaw): number {
  return a.id < b.id ? -1 : 1;
}

/** When it is due, Unix ms; null of one that is not delayed, or waits for others. */
export function dueOf(raw: NamedRaw): number | null {
  return waitsForOthers(raw) ? null : raw.dueAtMs;
}

/** See `Broker.unended`. */
export async function unendedJobs(engine: Engine): Promise<readonly Unended[]> {
  const found = new Map<string, Unended>();
  const queues = await inReason(() => engine.queues.all());
  for (const each of await inReason(() => movingJobs(engine))) found.set(each.id, each);
  // In the order in which jobs go: one that is found twice has moved meanwhile, and the second place is the later one.
  for (const state of ['delayed', 'waiting', 'active'] as const)
    for (const queue of queues)
      for await (const raw of jobsIn(engine, queue, state)) {
        const { priority, attempt } = standingOf(raw, null);
        const owner = state === 'active' ? ownerOf(raw.token ?? '') : null;
        const shown = state === 'active' ? 'running' : state === 'waiting' ? 'pending' : state;
        found.set(raw.id, { id: raw.id, queue, priority, attempt, state: shown, dueAtMs: dueOf(raw), owner });
      }
  return [...found.values()];
}

/** Those on their way to or from another place: they are delayed, and lie in none of BullMQ's lists. */
async function movingJobs(engine: Engine): Promise<readonly Unended[]> {
  const moving = await engine.store.fields(MOVING);
  const raws = moving.size === 0 ? [] : await engine.queues.look([...moving.keys()]);
  return raws.flatMap((raw) => {
    if (raw === null || !moving.has(raw.id)) return [];
    const { priority, attempt } = standingOf(raw, null);
    return [{ id: raw.id, queue: raw.queue, priority, attempt, state: 'delayed', dueAtMs: dueOf(raw), owner: null }];
  });
}
