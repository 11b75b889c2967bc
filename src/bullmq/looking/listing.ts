/** Looking at many jobs: what lies in which state, and how many. */
import type { JobType } from 'bullmq';
import type { Backlog, Broker, Counts, ListedState, NamedJob, Sighting } from '../../broker/broker.ts';
import { idTimeMs, isTimed } from '../../job/names.ts';
import type { Engine } from '../engine.ts';
import { MOVING } from '../moving/move-store.ts';
import { sightingOf } from '../jobs/raw-sighting.ts';
import { inReason } from '../store-wait.ts';
import type { NamedRaw } from '../store.ts';
import { withWaiting } from './finding.ts';
import { dueOf, jobsOfAll } from './job-pages.ts';

/** BullMQ's own names of its states. */
const TYPES: Readonly<Record<ListedState, readonly JobType[]>> = {
  running: ['active'],
  pending: ['wait', 'prioritized'],
  delayed: ['delayed', 'waiting-children'],
  results: ['completed', 'failed'],
};

/** In this order jobs are listed. */
const ORDER: readonly ListedState[] = ['running', 'pending', 'delayed', 'results'];

/** Jobs that are read together. */
const BATCH = 100;

export async function countJobs(engine: Engine): Promise<Counts> {
  const counts = { pending: 0, delayed: 0, running: 0, results: 0 };
  const add = async (queue: string, state: ListedState): Promise<void> => {
    const found = await engine.backend(queue).getCounts([...TYPES[state]]);
    counts[state] += found.reduce((sum, count) => sum + count, 0);
  };
  const queues = await engine.queues.all();
  await Promise.all(queues.flatMap((queue) => ORDER.map((state) => add(queue, state))));
  if (!engine.store.moves.isCounting) counts.delayed += (await engine.store.fields(MOVING)).size;
  return counts;
}

/** See `Broker.backlog`. The oldest is among those that came first, of each queue and priority: one that was sent back stands behind these. */
export async function backlogOf(engine: Engine): Promise<Backlog> {
  const heads = await engine.store.heads(await engine.queues.all());
  const waiting = heads.filter(({ ready }) => ready > 0);
  const queues = Object.fromEntries(waiting.map(({ queue, ready }) => [queue, ready]));
  const [oldest = null] = waiting
    .flatMap(({ queue, ids }) => ids.map((id) => ({ queue, id })))
    .filter(({ id }) => isTimed(id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const told = { oldestAtMs: oldest === null ? null : idTimeMs(oldest.id), queues, foreign: [] };
  if (oldest === null) return told;
  const [raw = null] = await engine.store.look([oldest.id], [oldest.queue]);
  return raw?.state === 'waiting' ? { ...told, oldest: sightingOf(raw, engine.place) } : told;
}

/**
 * See `Broker.list`. Reads no more jobs than it must, some at a time, and holds those that are wanted. Each part has a time of its own: all may
 * take as long as there are jobs.
 */
export async function listJobs(
  engine: Engine,
  states: readonly ListedState[],
  limit: number,
  isWanted: (sighting: Sighting) => boolean = () => true,
  mayBeWanted: (job: NamedJob) => boolean | 'no more' = () => true,
): ReturnType<Broker['list']> {
  const found = new Map<string, Sighting>();
  const queues = await inReason(() => engine.queues.all());
  const take = async (jobs: readonly NamedRaw[]): Promise<void> => {
    const [ids, of] = [jobs.map(({ id }) => id), [...new Set(jobs.map(({ queue }) => queue))]];
    const raws = await inReason(() => engine.store.look(ids, of));
    for (const [i, raw] of raws.entries()) {
      if (raw === null || raw.state !== jobs[i]?.state || found.size >= limit || found.has(raw.id)) continue;
      const sighting = sightingOf(raw, engine.place);
      if (isWanted(sighting)) found.set(raw.id, sighting);
    }
  };
  for (const state of limit <= 0 ? [] : ORDER) {
    if (!states.includes(state)) continue;
    let batch: NamedRaw[] = [];
    for await (const job of jobsOfAll(engine, queues, state)) {
      const mayBe = state === 'results' || mayBeWanted({ id: job.id, queue: job.queue, dueAtMs: dueOf(job) });
      if (mayBe === 'no more') break;
      if (mayBe) batch.push(job);
      if (batch.length < Math.min(BATCH, limit - found.size)) continue;
      await take(batch);
      batch = [];
      if (found.size >= limit) break;
    }
    if (batch.length > 0) await take(batch);
    if (found.size >= limit) break;
  }
  return Promise.all([...found.values()].map((sighting) => inReason(() => withWaiting(engine, sighting))));
}
