/** BullMQ's queue on PostgreSQL, for any JSON: what it cannot store is written so that it comes back, and moves say when a lock is gone. */
import type { IQueueBackend, JobJson, PostgresQueueBackend } from 'bullmq';
import { exactData, shownText, storableData } from './exact-json.ts';
import { isPassing } from '../../store-wait.ts';
import { JoinedAdds } from './joined-adds.ts';
import type { Sql } from '../schema.ts';

/** $1 queue, $2 id, $3 token. It waits where it was, and not behind all others. */
const GIVE_BACK = `
WITH back AS (
  UPDATE job SET state = 'waiting', lock_token = NULL, locked_until_ms = NULL
  WHERE queue = $1 AND id = $2 AND state = 'active' AND lock_token = $3
  RETURNING id
)
SELECT publish_event($1, 'waiting', jsonb_build_object('jobId', id, 'prev', 'active')), pg_notify('bullmq_jobs', $1) FROM back`;

/** BullMQ's code for a lock that is another's. */
const OTHER_LOCK = -6;

export function exactBackend(backend: PostgresQueueBackend, sql: Sql): IQueueBackend {
  const { qualifiedName: queue } = backend;
  const add = backend.addJob.bind(backend);
  const addAll = backend.addJobs.bind(backend);
  const take = backend.moveToActive.bind(backend);
  const fail = backend.moveToFailed.bind(backend);
  const delay = backend.moveToDelayed.bind(backend);
  const rerun = backend.retryJob.bind(backend);
  const adds = new JoinedAdds(async (entries) => {
    const [only] = entries;
    // BullMQ makes tables for a batch: that is too much for one job.
    if (entries.length !== 1 || only === undefined) return addAll(entries);
    return [await add(only.job, only.jobId, only.parentKeyOpts)];
  }, isPassing);
  return Object.assign(backend, {
    addJobs(entries: Parameters<typeof addAll>[0]): Promise<string[]> {
      return adds.add(entries.map((entry) => ({ ...entry, job: storableJob(entry.job) })));
    },
    async moveToActive(...asked: Parameters<typeof take>): ReturnType<typeof take> {
      const [json, ...rest] = (await take(...asked)) as readonly unknown[];
      const job = json as JobJson | null;
      return [job === null ? null : { ...job, data: exactData(job.data) }, ...rest];
    },
    moveToFailed(...[job, reason, remove, token, next, fields]: Parameters<typeof fail>): ReturnType<typeof fail> {
      return fail(job, shownText(reason), remove, token, next, shownFields(fields));
    },
    moveToDelayed(...[id, at, ms, token, options]: Parameters<typeof delay>): ReturnType<typeof delay> {
      return delay(id, at, ms, token, options && { ...options, ...along(options.fieldsToUpdate) });
    },
    retryJob(...[id, lifo, token, options]: Parameters<typeof rerun>): ReturnType<typeof rerun> {
      return rerun(id, lifo, token, options && { ...options, ...along(options.fieldsToUpdate) });
    },
    async moveJobFromActiveToWait(id: string, token = ''): Promise<number> {
      const given = await sql(GIVE_BACK, [queue, id, token]);
      if (given.length === 0) throw Object.assign(new Error(`Job ${id} is not held.`), { code: OTHER_LOCK });
      return 0;
    },
  });
}

function storableJob(job: JobJson): JobJson {
  return { ...job, name: shownText(job.name), data: storableData(job.data) };
}

function along(fields: Record<string, unknown> | undefined): { readonly fieldsToUpdate?: Record<string, unknown> } {
  const shown = shownFields(fields);
  return shown === undefined ? {} : { fieldsToUpdate: shown };
}

/** What a failed run says of itself: a text, and a list of texts as JSON. */
function shownFields(fields: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (fields === undefined) return undefined;
  const { failedReason, stacktrace } = fields;
  return {
    ...fields,
    ...(typeof failedReason === 'string' ? { failedReason: shownText(failedReason) } : {}),
    ...(typeof stacktrace === 'string' ? { stacktrace: shownTexts(stacktrace) } : {}),
  };
}

function shownTexts(json: string): string {
  const texts: unknown = JSON.parse(json);
  return JSON.stringify(Array.isArray(texts) ? texts.map((text) => shownText(String(text))) : []);
}
