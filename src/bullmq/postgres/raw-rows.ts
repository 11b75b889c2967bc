/** Looks at BullMQ's jobs in PostgreSQL, with fsq's tails beside them. */
import type { EndedJob, NamedRaw, RawJob } from '../store.ts';
import { exactData, exactText } from './wire/exact-json.ts';
import type { Row } from './schema.ts';

/** $1 queues, $2 ids. A value is of the claim that wrote it: another program's worker may have run the job again. */
export const LOOK: string = `
SELECT j.queue, j.id, j.state::text AS state, j.process_at_ms, j.lock_token, j.name, j.data::text AS data, j.priority,
  j.added_at_ms, j.processed_at_ms, j.finished_at_ms, j.failed_reason, j.stacktrace::text AS stacktrace, j.processed_by,
  j.attempts_started, j.stalled_count, j.deferred_failure, t.tail,
  CASE WHEN t.claims = j.attempts_started THEN t.value END AS value, j.return_value::text AS return_value,
  j.progress::text AS progress, t.report,
  (SELECT count(*) FROM job_log l WHERE l.queue = j.queue AND l.job_id = j.id) AS logged
FROM job j LEFT JOIN fsq_tails t ON t.queue = j.queue AND t.id = j.id
WHERE j.queue = ANY($1::text[]) AND j.id = ANY($2::text[])`;

export function rawJob(row: Row): RawJob {
  const state = textOf(row, 'state');
  const value = textOf(row, 'value');
  return {
    id: String(row['id']),
    queue: String(row['queue']),
    state: state === 'waiting-children' ? 'delayed' : (state as RawJob['state']), // The table has no other.
    dueAtMs: dueOf(row),
    token: textOf(row, 'lock_token'),
    name: textOf(row, 'name') ?? '',
    data: exactData(textOf(row, 'data') ?? '{}'),
    priority: numberOf(row, 'priority') ?? 0,
    timestamp: numberOf(row, 'added_at_ms') ?? 0,
    processedOn: numberOf(row, 'processed_at_ms'),
    finishedOn: numberOf(row, 'finished_at_ms'),
    returnvalue: value ?? textOf(row, 'return_value'),
    failedReason: textOf(row, 'failed_reason'),
    stacktrace: textOf(row, 'stacktrace'),
    processedBy: textOf(row, 'processed_by'),
    claims: numberOf(row, 'attempts_started') ?? 0,
    stalls: numberOf(row, 'stalled_count') ?? 0,
    deferredFailure: textOf(row, 'deferred_failure'),
    tail: ownText(row, 'tail'),
    progress: textOf(row, 'progress'),
    report: ownText(row, 'report'),
    logged: numberOf(row, 'logged') ?? 0,
  };
}

/** A row with the columns of a job but its texts. */
export function namedRaw(row: Row): Omit<NamedRaw, 'state'> {
  return {
    id: String(row['id']),
    queue: String(row['queue']),
    dueAtMs: dueOf(row),
    token: textOf(row, 'lock_token'),
    name: textOf(row, 'name') ?? '',
    priority: numberOf(row, 'priority') ?? 0,
    claims: numberOf(row, 'attempts_started') ?? 0,
    stalls: numberOf(row, 'stalled_count') ?? 0,
    finishedOn: numberOf(row, 'finished_at_ms'),
    tail: ownText(row, 'tail'),
  };
}

/** A row of a job that has ended. */
export function endedJob(row: Row): EndedJob {
  const data = textOf(row, 'data');
  return {
    queue: String(row['queue']),
    id: String(row['id']),
    state: textOf(row, 'state') === 'completed' ? 'completed' : 'failed',
    finishedOn: numberOf(row, 'finished_at_ms') ?? 0,
    tail: ownText(row, 'tail'),
    data: data === null ? null : exactData(data),
  };
}

/** A job that is on its way to another place has a time, and a parent that waits for its children has none. */
function dueOf(row: Row): number | null {
  const state = textOf(row, 'state');
  return state === 'delayed' || state === 'waiting-children' ? numberOf(row, 'process_at_ms') : null;
}

/** Of a column of fsq's own. */
function ownText(row: Row, column: string): string | null {
  const text = textOf(row, column);
  return text === null ? null : exactText(text);
}

function textOf(row: Row, column: string): string | null {
  const value = row[column];
  return typeof value === 'string' ? value : null;
}

/** The driver gives large numbers as texts. */
function numberOf(row: Row, column: string): number | null {
  const value = row[column];
  return value === null || value === undefined ? null : Number(value);
}
