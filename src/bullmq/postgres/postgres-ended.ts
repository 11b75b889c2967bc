/** Jobs in PostgreSQL that end their time, come back, or come with a fact. */
import type { JobJson } from 'bullmq';
import type { EndedJob, EndedPlace, EndedRange, Fact, Place } from '../store.ts';
import { endedJob } from './raw-rows.ts';
import type { Sql } from './schema.ts';
import { shownText, storableData, storableText } from './wire/exact-json.ts';

/** See `Store.stages`. */
export async function readStages(
  sql: Sql,
  ids: readonly string[],
  queues: readonly string[],
): Promise<readonly ('open' | 'ended' | null)[]> {
  if (ids.length === 0 || queues.length === 0) return ids.map(() => null);
  const rows = await sql(
    `SELECT DISTINCT ON (id) id, state IN ('completed', 'failed') AS ended FROM job
     WHERE queue = ANY($1::text[]) AND id = ANY($2::text[]) ORDER BY id, array_position($1::text[], queue)`,
    [queues, ids],
  );
  const ended = new Map(rows.map((row) => [row['id'], row['ended'] === true]));
  return ids.map((id) => {
    const hasEnded = ended.get(id);
    return hasEnded === undefined ? null : hasEnded ? 'ended' : 'open';
  });
}

/** $1 queue, $2 id, $3 when it ended, $4 tail, $5 when it is due, or null. */
const SEND_BACK: string = `
WITH back AS (
  UPDATE job SET
    state = (CASE WHEN $5::bigint IS NULL THEN 'waiting' ELSE 'delayed' END)::job_state, seq = nextval('job_seq'),
    process_at_ms = $5::bigint, delay_ms = 0, attempts_made = 0, processed_at_ms = NULL, finished_at_ms = NULL,
    return_value = NULL, failed_reason = NULL, stacktrace = NULL, deferred_failure = NULL
  WHERE queue = $1 AND id = $2 AND state = 'failed' AND finished_at_ms = $3
  RETURNING queue, id, state
), kept AS (
  INSERT INTO fsq_tails (queue, id, tail) SELECT queue, id, $4 FROM back
  ON CONFLICT (queue, id) DO UPDATE SET tail = excluded.tail
)
SELECT pg_notify('bullmq_jobs', queue), publish_event(queue, state::text,
  jsonb_build_object('jobId', id) || CASE WHEN $5::bigint IS NULL
    THEN jsonb_build_object('prev', 'failed') ELSE jsonb_build_object('delay', $5::bigint) END)
FROM back`;

/** See `Store.sendBack`. */
export async function sendBack(sql: Sql, at: EndedPlace, tail: string, dueAtMs: number | null): Promise<boolean> {
  const { queue, id, finishedOn } = at;
  return (await sql(SEND_BACK, [queue, id, finishedOn, storableText(tail), dueAtMs])).length > 0;
}

const ADD_FACT: string = `INSERT INTO fsq_fields VALUES ($1, $2, $3) ON CONFLICT (name, field) DO NOTHING RETURNING 1`;
const CHANGE_FACT: string = `UPDATE fsq_fields SET value = $3 WHERE name = $1 AND field = $2 AND value = $12 RETURNING 1`;
/** $4 queue, $5 id, $6 name, $7 data, $8 options, $9 priority, $10 delay, $11 timestamp. */
const sendAfter = (change: string): string => `
WITH changed AS (${change})
SELECT add_job($4, $5, $6, $7::jsonb, $8::jsonb, $9, $10, $11, COALESCE(($8::jsonb ->> 'attempts')::integer, 1),
  NULL, NULL, NULL, NULL, NULL, false) FROM changed`;

/** $1 queue, $2 id, $3 the new queue, $4 name, $5 data, $6 options, $7 priority, $8 timestamp, $9 delay, $10 when it is due, or null. */
const RENEW: string = `
WITH renewed AS (
  UPDATE job j SET queue = $3, name = $4, data = $5::jsonb, opts = $6::jsonb, priority = $7, added_at_ms = $8, delay_ms = $9,
    max_attempts = COALESCE(($6::jsonb ->> 'attempts')::integer, 1), seq = nextval('job_seq'), process_at_ms = $10::bigint,
    state = (CASE WHEN $10::bigint IS NULL THEN 'waiting' ELSE 'delayed' END)::job_state
  WHERE j.queue = $1 AND j.id = $2 AND j.state IN ('waiting', 'delayed') AND j.stalled_count = 0
    AND NOT EXISTS (SELECT 1 FROM fsq_tails t WHERE t.queue = $1 AND t.id = $2 AND t.tail IS NOT NULL)
  RETURNING j.queue, j.id, j.state
), free AS (
  DELETE FROM fsq_limit_held h USING renewed r WHERE h.queue = $1 AND h.id = r.id
)
SELECT pg_notify('bullmq_jobs', queue), publish_event(queue, state::text,
  jsonb_build_object('jobId', id) || CASE WHEN $10::bigint IS NULL
    THEN jsonb_build_object('prev', 'delayed') ELSE jsonb_build_object('delay', $10::bigint) END)
FROM renewed`;

/** See `Store.renew`. */
export async function renewWaiting(
  sql: Sql,
  at: Place,
  queue: string,
  { name, data, opts, timestamp, delay = 0, priority = 0 }: JobJson,
  dueAtMs: number | null,
): Promise<boolean> {
  const told = [shownText(name), storableData(data), JSON.stringify(opts), priority, timestamp, delay, dueAtMs];
  return (await sql(RENEW, [at.queue, at.id, queue, ...told])).length > 0;
}

/** See `Store.sendIf`. */
export async function sendWithFact(
  sql: Sql,
  { table, field, before, after }: Fact,
  queue: string,
  job: JobJson,
  dueAtMs: number | null,
): Promise<boolean> {
  const { id, name, data, opts, timestamp, priority = 0 } = job;
  // BullMQ counts the delay from the time of sending that the job says.
  const delay = dueAtMs === null ? 0 : Math.max(1, dueAtMs - timestamp);
  const fact = [table, field, after].map(storableText);
  const told = [queue, id, shownText(name), storableData(data), JSON.stringify(opts), priority, delay, timestamp];
  const was = before === null ? [] : [storableText(before)];
  return (await sql(sendAfter(before === null ? ADD_FACT : CHANGE_FACT), [...fact, ...told, ...was])).length > 0;
}

/** A job names those that come next in its options. */
const TOLD: string = `
SELECT j.queue, j.id, j.state::text AS state, j.finished_at_ms, t.tail,
  CASE WHEN j.data -> 'options' ? 'next' OR j.data ? 'fsqText' THEN j.data::text END AS data
FROM job j LEFT JOIN fsq_tails t ON t.queue = j.queue AND t.id = j.id`;

/** See `Store.endedBy`. */
export async function readEndedBy(
  sql: Sql,
  { queue, state, fromMs, untilMs, skip, limit }: EndedRange,
): Promise<readonly EndedJob[]> {
  const rows = await sql(
    `${TOLD} WHERE j.queue = $1 AND j.state = $2::job_state AND j.finished_at_ms BETWEEN $3 AND $4
     ORDER BY j.finished_at_ms, j.id OFFSET $5 LIMIT $6`,
    [queue, state, Math.ceil(fromMs), Math.floor(untilMs), skip, limit],
  );
  return rows.map(endedJob);
}

/** See `Store.endedAs`. */
export async function readEndedAs(sql: Sql, places: readonly Place[]): Promise<readonly EndedJob[]> {
  const rows = await sql(
    `${TOLD} WHERE (j.queue, j.id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND j.state IN ('completed', 'failed')`,
    [places.map(({ queue }) => queue), places.map(({ id }) => id)],
  );
  return rows.map(endedJob);
}

/** $1 queue, $2 ids, $3 when they ended. */
const FORGET: string = `
WITH gone AS (
  DELETE FROM job j USING unnest($2::text[], $3::bigint[]) AS e(id, at)
  WHERE j.queue = $1 AND j.id = e.id AND j.state IN ('completed', 'failed') AND j.finished_at_ms = e.at
  RETURNING j.queue, j.id, j.state, j.dedup_id
)
SELECT id, publish_event(queue, 'removed', jsonb_build_object('jobId', id, 'prev', state)),
  CASE WHEN dedup_id IS NOT NULL THEN dedup_on_removal(queue, id, dedup_id) END
FROM gone`;

/** See `Store.forget`. */
export async function forgetEnded(
  sql: Sql,
  queue: string,
  ended: readonly Omit<EndedPlace, 'queue'>[],
): Promise<readonly string[]> {
  if (ended.length === 0) return [];
  const values = [queue, ended.map(({ id }) => id), ended.map(({ finishedOn }) => finishedOn)];
  return (await sql(FORGET, values)).map(({ id }) => String(id));
}
