/** Looks at many jobs in Redis: which scripts make a page, and what their rows say. */
import type { Heads, NamedRaw, News, Page, RawJob } from '../store.ts';
import { FIELDS, type ScriptName } from './scripts.ts';

export type RunScript = (name: ScriptName, ...args: readonly (string | number)[]) => Promise<unknown>;

/** BullMQ's lists and sets of each state, in the order in which their jobs come. */
const PLACES = {
  waiting: ['wait', 'prioritized'],
  delayed: ['delayed', 'waiting-children'],
  active: ['active'],
  completed: ['completed'],
  failed: ['failed'],
} as const satisfies Record<RawJob['state'], readonly string[]>;

const LISTS: readonly string[] = ['wait', 'active'];

/** BullMQ keeps the order of those that are due in one millisecond in the lowest twelve bits. */
function dueAtOf(score: string): number {
  return Math.floor(Number(score) / 0x1000);
}

/** Where a page begins: in which place, and what is behind. Of a list the id before and how far that was; of a set the score and how many to leave out. */
interface Cursor {
  readonly place: number;
  readonly mark: string;
  readonly skip: number;
}

/** See `Store.page`. @param prefix of BullMQ's keys */
export async function readPage(
  run: RunScript,
  prefix: string,
  { queue, state, after, count }: Pick<RawJob, 'queue' | 'state'> & { after: string | null; count: number },
): Promise<Page> {
  const base = `${prefix}:${queue}:`;
  const places: readonly string[] = PLACES[state];
  let cursor: Cursor | null = after === null ? { place: 0, mark: '', skip: 0 } : parseCursor(after);
  while (cursor !== null) {
    const at: Cursor = cursor;
    const key = places[at.place];
    if (key === undefined) break;
    const { jobs, next } = LISTS.includes(key)
      ? await listPage(run, base, key, at, count, { queue, state })
      : await setPage(run, base, key, at, count, { queue, state });
    cursor = jobs.length < count ? { place: at.place + 1, mark: '', skip: 0 } : next;
    if (jobs.length > 0) {
      const isLast = cursor.place >= places.length;
      return { jobs, next: isLast ? null : `${cursor.place} ${cursor.skip} ${cursor.mark}` };
    }
  }
  return { jobs: [], next: null };
}

function parseCursor(text: string): Cursor | null {
  const [, place, skip, mark = ''] = /^(\d+) (\d+) (.*)$/s.exec(text) ?? [];
  return place === undefined ? null : { place: Number(place), mark, skip: Number(skip) };
}

interface Read {
  readonly jobs: readonly NamedRaw[];
  readonly next: Cursor;
}

type Of = Pick<NamedRaw, 'queue' | 'state'>;

async function listPage(
  run: RunScript,
  base: string,
  key: string,
  { place, mark, skip }: Cursor,
  count: number,
  of: Of,
): Promise<Read> {
  const [from, rows] = rowsOf(await run('fsqListPage', base, key, mark, skip, count));
  const jobs = rowsOf(rows).map((row) => namedRaw(of, row));
  return { jobs, next: { place, mark: jobs.at(-1)?.id ?? mark, skip: Number(from) + jobs.length } };
}

async function setPage(
  run: RunScript,
  base: string,
  key: string,
  { place, mark, skip }: Cursor,
  count: number,
  of: Of,
): Promise<Read> {
  const isEnded = of.state === 'completed' || of.state === 'failed';
  const first = mark === '' ? (isEnded ? '+inf' : '-inf') : mark;
  const rows = rowsOf(await run(isEnded ? 'fsqEndedPage' : 'fsqSetPage', base, key, first, skip, count));
  const scores = rows.map((row) => String(rowsOf(row)[1]));
  const last = scores.at(-1) ?? mark;
  const equal = scores.filter((score) => score === last).length;
  const next = { place, mark: last, skip: equal === scores.length && last === mark ? skip + equal : equal };
  return { jobs: rows.map((row) => (isEnded ? endedRaw(of, row) : namedRaw(of, row))), next };
}

function namedRaw({ queue, state }: Of, row: unknown): NamedRaw {
  const [id, score, name, priority, claims, stalls, tail, token] = rowsOf(row);
  return {
    id: String(id),
    queue,
    state,
    dueAtMs: state === 'delayed' && typeof score === 'string' ? dueAtOf(score) : null,
    token: textOf(token),
    name: textOf(name) ?? '',
    priority: Number(priority ?? 0),
    claims: Number(claims ?? 0),
    stalls: Number(stalls ?? 0),
    finishedOn: null,
    tail: textOf(tail),
  };
}

function endedRaw({ queue, state }: Of, row: unknown): NamedRaw {
  const [id, score] = rowsOf(row);
  const nothing = { dueAtMs: null, token: null, name: '', priority: 0, claims: 0, stalls: 0, tail: null };
  return { id: String(id), queue, state, finishedOn: Number(score), ...nothing };
}

/** See `Store.heads`. */
export async function readHeads(run: RunScript, prefix: string, queues: readonly string[]): Promise<readonly Heads[]> {
  return rowsOf(await run('fsqHeads', prefix, ...queues)).map((row) => {
    const [queue, ready, ...ids] = rowsOf(row);
    return { queue: String(queue), ready: Number(ready), ids: ids.filter((id) => typeof id === 'string') };
  });
}

/** Events of one queue that are read at a time: BullMQ keeps ten thousand. */
const MOST_NEWS = 20_000;

/** See `Store.news`. A position is the place in the stream of each queue. */
export async function readNews(
  run: RunScript,
  prefix: string,
  queues: readonly string[],
  position: string | null,
): Promise<News> {
  const places = new Map(position === null ? [] : parsePlaces(position));
  const asked = queues.flatMap((queue) => [queue, places.get(queue) ?? (position === null ? '$' : '0-0')]);
  const rows = rowsOf(await run('fsqNews', prefix, MOST_NEWS, ...asked));
  let hasGap = position !== null && queues.some((queue) => !places.has(queue));
  const ids = new Set<string>();
  for (const [i, row] of rows.entries()) {
    const [place, isTorn, ...heard] = rowsOf(row);
    places.set(queues[i] ?? '', String(place));
    hasGap ||= isTorn === 1;
    for (const id of heard) ids.add(String(id));
  }
  return { ids: [...ids], position: JSON.stringify([...places]), hasGap };
}

function parsePlaces(position: string): readonly (readonly [string, string])[] {
  const parsed: unknown = JSON.parse(position);
  return rowsOf(parsed).map((pair) => [String(rowsOf(pair)[0]), String(rowsOf(pair)[1])]);
}

export function rowsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** One that `fsqLook` gives; null where there is none. */
export function rawJob(id: string, row: unknown): RawJob | null {
  if (!Array.isArray(row)) return null;
  const [queue, state, score, token, logged, values] = row as readonly unknown[];
  const fields = new Map(FIELDS.map((field, i) => [field as string, textOf(rowsOf(values)[i])]));
  return {
    ...rawIn(id, String(queue), fields),
    state: state as RawJob['state'], // The script gives no other.
    dueAtMs: state === 'delayed' && typeof score === 'string' ? dueAtOf(score) : null,
    token: textOf(token),
    logged: Number(logged ?? 0),
  };
}

/** One that was claimed. @param flat its hash: a field, its value, and so on */
export function claimedJob(id: string, queue: string, flat: readonly unknown[]): RawJob {
  const fields = new Map<string, string | null>();
  for (let i = 0; i < flat.length; i += 2) fields.set(String(flat[i]), textOf(flat[i + 1]));
  return rawIn(id, queue, fields);
}

function rawIn(id: string, queue: string, fields: ReadonlyMap<string, string | null>): RawJob {
  const field = (name: string): string | null => fields.get(name) ?? null;
  // Another program may have written anything.
  const numberOf = (name: string): number | null => (field(name) === null ? null : Number(field(name)) || 0);
  return {
    id,
    queue,
    state: 'active',
    dueAtMs: null,
    token: null,
    name: field('name') ?? '',
    data: field('data') ?? '{}',
    priority: numberOf('priority') ?? 0,
    timestamp: numberOf('timestamp') ?? 0,
    processedOn: numberOf('processedOn'),
    finishedOn: numberOf('finishedOn'),
    returnvalue: field('returnvalue'),
    failedReason: field('failedReason'),
    stacktrace: field('stacktrace'),
    processedBy: field('pb'),
    claims: numberOf('ats') ?? 0,
    stalls: numberOf('stc') ?? 0,
    deferredFailure: field('defa'),
    tail: field('fsq'),
    progress: field('progress'),
    report: field('fsqReport'),
    logged: 0,
  };
}

/** Where a pattern of Redis means more than the character. */
export function quoted(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}
