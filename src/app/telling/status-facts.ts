/** The facts of `fsq status`, and of whatever else shows its verdict, each by the least look that tells it. */
import type { Broker } from '../../broker/broker.ts';
import { BLOCKED_MS } from './blocked.ts';
import { unserved } from './health.ts';
import { longestWaitMs, PARKED_AT_MOST_MS, parkedAmongReady, recentFailures } from './health-facts.ts';
import type { StatusFacts } from './status-report.ts';

/** How many delayed jobs are read to find parked ones, and running ones for their start: a listing of names tells the rest. */
const MAX_READ = 1_000;
/** Of more outcomes than this the last ones are not looked for where no worker has counted any: their names have to be sorted for it. */
const MOST_SORTED = 20_000;

/** All that a verdict, figures and advice are made of. */
export async function statusFacts(broker: Broker): Promise<StatusFacts> {
  const nowMs = Date.now();
  const restoring = await broker.restoring();
  const backlog = await broker.backlog();
  const [counts, owners, paused, statistics, room, move] = await Promise.all([
    broker.counts(backlog),
    broker.owners(BLOCKED_MS),
    broker.paused(),
    broker.statistics(),
    broker.room(),
    broker.unfinishedMove(),
  ]);
  // What is due later is neither late nor parked.
  const isSoon = ({ dueAtMs }: { readonly dueAtMs: number | null }): true | 'no more' =>
    (dueAtMs !== null && dueAtMs <= nowMs + PARKED_AT_MOST_MS) || 'no more';
  const delayed = counts.delayed === 0 ? [] : await broker.list(['delayed'], MAX_READ, undefined, isSoon);
  const isCounted = (queue: string): boolean => !paused.includes(queue);
  const queues = Object.entries(backlog.queues).map(([queue, jobs]) => ({ queue, jobs }));
  const left = unserved(queues, owners).map(({ queue }) => queue);
  return {
    place: broker.place,
    nowMs,
    restoring,
    counts,
    backlog,
    longestWaitMs: counts.pending === 0 ? 0 : await longestWaitMs(broker, nowMs, isCounted, backlog.oldest ?? null),
    owners,
    paused,
    statistics,
    failed: await recentFailures(broker, statistics, nowMs, counts.results <= MOST_SORTED),
    room,
    move,
    running: await broker.list(['running'], MAX_READ),
    delayed,
    parkedReady: await parkedAmongReady(broker, left.filter(isCounted)),
    isAllRead: delayed.length < MAX_READ,
  };
}
