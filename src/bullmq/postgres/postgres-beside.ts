/** What a run shows and keeps, in PostgreSQL: beside its tail, and BullMQ's own lines of its log. All of it goes with the job. */
import type { LogAppended, LogRoom, Place } from '../store.ts';
import { exactText, storableText } from './wire/exact-json.ts';
import type { Sql } from './schema.ts';

/** Lines of a log that are read at a time; each is some KB at most. */
const LOG_LINES = 500;

const HELD: string = `SELECT queue, id, $4 FROM job WHERE queue = $1 AND id = $2 AND state = 'active' AND lock_token = $3 FOR NO KEY UPDATE`;

/** $1 queue, $2 id, $3 token, $4 report, $5 per cent or null. */
const KEEP_REPORT: string = `
WITH kept AS (
  INSERT INTO fsq_tails (queue, id, report) ${HELD}
  ON CONFLICT (queue, id) DO UPDATE SET report = excluded.report RETURNING queue, id
)
SELECT CASE WHEN $5::float8 IS NOT NULL THEN update_progress(queue, id, to_jsonb($5::float8)) END FROM kept`;

/** $1 queue, $2 id, $3 token, $4 text. */
const KEEP_CHECKPOINT: string = `
INSERT INTO fsq_tails (queue, id, checkpoint) ${HELD}
ON CONFLICT (queue, id) DO UPDATE SET checkpoint = excluded.checkpoint RETURNING 1`;

export async function keepReport(
  sql: Sql,
  { queue, id }: Place,
  token: string,
  report: string,
  percent: number | null,
): Promise<boolean> {
  return (await sql(KEEP_REPORT, [queue, id, token, storableText(report), percent])).length > 0;
}

export async function keepCheckpoint(sql: Sql, { queue, id }: Place, token: string, text: string): Promise<boolean> {
  return (await sql(KEEP_CHECKPOINT, [queue, id, token, storableText(text)])).length > 0;
}

export async function readCheckpoint(sql: Sql, { queue, id }: Place): Promise<string | null> {
  const [row] = await sql('SELECT checkpoint FROM fsq_tails WHERE queue = $1 AND id = $2', [queue, id]);
  const text = row?.['checkpoint'];
  return typeof text === 'string' ? exactText(text) : null;
}

export async function dropCheckpoint(sql: Sql, { queue, id }: Place): Promise<void> {
  await sql('UPDATE fsq_tails SET checkpoint = NULL WHERE queue = $1 AND id = $2 AND checkpoint IS NOT NULL', [
    queue,
    id,
  ]);
}

/** See `Store.appendLog`. */
export async function appendLog(
  sql: Sql,
  { queue, id }: Place,
  lines: readonly string[],
  { mostBytes, clearAboveBytes }: LogRoom,
): Promise<LogAppended> {
  const values = [queue, id, mostBytes, clearAboveBytes ?? -1, lines.map(storableText)];
  const [row] = await sql('SELECT * FROM fsq_append_log($1, $2, $3, $4, $5::text[])', values);
  const { taken, size, cleared } = row ?? {};
  return { taken: Number(taken), sizeBytes: Number(size), clearedBytes: Number(cleared) };
}

export async function readLog(
  sql: Sql,
  { queue, id }: Place,
  from: number,
): Promise<{ readonly lines: readonly string[]; readonly from: number }> {
  const at = 'FROM job_log WHERE queue = $1 AND job_id = $2';
  const [there] = from === 0 ? [] : await sql(`SELECT count(*) AS count ${at}`, [queue, id]);
  const first = from > Number(there?.['count'] ?? 0) ? 0 : from;
  const rows = await sql(`SELECT row ${at} ORDER BY idx OFFSET $3 LIMIT ${LOG_LINES}`, [queue, id, first]);
  return { lines: rows.map(({ row }) => exactText(String(row))), from: first };
}
