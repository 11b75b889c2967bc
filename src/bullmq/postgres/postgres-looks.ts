/** Looks at many jobs in PostgreSQL: pages of a state, what is first, and what has happened since. */
import type { Heads, NamedRaw, News, Page, RawJob } from '../store.ts';
import { namedRaw } from './raw-rows.ts';
import type { Row, Sql } from './schema.ts';

/** Where the jobs of a state are, in the order in which they come, and by what: two columns that no two jobs of a queue have in common. */
interface Shelf {
  readonly where: string;
  readonly by: readonly [string, string];
  readonly isDown?: boolean;
}

const ENDED: Pick<Shelf, 'by' | 'isDown'> = { by: ['finished_at_ms', 'id'], isDown: true };

const SHELVES: Readonly<Record<RawJob['state'], readonly Shelf[]>> = {
  waiting: [{ where: `state = 'waiting'`, by: ['priority', 'seq'] }],
  delayed: [
    { where: `state = 'delayed'`, by: ['process_at_ms', 'id'] },
    // But for those on their way to another place, which have a time.
    { where: `state = 'waiting-children' AND j.process_at_ms IS NULL`, by: ['seq', 'id'] },
  ],
  active: [{ where: `state = 'active'`, by: ['seq', 'id'] }],
  completed: [{ where: `state = 'completed'`, ...ENDED }],
  failed: [{ where: `state = 'failed'`, ...ENDED }],
};

/** A job's columns without its texts, and the counters of its tail. */
const NAMED: string = `j.queue, j.id, j.state::text AS state, j.process_at_ms, j.lock_token, j.name, j.priority, j.attempts_started, j.stalled_count,
  j.finished_at_ms, substring(t.tail FROM '^[0-9]+ [0-9]+ [0-9]+') AS tail`;

/** See `Store.page`. A cursor is the number of the shelf, and both columns of the last job. */
export async function readPage(
  sql: Sql,
  { queue, state, after, count }: Pick<RawJob, 'queue' | 'state'> & { after: string | null; count: number },
): Promise<Page> {
  const shelves = SHELVES[state];
  const [, number = '0', first, second] = /^(\d+)(?: (-?\d+) (.*))?$/s.exec(after ?? '0') ?? [];
  for (let i = Number(number), from = first; i < shelves.length; i++, from = undefined) {
    const shelf = shelves[i];
    if (shelf === undefined) break;
    const rows = await sql(pageOf(shelf, from !== undefined), [
      queue,
      count,
      ...(from === undefined ? [] : [from, second]),
    ]);
    const last = rows.at(-1);
    if (last === undefined) continue;
    const isOver = rows.length < count;
    const next = isOver ? (i + 1 < shelves.length ? `${i + 1}` : null) : cursorOf(i, last);
    return { jobs: rows.map((row): NamedRaw => ({ ...namedRaw(row), state })), next };
  }
  return { jobs: [], next: null };
}

function pageOf({ where, by: [first, second], isDown = false }: Shelf, isLater: boolean): string {
  const [direction, compare] = isDown ? ['DESC', '<'] : ['ASC', '>'];
  const type = second === 'id' ? 'text' : 'bigint';
  // The first comparison is for the index.
  const later = `AND j.${first} ${compare}= $3::bigint AND (j.${first}, j.${second}) ${compare} ($3::bigint, $4::${type})`;
  return `
SELECT ${NAMED}, j.${first} AS first, j.${second}::text AS second
FROM job j LEFT JOIN fsq_tails t ON t.queue = j.queue AND t.id = j.id
WHERE j.queue = $1 AND j.${where} ${isLater ? later : ''}
ORDER BY j.${first} ${direction}, j.${second} ${direction} LIMIT $2`;
}

function cursorOf(shelf: number, row: Row): string {
  return `${shelf} ${String(row['first'])} ${String(row['second'])}`;
}

/** Of the priorities of fsq, and of all that are beyond them together. */
const HEADS: string = `
SELECT queue, (SELECT count(*) FROM job j WHERE j.queue = q.queue AND j.state = 'waiting') AS ready,
  ARRAY(
    SELECT (
      SELECT id FROM job j
      WHERE j.queue = q.queue AND j.state = 'waiting' AND (j.priority = p OR p = 10 AND j.priority > 10)
      ORDER BY j.priority, j.seq LIMIT 1
    ) FROM generate_series(0, 10) AS p
  ) AS ids
FROM unnest($1::text[]) AS q(queue)`;

/** See `Store.heads`. */
export async function readHeads(sql: Sql, queues: readonly string[]): Promise<readonly Heads[]> {
  const rows = await sql(HEADS, [queues]);
  return rows.map(({ queue, ready, ids }) => ({
    queue: String(queue),
    ready: Number(ready),
    ids: Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [],
  }));
}

/** Events have numbers before they are there: one with a lower number may come later than another, by no more than this, ms. */
const LATE_MS = 2_000;
/** BullMQ keeps so many events of a queue at least, unless it is told otherwise. */
const KEPT = 10_000;

const NEWS: string = `
SELECT COALESCE((SELECT max(id) FROM event), 0) AS high,
  ARRAY(
    SELECT DISTINCT data ->> 'jobId' FROM event
    WHERE queue = ANY($1::text[]) AND id > $2::bigint AND data ? 'jobId'
  ) AS ids`;

interface Position {
  /** All up to this event have been told. */
  readonly low: number;
  /** Up to this one they have been looked at, at `atMs`. */
  readonly high: number;
  readonly atMs: number;
}

/** See `Store.news`. What may have come late is told twice. */
export async function readNews(sql: Sql, queues: readonly string[], position: string | null): Promise<News> {
  const before = position === null ? null : parsePosition(position);
  const nowMs = Date.now();
  const [row] = await sql(NEWS, [queues, before?.low ?? Number.MAX_SAFE_INTEGER]);
  const high = Number(row?.['high'] ?? 0);
  const after: Position =
    before === null
      ? { low: high, high, atMs: nowMs }
      : nowMs - before.atMs < LATE_MS
        ? { ...before }
        : { low: before.high, high, atMs: nowMs };
  const ids: unknown = row?.['ids'];
  return {
    ids: Array.isArray(ids) ? ids.map(String) : [],
    position: JSON.stringify(after),
    hasGap: before !== null && high - before.low > KEPT,
  };
}

function parsePosition(text: string): Position {
  const { low, high, atMs } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return { low: Number(low), high: Number(high), atMs: Number(atMs) };
}

/** See `Store.idsByPrefix`. */
export async function readIds(
  sql: Sql,
  prefix: string,
  queues: readonly string[],
  limit: number,
): Promise<readonly string[]> {
  const rows = await sql(
    'SELECT DISTINCT id FROM job WHERE queue = ANY($1::text[]) AND starts_with(id, $2) ORDER BY id LIMIT $3',
    [queues, prefix, limit],
  );
  return rows.map(({ id }) => String(id));
}
