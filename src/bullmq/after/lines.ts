/**
 * Jobs that come after others lie in BullMQ's `delayed`, under a far time. Each stands in the line of one job that it comes after and that
 * has not ended: first the last one, for jobs end much as they were sent. Whoever ends a job looks at its line, and makes ready what waits
 * for nothing more, or moves it on to another line, by chance: in whatever order n jobs end, about half of those that are left end before that
 * one does, so that a job moves on some log n times.
 *
 * A job stands in a line before it lies there, and whoever has laid it there looks again. So either the one who ends the other finds it in
 * the line, or the one who laid it there finds the end. If one of them dies, a keeper's round finds it in WAITING, where all that stand in
 * any line are. To be made ready twice, or too early, costs a look: the claim decides.
 */
import type { NewJob } from '../../broker/new-job.ts';
import type { Engine } from '../engine.ts';
import { pagesOf } from '../looking/table-walk.ts';
import { idsAfter } from '../../job/edges.ts';
import type { JobOptions } from '../../job/job-options.ts';
import { recordOf } from '../jobs/job-data.ts';
import { waitsForOthers } from '../jobs/raw-sighting.ts';
import type { Place, RawJob, Store } from '../store.ts';

/** The table of all that stand in a line: for which job, in which queue they are themselves, and since when, by the datastore's clock. */
export const WAITING = 'waiting';

/** One that waits for a job that is nowhere: its sender may still be about to send that, ms. */
const SENT_WITHIN_MS = 10_000;
/** An entry of a job that is nowhere: its sender has died, ms. */
const LOST_AFTER_MS = 600_000;

/** Jobs looked at in one question. */
const PAGE = 100;

export interface Follower extends Place {
  /** Those after which it comes. */
  readonly after: readonly string[];
  /** Not before this time, Unix ms. */
  readonly etaMs: number;
  /** What WAITING has of it; null: nothing. */
  readonly entry: string | null;
}

/** Who waits for the end of this job, by ids, and their queues: a table. */
export function lineOf(id: string): string {
  return `line:${id}`;
}

const NONE: ReadonlyMap<string, Follower> = new Map();

/**
 * Those of the jobs, which are about to be sent, that are to wait for others, by their ids. One after jobs that have all ended, or are
 * nowhere, waits for none.
 */
export async function standInLines(engine: Engine, jobs: readonly NewJob[]): Promise<ReadonlyMap<string, Follower>> {
  if (jobs.every(({ job }) => job.options.after === undefined)) return NONE;
  const after = new Set(jobs.flatMap(({ job }) => othersOf(job.id, job.options)));
  const sent = new Set(jobs.map(({ job }) => job.id));
  const open = await openAmong(engine, after);
  const late = jobs.filter(({ job }) => othersOf(job.id, job.options).some((id) => open.has(id) || sent.has(id)));
  if (late.length === 0) return NONE;
  const nowMs = await engine.store.clockMs();
  const standing = late.map(({ queue, job }) => stand(engine, { queue, id: job.id }, job.options, nowMs));
  return new Map((await Promise.all(standing)).map((follower) => [follower.id, follower]));
}

/**
 * A job that comes after others stands in the line of the last of them. It is to be placed when it lies among the delayed ones.
 *
 * @param nowMs of the datastore
 */
export async function stand(engine: Engine, at: Place, options: JobOptions, nowMs: number): Promise<Follower> {
  const { queue, id } = at;
  const after = othersOf(id, options);
  const entry = await join(engine, at, after.at(-1) ?? id, nowMs);
  return { queue, id, after, etaMs: options.etaMs ?? 0, entry };
}

async function join({ store }: Engine, { queue, id }: Place, predecessor: string, sinceMs: number): Promise<string> {
  const entry = `${predecessor} ${queue} ${sinceMs}`;
  await Promise.all([store.setField(lineOf(predecessor), id, queue), store.setField(WAITING, id, entry)]);
  return entry;
}

/** A job that is to run after itself is told so by its claim. */
function othersOf(id: string, options: JobOptions): readonly string[] {
  return idsAfter(options).filter((other) => other !== id);
}

/**
 * Each of these jobs, which lie among the delayed ones, is made ready, or stands in the line of one that has not ended.
 *
 * @returns how many are ready now
 */
export async function place(engine: Engine, followers: readonly Follower[]): Promise<number> {
  let ready = 0;
  for (let left = followers; left.length > 0;) {
    const open = await openAmong(engine, new Set(left.flatMap(({ after }) => after)));
    const moved: Follower[] = [];
    const placeOne = async (each: Follower): Promise<void> => {
      const others = each.after.filter((id) => open.has(id));
      const last = others.at(-1);
      if (last === undefined) {
        await makeReady(engine, each);
        ready++;
        return;
      }
      const { predecessor = null, sinceMs = await engine.store.clockMs() } = parseEntry(each.entry) ?? {};
      if (predecessor !== null && open.has(predecessor)) return;
      await leaveLine(engine.store, each.id, each.entry);
      const next = predecessor === null ? last : (others[Math.floor(Math.random() * others.length)] ?? last);
      moved.push({ ...each, entry: await join(engine, each, next, sinceMs) });
    };
    await Promise.all(left.map(placeOne));
    left = moved;
  }
  return ready;
}

async function openAmong(engine: Engine, ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const all = [...ids];
  const stages = await engine.queues.stages(all);
  return new Set(all.filter((_, i) => stages[i] === 'open'));
}

async function makeReady(engine: Engine, { queue, id, etaMs, entry }: Follower): Promise<void> {
  const backend = engine.backend(queue);
  const waitMs = etaMs - engine.nowMs();
  try {
    if (waitMs > 0) await backend.changeDelay(id, waitMs);
    else await backend.promote(id);
  } catch (error) {
    // Somebody was faster: it is not delayed any more.
    if (typeof (error as { readonly code?: unknown } | null)?.code !== 'number') throw error;
  }
  await leave(engine, id, entry);
}

/** It waits no more. Its place in the line goes first: only the entry tells of that. */
async function leave({ store }: Engine, id: string, entry: string | null): Promise<void> {
  if (entry === null) return;
  await Promise.all([leaveLine(store, id, entry), store.swapField(WAITING, id, entry, null)]);
}

async function leaveLine(store: Store, id: string, entry: string | null): Promise<void> {
  const { predecessor } = parseEntry(entry) ?? {};
  if (predecessor !== undefined) await store.removeFields(lineOf(predecessor), [id]);
}

/** A job has ended: those that stand in its line wait for it no more. */
export async function release(engine: Engine, id: string): Promise<void> {
  const { store } = engine;
  const line = await store.fields(lineOf(id));
  if (line.size === 0) return;
  await advance(
    engine,
    [...line].map(([follower, queue]) => ({ id: follower, queue })),
  );
  await store.removeFields(lineOf(id), [...line.keys()]);
}

/** How many are ready now. What is not among the delayed ones is on its way, and its next claim looks by itself. */
async function advance(engine: Engine, places: readonly Place[]): Promise<number> {
  const { store } = engine;
  let ready = 0;
  for (let from = 0; from < places.length; from += PAGE) {
    const page = places.slice(from, from + PAGE);
    const ids = page.map(({ id }) => id);
    const [raws, entries] = await Promise.all([
      store.look(ids, [...new Set(page.map(({ queue }) => queue))]),
      Promise.all(ids.map((id) => store.field(WAITING, id))),
    ]);
    const followers: Follower[] = [];
    for (const [i, id] of ids.entries()) {
      const raw = raws[i] ?? null;
      const entry = entries[i] ?? null;
      const follower = raw === null ? null : followerIn(raw, entry);
      if (follower !== null) followers.push(follower);
      else if (entry !== null && (await isOver(engine, raw, entry))) await leave(engine, id, entry);
    }
    ready += await place(engine, followers);
  }
  return ready;
}

/** Null when it does not wait. One that cannot be read is made ready, and fails for that. */
function followerIn(raw: RawJob, entry: string | null): Follower | null {
  const { id, queue } = raw;
  try {
    const { options } = recordOf(raw).job;
    if (!waitsForOthers(raw, options)) return null;
    return { id, queue, after: othersOf(id, options), etaMs: options.etaMs ?? 0, entry };
  } catch {
    return raw.state === 'delayed' ? { id, queue, after: [], etaMs: 0, entry } : null;
  }
}

async function isOver({ store }: Engine, raw: RawJob | null, entry: string): Promise<boolean> {
  if (raw !== null) return raw.state === 'completed' || raw.state === 'failed';
  return (await store.clockMs()) - (parseEntry(entry)?.sinceMs ?? 0) > LOST_AFTER_MS;
}

/**
 * Makes ready what waits for nothing more and was not made ready, because the process that was to do it has died, or another program has
 * ended or removed the job that was waited for.
 *
 * @returns how many may be ready now, or soon
 */
export async function findReleased(engine: Engine): Promise<number> {
  let ready = 0;
  for await (const entries of pagesOf(engine.store, WAITING)) ready += await findReleasedAmong(engine, entries);
  return ready;
}

/** A keeper's round. @param entries of WAITING */
export async function findReleasedAmong(engine: Engine, entries: ReadonlyMap<string, string>): Promise<number> {
  if (entries.size === 0) return 0;
  const nowMs = await engine.store.clockMs();
  const predecessors = [...new Set([...entries.values()].map((entry) => parseEntry(entry)?.predecessor ?? ''))];
  const stages = await engine.queues.stages(predecessors);
  const stageOf = new Map(predecessors.map((id, i) => [id, stages[i] ?? null]));
  const found: (Place & { readonly predecessor: string })[] = [];
  let soon = 0;
  for (const [id, entry] of entries) {
    const { predecessor, queue, sinceMs } = parseEntry(entry) ?? { predecessor: '', queue: '', sinceMs: 0 };
    const stage = stageOf.get(predecessor) ?? null;
    if (stage === 'open') continue;
    if (stage === null && nowMs - sinceMs < SENT_WITHIN_MS) soon++;
    else found.push({ id, queue, predecessor });
  }
  const ready = await advance(engine, found);
  await Promise.all(found.map(({ id, predecessor }) => engine.store.removeFields(lineOf(predecessor), [id])));
  return soon + ready;
}

function parseEntry(
  entry: string | null,
): { readonly predecessor: string; readonly queue: string; readonly sinceMs: number } | null {
  const [predecessor, queue, since] = (entry ?? '').split(' ');
  if (predecessor === undefined || queue === undefined || since === undefined) return null;
  return { predecessor, queue, sinceMs: Number(since) };
}
