/** BullMQ's queue on PostgreSQL, for any JSON: what it cannot store is written so that it comes back, and moves say when a lock is gone. */
import type { IQueueBackend, JobJson, PostgresQueueBackend } from 'bullmq';
import { TAIL } from '../../engine.ts';
import { exactData, shownText, storableData, storableText } from './exact-json.ts';
import { isPassing } from '../../store-wait.ts';
import { JoinedAdds } from './joined-adds.ts';
import type { Sql } from '../schema.ts';
import { DELAY, FAIL, REFUSED, RERUN } from '../statements.ts';

type Fields = Readonly<Record<string, unknown>>;

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
    // A move that takes a tail along is one statement of fsq's: whoever dies has done both, or neither.
    async moveToFailed(...asked: Parameters<typeof fail>): ReturnType<typeof fail> {
      const [{ id }, reason, , token, , fields = {}] = asked;
      if (!(TAIL in fields)) return fail(...asked);
      const finishedOn = Date.now();
      const { stacktrace, tail } = shown(fields);
      await moved(sql, FAIL, [queue, id, token, shownText(reason), stacktrace, finishedOn, tail]);
      return { result: undefined, finishedOn };
    },
    async moveToDelayed(...asked: Parameters<typeof delay>): ReturnType<typeof delay> {
      const [id, at, ms, token, { skipAttempt = false, fieldsToUpdate = {} } = {}] = asked;
      if (!(TAIL in fieldsToUpdate)) return delay(...asked);
      const { reason, stacktrace, tail } = shown(fieldsToUpdate);
      await moved(sql, DELAY, [queue, id, token, at + ms, ms, skipAttempt, reason, stacktrace, tail]);
      return [];
    },
    async retryJob(...asked: Parameters<typeof rerun>): ReturnType<typeof rerun> {
      const [id, lifo, token, { fieldsToUpdate = {} } = {}] = asked;
      if (!(TAIL in fieldsToUpdate)) return rerun(...asked);
      const { reason, stacktrace, tail } = shown(fieldsToUpdate);
      await moved(sql, RERUN, [queue, id, token, lifo, reason, stacktrace, tail]);
    },
  });
}

/** Moves a held job. @param values the second is its id @throws an error with BullMQ's code where it is not held so: nothing was done */
export async function moved(sql: Sql, statement: string, values: readonly unknown[]): ReturnType<Sql> {
  try {
    return await sql(statement, values);
  } catch (error) {
    const { code, detail } = error as { readonly code?: unknown; readonly detail?: unknown };
    if (code !== REFUSED) throw error;
    const message = `Job ${String(values[1])} is not held, or cannot end so.`;
    throw Object.assign(new Error(message, { cause: error }), { code: Number(detail) });
  }
}

function storableJob(job: JobJson): JobJson {
  return { ...job, name: shownText(job.name), data: storableData(job.data) };
}

/** What a failed run says of itself, a text and a list of texts as JSON, and the tail. */
function shown({
  failedReason,
  stacktrace,
  [TAIL]: tail,
}: Fields): Readonly<Record<'reason' | 'stacktrace' | 'tail', string | null>> {
  return {
    reason: typeof failedReason === 'string' ? shownText(failedReason) : null,
    stacktrace: typeof stacktrace === 'string' ? shownTexts(stacktrace) : null,
    tail: storableText(String(tail)),
  };
}

function shownTexts(json: string): string {
  const texts: unknown = JSON.parse(json);
  return JSON.stringify(Array.isArray(texts) ? texts.map((text) => shownText(String(text))) : []);
}
