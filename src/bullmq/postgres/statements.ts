/** The statements of fsq's own tables, and those that move a job of BullMQ's together with its tail: each is done whole or not at all. */

/** The code of BullMQ's functions where a move is refused; the detail says why. */
export const REFUSED = 'BM001';

const NOW_MS: string = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
const LIVE: string = `(until_ms IS NULL OR until_ms > ${NOW_MS})`;

export const CLOCK: string = `SELECT ${NOW_MS} AS ms`;

const KEEP: string = `ON CONFLICT (queue, id) DO UPDATE SET tail = excluded.tail`;

const movedWithTail = (move: string, tail: string): string => `
WITH moved AS MATERIALIZED (SELECT ${move}), kept AS (
  INSERT INTO fsq_tails (queue, id, tail) SELECT $1, $2, ${tail} FROM moved ${KEEP}
)
SELECT 1 FROM moved`;

/** $1 queue, $2 id, $3 token, $4 reason, $5 stacktrace, $6 now, $7 tail. */
export const FAIL: string = movedWithTail('move_to_failed($1, $2, $3, $4, $5::jsonb, $6, false, NULL, NULL)', '$7');
/** $1 queue, $2 id, $3 token, $4 when it is due, $5 delay, $6 whether no attempt counts, $7 reason or null, $8 stacktrace or null, $9 tail. */
export const DELAY: string = movedWithTail('move_to_delayed($1, $2, $3, $4, $5, $6, $7, $8::jsonb)', '$9');
/** $1 queue, $2 id, $3 token, $4 whether it is the next to run, $5 reason or null, $6 stacktrace or null, $7 tail. */
export const RERUN: string = movedWithTail('retry_job($1, $2, $3, $4, $5, $6::jsonb)', '$7');

/** $1 queue, $2 id, $3 token, $4 tail or null. It waits where it was, and not behind all others. A row: it does. */
export const GIVE_BACK: string = `
WITH back AS (
  UPDATE job SET state = 'waiting', lock_token = NULL, locked_until_ms = NULL
  WHERE queue = $1 AND id = $2 AND state = 'active' AND lock_token = $3
  RETURNING queue, id
), kept AS (
  INSERT INTO fsq_tails (queue, id, tail) SELECT queue, id, $4 FROM back WHERE $4::text IS NOT NULL ${KEEP}
)
SELECT publish_event(queue, 'waiting', jsonb_build_object('jobId', id, 'prev', 'active')), pg_notify('bullmq_jobs', queue) FROM back`;

/** $1 queue, $2 id, $3 token, $4 value as JSON, $5 now, $6 tail, $7 claims, $8 the value's exact text or null, $9 a table. A row: whether there is anything in it. */
export const COMPLETE: string = `
WITH done AS MATERIALIZED (SELECT move_to_completed($1, $2, $3, $4::jsonb, $5, false, NULL, NULL)), kept AS (
  INSERT INTO fsq_tails (queue, id, tail, claims, value) SELECT $1, $2, $6, $7, $8 FROM done
  ON CONFLICT (queue, id) DO UPDATE SET tail = excluded.tail, claims = excluded.claims, value = excluded.value
)
SELECT EXISTS (SELECT 1 FROM fsq_fields WHERE name = $9) AS there FROM done`;

/** $1 queue, $2 id, $3 tail, $4 reason, $5 now. A row: it has ended. */
export const END_WAITING: string = `
WITH ended AS (
  UPDATE job
  SET state = 'failed', failed_reason = $4, finished_at_ms = $5, process_at_ms = NULL, delay_ms = 0
  WHERE queue = $1 AND id = $2
    AND (state IN ('waiting', 'delayed') OR state = 'waiting-children' AND process_at_ms IS NULL)
  RETURNING queue, id
), kept AS (
  INSERT INTO fsq_tails (queue, id, tail) SELECT queue, id, $3 FROM ended ${KEEP}
)
SELECT publish_event(queue, 'failed', jsonb_build_object('jobId', id, 'failedReason', $4::text, 'prev', 'waiting')) FROM ended`;

/** $1 queue, $2 id. Its state, and whether it is on its way to another place, or from there. */
export const STATE: string = `
SELECT state::text AS state, state = 'waiting-children' AND process_at_ms IS NOT NULL AS moves FROM job WHERE queue = $1 AND id = $2`;

/** $1 queues, $2 what tokens may begin with. */
export const HELD: string = `
SELECT queue, id, lock_token AS token FROM job
WHERE queue = ANY($1::text[]) AND state = 'active'
  AND EXISTS (SELECT 1 FROM unnest($2::text[]) AS owner WHERE starts_with(lock_token, owner))`;

/** $1 keys. */
export const GET: string = `SELECT key, value FROM fsq_facts WHERE key = ANY($1::text[]) AND ${LIVE}`;

/** $1 key, $2 value, $3 for how many ms or null, $4 only where there is none. A row: it was written. */
export const SET: string = `
INSERT INTO fsq_facts AS f (key, value, until_ms) VALUES ($1, $2, ${NOW_MS} + $3::bigint)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, until_ms = excluded.until_ms
WHERE NOT $4::boolean OR f.until_ms <= ${NOW_MS}
RETURNING 1`;

/** What has outlived its time. */
export const SWEEP: string = `
DELETE FROM fsq_facts WHERE key IN (
  SELECT key FROM fsq_facts WHERE until_ms <= ${NOW_MS} LIMIT 1000 FOR UPDATE SKIP LOCKED
)`;

/** $1 key, $2 before, $3 after. */
export const SWAP: string = `
UPDATE fsq_facts SET value = $3, until_ms = NULL WHERE key = $1 AND value = $2 AND ${LIVE} RETURNING 1`;
/** $1 key, $2 before. */
export const SWAP_OUT: string = `DELETE FROM fsq_facts WHERE key = $1 AND value = $2 AND ${LIVE} RETURNING 1`;

/** $1 keys. */
export const REMOVE: string = `DELETE FROM fsq_facts WHERE key = ANY($1::text[]) RETURNING ${LIVE} AS live`;

/** $1 table, $2 the field before, $3 how many. */
export const SOME_FIELDS: string = `SELECT field, value FROM fsq_fields WHERE name = $1 AND field > $2 ORDER BY field LIMIT $3`;

/** $1 table, $2 field. */
export const FIELD: string = `SELECT value FROM fsq_fields WHERE name = $1 AND field = $2`;

/** $1 table, $2 field, $3 value. */
export const SET_FIELD: string = `
INSERT INTO fsq_fields (name, field, value) VALUES ($1, $2, $3)
ON CONFLICT (name, field) DO UPDATE SET value = excluded.value RETURNING 1`;
export const ADD_FIELD: string = `
INSERT INTO fsq_fields (name, field, value) VALUES ($1, $2, $3) ON CONFLICT (name, field) DO NOTHING RETURNING 1`;

/** $1 table, $2 field, $3 before, $4 after. */
export const SWAP_FIELD: string = `
UPDATE fsq_fields SET value = $4 WHERE name = $1 AND field = $2 AND value = $3 RETURNING 1`;
/** $1 table, $2 field, $3 before. */
export const SWAP_FIELD_OUT: string = `DELETE FROM fsq_fields WHERE name = $1 AND field = $2 AND value = $3 RETURNING 1`;

/** $1 table, $2 fields. */
export const REMOVE_FIELDS: string = `DELETE FROM fsq_fields WHERE name = $1 AND field = ANY($2::text[]) RETURNING 1`;

/** $1 table, $2 the field that goes, $3 what it is, $4 the field that comes, $5 what it will be. */
export const MERGE_FIELDS: string = `
WITH gone AS (DELETE FROM fsq_fields WHERE name = $1 AND field = $2 AND value = $3 RETURNING 1)
INSERT INTO fsq_fields (name, field, value) SELECT $1, $4, $5 FROM gone
ON CONFLICT (name, field) DO UPDATE SET value = excluded.value RETURNING 1`;

/** See `Store.appendLog`. One function does it at once: two may write to one log. */
export const LOG_FUNCTION: string = `
CREATE OR REPLACE FUNCTION fsq_append_log(p_queue text, p_id text, p_most bigint, p_above bigint, p_lines text[])
RETURNS TABLE (taken integer, size bigint, cleared bigint) LANGUAGE plpgsql AS $$
DECLARE v_size bigint; v_cleared bigint := 0; v_taken integer := 0; v_next bigint; v_line text;
BEGIN
  PERFORM 1 FROM job WHERE queue = p_queue AND id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT cardinality(p_lines), 0::bigint, 0::bigint; RETURN; END IF;
  v_size := COALESCE((SELECT logged FROM fsq_tails WHERE queue = p_queue AND id = p_id), 0);
  IF p_above >= 0 AND v_size > p_above THEN
    DELETE FROM job_log WHERE queue = p_queue AND job_id = p_id;
    v_cleared := v_size;
    v_size := 0;
  END IF;
  v_next := COALESCE((SELECT max(idx) + 1 FROM job_log WHERE queue = p_queue AND job_id = p_id), 0);
  FOREACH v_line IN ARRAY p_lines LOOP
    EXIT WHEN v_size + octet_length(v_line) + 1 > p_most;
    INSERT INTO job_log (queue, job_id, idx, row) VALUES (p_queue, p_id, v_next + v_taken, v_line);
    v_size := v_size + octet_length(v_line) + 1;
    v_taken := v_taken + 1;
  END LOOP;
  INSERT INTO fsq_tails (queue, id, logged) VALUES (p_queue, p_id, v_size)
  ON CONFLICT (queue, id) DO UPDATE SET logged = excluded.logged;
  RETURN QUERY SELECT v_taken, v_size, v_cleared;
END $$`;
