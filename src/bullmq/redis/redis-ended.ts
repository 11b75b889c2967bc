/** Jobs in Redis that end their time, come back, or come with a fact: which scripts do it, and what their rows say. */
import type { JobJson } from 'bullmq';
import type { EndedJob, EndedPlace, EndedRange, Fact, Place } from '../store.ts';
import { rowsOf, textOf, type RunScript } from './redis-looks.ts';

/** What the names of the keys of a queue begin with. */
type BaseOf = (at: Pick<Place, 'queue'>) => string;

/** See `Store.stages`. @param prefix of BullMQ's keys */
export async function readStages(
  run: RunScript,
  prefix: string,
  ids: readonly string[],
  queues: readonly string[],
): Promise<readonly ('open' | 'ended' | null)[]> {
  if (ids.length === 0 || queues.length === 0) return ids.map(() => null);
  const stages = rowsOf(await run('fsqStages', prefix, queues.length, ...queues, ...ids));
  return ids.map((_, i) => {
    const stage = stages[i];
    return stage === 'open' || stage === 'ended' ? stage : null;
  });
}

/** See `Store.sendIf`. @param table the key of the fact's table */
export async function sendWithFact(
  run: RunScript,
  table: string,
  { field, before, after }: Omit<Fact, 'table'>,
  base: string,
  job: JobJson,
  dueAtMs: number | null,
): Promise<boolean> {
  const was = before === null ? (['0', ''] as const) : (['1', before] as const);
  return (await run('fsqSendIf', table, field, ...was, after, base, ...toldOf(job, dueAtMs))) === 1;
}

/** See `Store.renew`. @param held the key of those that a limit holds back in its queue */
export async function renewWaiting(
  run: RunScript,
  base: string,
  held: string,
  newBase: string,
  job: JobJson,
  dueAtMs: number | null,
): Promise<boolean> {
  return (await run('fsqRenew', base, held, newBase, ...toldOf(job, dueAtMs))) === 1;
}

function toldOf(
  { id, name, data, opts, timestamp, delay = 0, priority = 0 }: JobJson,
  dueAtMs: number | null,
): readonly (string | number)[] {
  return [id, name, data, JSON.stringify(opts), timestamp, delay, priority, dueAtMs ?? 0];
}

/** See `Store.endedBy`. */
export async function readEndedBy(
  run: RunScript,
  baseOf: BaseOf,
  { queue, state, fromMs, untilMs, skip, limit }: EndedRange,
): Promise<readonly EndedJob[]> {
  return endedJobs(queue, await run('fsqEndedBy', baseOf({ queue }), state, fromMs, untilMs, skip, limit));
}

/** See `Store.endedAs`. */
export async function readEndedAs(
  run: RunScript,
  baseOf: BaseOf,
  places: readonly Place[],
): Promise<readonly EndedJob[]> {
  const queues = [...new Set(places.map(({ queue }) => queue))];
  const idsOf = (queue: string): string[] => places.flatMap((each) => (each.queue === queue ? [each.id] : []));
  const found = queues.map(async (queue) =>
    endedJobs(queue, await run('fsqEndedAs', baseOf({ queue }), ...idsOf(queue))),
  );
  return (await Promise.all(found)).flat();
}

/** See `Store.forget`. */
export async function forgetEnded(
  run: RunScript,
  base: string,
  ended: readonly Omit<EndedPlace, 'queue'>[],
): Promise<readonly string[]> {
  if (ended.length === 0) return [];
  const told = ended.flatMap(({ id, finishedOn }) => [id, finishedOn]);
  return rowsOf(await run('fsqForget', base, ...told)).map(String);
}

function endedJobs(queue: string, found: unknown): readonly EndedJob[] {
  return rowsOf(found).map((row) => {
    const [id, at, tail, data, set] = rowsOf(row);
    const state = set === 'completed' ? set : 'failed';
    return { queue, state, id: String(id), finishedOn: Number(at), tail: textOf(tail), data: textOf(data) };
  });
}
