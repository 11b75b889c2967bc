/**
 * Jobs on their way to or from another place, in PostgreSQL: BullMQ's state `waiting-children`, from which nobody takes a job, and a time, which
 * a parent that waits for its children does not have. Each statement is done whole or not at all.
 */
import { type ArrivingJob, type MoveSteps, type MoveStore, MOVING, NOTE, NOTES } from '../moving/move-store.ts';
import type { Place } from '../store.ts';
import type { Sql } from './schema.ts';
import { shownText, storableData, storableText, storableValue } from './wire/exact-json.ts';

const ON_ITS_WAY: string = `j.state = 'waiting-children' AND j.process_at_ms IS NOT NULL`;

/** $1 queue, $2 id, $3 note, in all of them. Whoever takes the move over waits for what is done under the note before. */
const OURS: string = `
ours AS MATERIALIZED (
  SELECT 1 FROM fsq_fields WHERE name = '${NOTES}' AND field = '${NOTE}' AND value = $3 FOR SHARE
)`;
const IS_OURS: string = `EXISTS (SELECT 1 FROM ours) AS ours`;
const IS_MOVING: string = `EXISTS (SELECT 1 FROM fsq_fields WHERE name = '${MOVING}' AND field = $2)`;
const NO_MORE: string = `
gone AS (DELETE FROM fsq_fields f USING ours WHERE f.name = '${MOVING}' AND f.field = $2 RETURNING 1)`;
const noteOf = (rows: string): string => `
noted AS (
  INSERT INTO fsq_fields (name, field, value) SELECT '${MOVING}', id, queue FROM ${rows}
  ON CONFLICT (name, field) DO UPDATE SET value = excluded.value
)`;

/** $4 the time of a ready job. */
const TAKE: string = `
WITH ${OURS}, taken AS (
  UPDATE job j SET state = 'waiting-children', delay_ms = 0,
    process_at_ms = CASE WHEN j.state = 'delayed' THEN COALESCE(j.process_at_ms, $4::bigint) ELSE $4::bigint END
  FROM ours WHERE j.queue = $1 AND j.id = $2 AND j.state IN ('waiting', 'delayed') RETURNING j.queue, j.id
), ${noteOf('taken')}, free AS (
  DELETE FROM fsq_limit_held h USING taken t WHERE h.queue = t.queue AND h.id = t.id
), told AS MATERIALIZED (
  SELECT publish_event(queue, 'removed', jsonb_build_object('jobId', id, 'prev', 'waiting')) FROM taken
)
SELECT ${IS_OURS}, EXISTS (SELECT 1 FROM taken) OR ${IS_MOVING} AS done, (SELECT count(*) FROM told) AS told`;

/** $4 when it is due; 0: it is ready. */
const SEND_TO_WAIT: string = `
WITH ${OURS}, ${NO_MORE}, sent AS (
  UPDATE job j SET state = (CASE WHEN $4::bigint = 0 THEN 'waiting' ELSE 'delayed' END)::job_state,
    process_at_ms = NULLIF($4::bigint, 0), seq = nextval('job_seq')
  FROM gone WHERE j.queue = $1 AND j.id = $2 AND ${ON_ITS_WAY} RETURNING j.queue, j.id, j.state
), told AS MATERIALIZED (
  SELECT pg_notify('bullmq_jobs', queue), publish_event(queue, state::text,
    jsonb_build_object('jobId', id) || CASE WHEN $4::bigint = 0
      THEN '{}'::jsonb ELSE jsonb_build_object('delay', $4::bigint) END)
  FROM sent
)
SELECT ${IS_OURS}, EXISTS (SELECT 1 FROM sent) AS done, (SELECT count(*) FROM told) AS told`;

const DROP: string = `
WITH ${OURS}, ${NO_MORE}, dropped AS (
  DELETE FROM job j USING gone WHERE j.queue = $1 AND j.id = $2 AND ${ON_ITS_WAY} RETURNING 1
)
SELECT ${IS_OURS}, EXISTS (SELECT 1 FROM dropped) AS done`;

/**
 * $4 name, $5 data, $6 options, $7 priority, $8 when it was sent, $9 state, $10 its time, or null, $11 when it ended, or null, $12 claims,
 * $13 value or null, $14 reason or null, $15 tail, $16 the value's exact text or null, $17 report, $18 checkpoint, $19 lines.
 */
const ACCEPT: string = `
WITH ${OURS}, made AS (
  INSERT INTO job (queue, id, seq, name, data, opts, priority, added_at_ms, state, process_at_ms, finished_at_ms,
    attempts_started, return_value, failed_reason, max_attempts)
  SELECT $1, $2, nextval('job_seq'), $4, $5::jsonb, $6::jsonb, $7, $8, $9::job_state, $10::bigint, $11::bigint,
    $12, $13::jsonb, $14, COALESCE(($6::jsonb ->> 'attempts')::integer, 1) FROM ours
  ON CONFLICT (queue, id) DO NOTHING RETURNING queue, id, state
), arriving AS (SELECT queue, id FROM made WHERE state = 'waiting-children'), ${noteOf('arriving')}, kept AS (
  INSERT INTO fsq_tails (queue, id, tail, claims, value, report, checkpoint, logged)
  SELECT queue, id, $15, $12, $16, $17, $18,
    (SELECT COALESCE(sum(octet_length(line) + 1), 0) FROM unnest($19::text[]) AS line) FROM made
), logged AS (
  INSERT INTO job_log (queue, job_id, idx, row)
  SELECT made.queue, made.id, l.nth - 1, l.line FROM made, unnest($19::text[]) WITH ORDINALITY AS l(line, nth)
)
SELECT ${IS_OURS}, EXISTS (SELECT 1 FROM made) OR ${IS_MOVING} AS done`;

/** @param readyMs stands for no time of its own */
export function postgresMoves(sql: Sql, readyMs: number): MoveStore {
  const under = (note: string): MoveSteps => {
    const run = async (text: string, { queue, id }: Place, ...values: readonly unknown[]): Promise<boolean | null> => {
      const [row] = await sql(text, [queue, id, storableText(note), ...values]);
      return row?.['ours'] === true ? row['done'] === true : null;
    };
    return {
      take: (at) => run(TAKE, at, readyMs),
      sendToWait: (at, dueAtMs) => run(SEND_TO_WAIT, at, dueAtMs),
      drop: (at) => run(DROP, at),
      accept: (job) => run(ACCEPT, job, ...columnsOf(job)),
    };
  };
  return { isCounting: true, under };
}

function columnsOf({ fields, log, ended, dueAtMs }: ArrivingJob): readonly unknown[] {
  const { name = '', data = '{}', opts = '{}', fsq, fsqReport, fsqCheckpoint, returnvalue, failedReason } = fields;
  const value = returnvalue === undefined ? null : storableValue(JSON.parse(returnvalue));
  const own = (text: string | undefined): string | null => (text === undefined ? null : storableText(text));
  return [
    shownText(name),
    storableData(data),
    opts,
    Number(fields['priority'] ?? 0),
    Number(fields['timestamp'] ?? 0),
    ended?.state ?? 'waiting-children',
    ended === null ? dueAtMs : null,
    ended?.atMs ?? null,
    Number(fields['ats'] ?? 0),
    value?.json ?? null,
    failedReason === undefined ? null : shownText(failedReason),
    own(fsq),
    value?.exact ?? null,
    own(fsqReport),
    own(fsqCheckpoint),
    log.map(storableText),
  ];
}
