/** Looking at many jobs: what lies in which state, and how many. */
import type { JobType } from 'bullmq';
import type { Broker, Counts, ListedState, Sighting } from '../../broker/broker.ts';
import type { Engine } from '../engine.ts';
import { sightingOf } from '../jobs/raw-sighting.ts';

/** BullMQ's states of each of fsq's, in the order of the listing. */
const STATES: Readonly<Record<ListedState, readonly JobType[]>> = {
  running: ['active'],
  pending: ['wait', 'prioritized'],
  delayed: ['delayed', 'waiting-children'],
  results: ['completed', 'failed'],
};

/** Jobs read at a time. */
const PAGE = 500;

export async function countJobs(engine: Engine): Promise<Counts> {
  const counts = { pending: 0, delayed: 0, running: 0, results: 0, corrupt: 0 };
  for (const queue of await engine.queues.all()) {
    const backend = engine.backend(queue);
    for (const [state, types] of Object.entries(STATES)) {
      const found = await backend.getCounts([...types]);
      counts[state as ListedState] += found.reduce((sum, count) => sum + count, 0);
    }
  }
  return counts;
}

/** See `Broker.list`. */
export async function listJobs(
  engine: Engine,
  states: Parameters<Broker['list']>[0],
  limit: Parameters<Broker['list']>[1],
  isWanted: (sighting: Sighting) => boolean = () => true,
): Promise<readonly Sighting[]> {
  const found: Sighting[] = [];
  for (const [state, types] of Object.entries(STATES)) {
    if (!states.includes(state as ListedState) && states.length > 0) continue;
    for (const queue of await engine.queues.all()) {
      for (let start = 0; found.length < limit; start += PAGE) {
        const ranges = await engine.backend(queue).getRanges([...types], start, start + PAGE - 1, state !== 'results');
        const ids = ranges.flat();
        if (ids.length === 0) break;
        for (const raw of await engine.store.look(ids, [queue])) {
          if (raw === null || found.length >= limit) continue;
          const sighting = sightingOf(raw, engine.place);
          if (isWanted(sighting)) found.push(sighting);
        }
      }
    }
  }
  return found;
}
