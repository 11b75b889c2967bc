/**
 * What PostgreSQL does at once for limits, as functions in the schema: see limits/limit-store.ts, and redis/limit-scripts.ts for the same steps.
 * Those of one scope wait for each other. A job is in fsq_limit_jobs of a scope
 *
 *   run:   as long as it holds the lock with this token
 *   next:  from when it was made ready until it is claimed, and no longer than its promise; `at`: the end of that
 *   line:  while it waits for room, the lowest `at` first
 *   due:   while it waits for a start; `at`: when it is likely to get one
 *
 * and in fsq_limit_held under the scope that has refused it last.
 */

/** How long a job that was made ready has its room to itself before it is claimed, ms; so long too a start that it has waited for. */
const PROMISE_MS = 2_000;
/** Of the locks of scopes: "fsl" in ASCII. */
const LOCK = 0x66736c;

export const LIMIT_TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS fsq_limit_jobs (
    scope text NOT NULL, kind text NOT NULL, queue text NOT NULL, id text NOT NULL, at bigint NOT NULL, token text,
    PRIMARY KEY (scope, kind, queue, id)
  )`,
  `CREATE TABLE IF NOT EXISTS fsq_limit_scopes (scope text PRIMARY KEY, most integer NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS fsq_limit_starts (key text PRIMARY KEY, taken integer NOT NULL, until_ms bigint NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS fsq_limit_held (
    queue text NOT NULL, id text NOT NULL, scope text NOT NULL, PRIMARY KEY (queue, id)
  )`,
];

const NOW: string = `
CREATE OR REPLACE FUNCTION fsq_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$`;

const LOCK_SCOPES: string = `
CREATE OR REPLACE FUNCTION fsq_lock_scopes(p_scopes text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_key integer;
BEGIN
  -- In one order, so that no two wait for each other.
  FOR v_key IN SELECT DISTINCT hashtext(current_schema() || scope) FROM unnest(p_scopes) AS scope ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(${LOCK}, v_key);
  END LOOP;
END $$`;

/** How many more may run, this job apart. */
const ROOM: string = `
CREATE OR REPLACE FUNCTION fsq_room(p_scope text, p_most integer, p_queue text, p_id text) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT p_most
    - (SELECT count(*) FROM fsq_limit_jobs r JOIN job j ON j.queue = r.queue AND j.id = r.id
       WHERE r.scope = p_scope AND r.kind = 'run' AND j.state = 'active' AND j.lock_token = r.token
         AND NOT (r.queue = p_queue AND r.id = p_id))
    - (SELECT count(*) FROM fsq_limit_jobs WHERE scope = p_scope AND kind = 'next' AND at > fsq_now())
$$`;

const FREE: string = `
CREATE OR REPLACE FUNCTION fsq_free(p_scope text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_room bigint := fsq_room(p_scope, COALESCE((SELECT most FROM fsq_limit_scopes WHERE scope = p_scope), 1), '', '');
  v_queue text; v_id text;
BEGIN
  WHILE v_room > 0 LOOP
    DELETE FROM fsq_limit_jobs WHERE (scope, kind, queue, id) = (
      SELECT scope, kind, queue, id FROM fsq_limit_jobs WHERE scope = p_scope AND kind = 'line' ORDER BY at, id LIMIT 1
    ) RETURNING queue, id INTO v_queue, v_id;
    EXIT WHEN NOT FOUND;
    DELETE FROM fsq_limit_held WHERE queue = v_queue AND id = v_id AND scope = p_scope;
    CONTINUE WHEN NOT FOUND;
    -- One that is locked is becoming ready by itself.
    UPDATE job SET state = 'waiting', delay_ms = 0, process_at_ms = NULL WHERE (queue, id) = (
      SELECT queue, id FROM job WHERE queue = v_queue AND id = v_id AND state = 'delayed' FOR UPDATE SKIP LOCKED
    );
    CONTINUE WHEN NOT FOUND;
    PERFORM publish_event(v_queue, 'waiting', jsonb_build_object('jobId', v_id, 'prev', 'delayed'));
    PERFORM pg_notify('bullmq_jobs', v_queue);
    INSERT INTO fsq_limit_jobs VALUES (p_scope, 'next', v_queue, v_id, fsq_now() + ${PROMISE_MS})
    ON CONFLICT (scope, kind, queue, id) DO UPDATE SET at = excluded.at;
    v_room := v_room - 1;
  END LOOP;
END $$`;

/** Null when there is a start for the job; else in how many ms there may be one. */
const START_IN: string = `
CREATE OR REPLACE FUNCTION fsq_start_in(
  p_scope text, p_slots integer, p_length double precision, p_key text, p_ends bigint, p_queue text, p_id text
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_free bigint; v_mine bigint; v_ahead bigint; v_due bigint;
BEGIN
  DELETE FROM fsq_limit_jobs WHERE scope = p_scope AND kind = 'due' AND at <= fsq_now() - ${PROMISE_MS};
  v_free := GREATEST(0, p_slots - COALESCE((SELECT taken FROM fsq_limit_starts WHERE key = p_key), 0));
  SELECT at INTO v_mine FROM fsq_limit_jobs WHERE scope = p_scope AND kind = 'due' AND queue = p_queue AND id = p_id;
  IF v_free > (SELECT count(*) FROM fsq_limit_jobs WHERE scope = p_scope AND kind = 'due' AND at < COALESCE(v_mine, p_ends)) THEN
    RETURN NULL;
  END IF;
  DELETE FROM fsq_limit_jobs d WHERE scope = p_scope AND kind = 'due' AND NOT (queue = p_queue AND id = p_id)
    AND NOT EXISTS (SELECT 1 FROM fsq_limit_held h WHERE h.queue = d.queue AND h.id = d.id AND h.scope = p_scope);
  SELECT count(*) INTO v_ahead FROM fsq_limit_jobs
    WHERE scope = p_scope AND kind = 'due' AND (v_mine IS NULL OR at < v_mine);
  v_due := ceil(p_ends + floor(GREATEST(0, v_ahead - v_free) / p_slots::double precision) * p_length)::bigint;
  INSERT INTO fsq_limit_jobs VALUES (p_scope, 'due', p_queue, p_id, v_due)
  ON CONFLICT (scope, kind, queue, id) DO UPDATE SET at = excluded.at;
  RETURN v_due - fsq_now();
END $$`;

/** `p_scopes`: an array of `{ name, most, slots, lengthMs }`, null where there is none. No row: it may run. */
const ADMIT: string = `
CREATE OR REPLACE FUNCTION fsq_admit(p_queue text, p_id text, p_token text, p_order bigint, p_scopes jsonb)
RETURNS TABLE (refused text, in_ms bigint) LANGUAGE plpgsql AS $$
DECLARE s record; v_key text; v_ends bigint; v_in bigint := NULL; v_refused text := NULL;
BEGIN
  PERFORM fsq_lock_scopes((SELECT array_agg(e ->> 'name') FROM jsonb_array_elements(p_scopes) AS e));
  -- It was admitted with this lock: the answer was lost, and the question came once more.
  IF EXISTS (SELECT 1 FROM fsq_tails WHERE queue = p_queue AND id = p_id AND admitted = p_token) THEN RETURN; END IF;
  FOR s IN SELECT * FROM jsonb_to_recordset(p_scopes) AS x(name text, most integer) WHERE x.most IS NOT NULL LOOP
    INSERT INTO fsq_limit_scopes VALUES (s.name, s.most) ON CONFLICT (scope) DO UPDATE SET most = excluded.most;
    IF EXISTS (SELECT 1 FROM fsq_limit_jobs WHERE scope = s.name AND kind = 'next' AND queue = p_queue AND id = p_id AND at > fsq_now())
    THEN CONTINUE; END IF;
    IF fsq_room(s.name, s.most, p_queue, p_id)
      <= (SELECT count(*) FROM fsq_limit_jobs WHERE scope = s.name AND kind = 'line' AND at < p_order)
    THEN v_refused := s.name; v_in := -1; EXIT; END IF;
  END LOOP;
  IF v_refused IS NULL THEN
    FOR s IN SELECT * FROM jsonb_to_recordset(p_scopes) AS x(name text, slots integer, "lengthMs" double precision) WHERE x.slots IS NOT NULL LOOP
      v_key := s.slots || '-' || s."lengthMs" || ':' || s.name || ':' || floor(fsq_now() / s."lengthMs");
      v_ends := ceil((floor(fsq_now() / s."lengthMs") + 1) * s."lengthMs")::bigint;
      v_in := fsq_start_in(s.name, s.slots, s."lengthMs", v_key, v_ends, p_queue, p_id);
      IF v_in IS NOT NULL THEN v_refused := s.name; EXIT; END IF;
    END LOOP;
  END IF;
  IF v_refused IS NOT NULL THEN
    DELETE FROM fsq_limit_jobs WHERE kind = 'next' AND queue = p_queue AND id = p_id
      AND scope IN (SELECT e ->> 'name' FROM jsonb_array_elements(p_scopes) AS e);
    INSERT INTO fsq_limit_held VALUES (p_queue, p_id, v_refused) ON CONFLICT (queue, id) DO UPDATE SET scope = excluded.scope;
    RETURN QUERY SELECT v_refused, v_in;
    RETURN;
  END IF;
  DELETE FROM fsq_limit_held WHERE queue = p_queue AND id = p_id;
  INSERT INTO fsq_tails (queue, id, admitted) SELECT queue, id, p_token FROM job WHERE queue = p_queue AND id = p_id
    ON CONFLICT (queue, id) DO UPDATE SET admitted = excluded.admitted;
  FOR s IN SELECT * FROM jsonb_to_recordset(p_scopes) AS x(name text, most integer, slots integer, "lengthMs" double precision) LOOP
    DELETE FROM fsq_limit_jobs WHERE scope = s.name AND queue = p_queue AND id = p_id;
    IF s.most IS NOT NULL THEN INSERT INTO fsq_limit_jobs VALUES (s.name, 'run', p_queue, p_id, fsq_now(), p_token); END IF;
    IF s.slots IS NOT NULL THEN
      v_key := s.slots || '-' || s."lengthMs" || ':' || s.name || ':' || floor(fsq_now() / s."lengthMs");
      INSERT INTO fsq_limit_starts AS t VALUES (v_key, 1, fsq_now() + ceil(2 * s."lengthMs")::bigint)
      ON CONFLICT (key) DO UPDATE SET taken = t.taken + 1;
    END IF;
  END LOOP;
END $$`;

const HOLD: string = `
CREATE OR REPLACE FUNCTION fsq_hold(p_queue text, p_id text, p_order bigint, p_scope text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM fsq_lock_scopes(ARRAY[p_scope]);
  IF NOT EXISTS (SELECT 1 FROM fsq_limit_held WHERE queue = p_queue AND id = p_id AND scope = p_scope) THEN RETURN; END IF;
  IF NOT EXISTS (SELECT 1 FROM job WHERE queue = p_queue AND id = p_id AND state = 'delayed') THEN RETURN; END IF;
  INSERT INTO fsq_limit_jobs VALUES (p_scope, 'line', p_queue, p_id, p_order)
  ON CONFLICT (scope, kind, queue, id) DO UPDATE SET at = excluded.at;
  PERFORM fsq_free(p_scope);
END $$`;

const RELEASE: string = `
CREATE OR REPLACE FUNCTION fsq_release(p_queue text, p_id text, p_token text, p_scopes text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM fsq_lock_scopes(p_scopes);
  DELETE FROM fsq_limit_jobs
    WHERE scope = ANY(p_scopes) AND kind = 'run' AND queue = p_queue AND id = p_id AND token = p_token;
  PERFORM fsq_free(scope) FROM unnest(p_scopes) AS scope;
END $$`;

/** Scopes that others are at are left for the next time. */
const SWEEP: string = `
CREATE OR REPLACE FUNCTION fsq_sweep_limits() RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_scope text;
BEGIN
  FOR v_scope IN SELECT scope FROM fsq_limit_scopes ORDER BY random() LIMIT 200 LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(${LOCK}, hashtext(current_schema() || v_scope));
    DELETE FROM fsq_limit_jobs r WHERE scope = v_scope AND (
      kind = 'run' AND NOT EXISTS (
        SELECT 1 FROM job j WHERE j.queue = r.queue AND j.id = r.id AND j.state = 'active' AND j.lock_token = r.token)
      OR kind = 'next' AND at <= fsq_now());
    PERFORM fsq_free(v_scope);
    DELETE FROM fsq_limit_scopes WHERE scope = v_scope AND NOT EXISTS (SELECT 1 FROM fsq_limit_jobs WHERE scope = v_scope);
  END LOOP;
  DELETE FROM fsq_limit_starts WHERE key IN (SELECT key FROM fsq_limit_starts WHERE until_ms <= fsq_now() FOR UPDATE SKIP LOCKED);
END $$`;

/** `p_values`: null where a field is to go. */
const SWAP_QUEUE_LIMITS: string = `
CREATE OR REPLACE FUNCTION fsq_swap_queue_limits(p_queue text, p_before text, p_after text, p_fields text[], p_values text[])
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM fsq_lock_scopes(ARRAY[E'queue\\n' || p_queue]);
  IF (SELECT value FROM fsq_fields WHERE name = 'queue-limits' AND field = p_queue) IS DISTINCT FROM p_before THEN RETURN false; END IF;
  DELETE FROM fsq_fields WHERE name = 'queue-limits' AND field = p_queue;
  IF p_after IS NOT NULL THEN INSERT INTO fsq_fields VALUES ('queue-limits', p_queue, p_after); END IF;
  DELETE FROM meta WHERE queue = p_queue AND field = ANY(p_fields);
  INSERT INTO meta (queue, field, value)
    SELECT p_queue, f, v FROM unnest(p_fields, p_values) AS t(f, v) WHERE v IS NOT NULL;
  RETURN true;
END $$`;

export const LIMIT_FUNCTIONS: readonly string[] = [
  NOW,
  LOCK_SCOPES,
  ROOM,
  FREE,
  START_IN,
  ADMIT,
  HOLD,
  RELEASE,
  SWEEP,
  SWAP_QUEUE_LIMITS,
];
