/** Figures for the health of a place, each by the least look that tells it. */
import type { Broker, Sighting } from '../../broker/broker.ts';
import { RINGS, slotsUpTo, totalOfSlots } from '../../broker/figures/history.ts';
import type { Statistics } from '../../broker/statistics.ts';
import { idsAfter } from '../../job/edges.ts';
import { endedAtMs } from '../../job/job.ts';
import { idTimeMs, isTimed } from '../../job/names.ts';
import type { FailedFacts } from './health.ts';

/** How many ready jobs are read to learn since when they are ready: their names tell only when they were sent. */
const MOST_READ = 1_000;
/** An id is made that much earlier than its job is sent, at most, ms. */
const ID_AHEAD_MS = 1_000;
/** Failures are recent for so long, ms. */
const RECENT_MS = 600_000;
/** A parked job is due again within this time, ms. */
export const PARKED_AT_MOST_MS = 60_000;
/** How many outcomes are read for what failed of late, those of the jobs first that were sent last. */
const MOST_OUTCOMES = 200;

/**
 * How long the job waits that has been ready for longest, ms; 0 where none is ready. One that was delayed is younger than its id.
 *
 * @param isCounted of its queue
 * @param oldest the ready job that was sent first, where that is known: often no other needs a look
 */
export async function longestWaitMs(
  broker: Pick<Broker, 'list' | 'outcome'>,
  nowMs: number,
  isCounted: (queue: string) => boolean,
  oldest: Sighting | null = null,
): Promise<number> {
  let [sinceMs, reads] = [nowMs, 0];
  if (oldest !== null && isCounted(oldest.standing.queue)) {
    sinceMs = await waitsSinceMs(broker, oldest);
    if (sinceMs <= idTimeMs(oldest.id) + ID_AHEAD_MS) return Math.max(0, nowMs - sinceMs);
  }
  const followers: Sighting[] = [];
  const isEnough = (job: Sighting): boolean => {
    if (predecessorsOf(job).length > 0) followers.push(job);
    else sinceMs = Math.min(sinceMs, readySinceMs(job));
    return ++reads >= MOST_READ;
  };
  // What was sent later than one is ready cannot wait for longer.
  const mayBeOlder = (id: string): boolean => isTimed(id) && idTimeMs(id) < sinceMs;
  await broker.list(['pending'], 1, isEnough, ({ id, queue }) => mayBeOlder(id) && isCounted(queue));
  for (const job of followers) sinceMs = Math.min(sinceMs, await waitsSinceMs(broker, job));
  return Math.max(0, nowMs - sinceMs);
}

/** When it was sent, its last run ended, its time came, or it was sent back, whichever was last. */
export function readySinceMs({ id, record, readySinceMs: sinceMs = 0 }: Sighting): number {
  if (record === null) return idTimeMs(id);
  const { job, attempts, kept } = record;
  const { etaMs = 0 } = job.options;
  return Math.max(job.enqueuedAtMs, etaMs, attempts.at(-1)?.endedAtMs ?? 0, kept.endedAtMs ?? 0, sinceMs);
}

/** The same, and when those had ended that it came after. */
export async function waitsSinceMs(broker: Pick<Broker, 'outcome'>, job: Sighting): Promise<number> {
  const before = await Promise.all(predecessorsOf(job).map((id) => broker.outcome(id)));
  return Math.max(readySinceMs(job), ...before.map((other) => (other === null ? 0 : (endedAtMs(other) ?? 0))));
}

function predecessorsOf({ record }: Sighting): readonly string[] {
  return record === null ? [] : idsAfter(record.job.options);
}

/**
 * Jobs that are parked and ready: their time came, and no worker of their queue has looked at them again. Each is one of the first that are ready.
 *
 * @param queues those of which no worker takes jobs; in all others such a job is claimed at once
 */
export async function parkedAmongReady(
  broker: Pick<Broker, 'list'>,
  queues: readonly string[],
): Promise<readonly Sighting[]> {
  if (queues.length === 0) return [];
  let reads = 0;
  const isParked = ({ record }: Sighting): boolean => record !== null && record.parked !== null;
  const isOfThem = ({ queue }: { readonly queue: string }): boolean | 'no more' => {
    if (!queues.includes(queue)) return false;
    return ++reads <= MOST_READ || 'no more';
  };
  return broker.list(['pending'], MOST_READ, isParked, isOfThem);
}

/**
 * What failed of late, as far as workers have counted it and the last outcomes tell.
 *
 * @param mayRead whether outcomes may be looked through where no worker has counted anything
 */
export async function recentFailures(
  broker: Pick<Broker, 'list'>,
  { sinceMs, history }: Pick<Statistics, 'sinceMs' | 'history'>,
  nowMs: number,
  mayRead: boolean,
): Promise<FailedFacts> {
  const slots = slotsUpTo(history, 'quarterMinutes', nowMs).slice(-RECENT_MS / RINGS.quarterMinutes.everyMs);
  const counted = totalOfSlots(slots).failed;
  const none = { jobs: 0, withinMs: RECENT_MS, most: null };
  if (counted === 0 && (sinceMs !== null || !mayRead)) return none;
  const kinds = new Map<string, { readonly task: string; readonly error: string; jobs: number }>();
  let [read, found] = [0, 0];
  await broker.list(['results'], 1, (job) => {
    const kind = job.endedAtMs !== null && job.endedAtMs >= nowMs - RECENT_MS ? failureOf(job) : null;
    if (kind !== null) {
      found++;
      const key = `${kind.task} ${kind.error}`;
      const known = kinds.get(key) ?? { ...kind, jobs: 0 };
      known.jobs++;
      kinds.set(key, known);
    }
    return ++read >= MOST_OUTCOMES;
  });
  const [first] = [...kinds.values()].toSorted((a, b) => b.jobs - a.jobs);
  const most = first === undefined ? null : { task: first.task, error: first.error };
  return { ...none, jobs: Math.max(counted, found), most };
}

function failureOf({ record }: Sighting): { readonly task: string; readonly error: string } | null {
  const outcome = record?.outcome ?? null;
  if (record === null || outcome === null || outcome.state !== 'failed') return null;
  return { task: record.job.task, error: outcome.error.name };
}
