/** What has to be known of a job, and of what goes on beside it, to say why it is where it is: asked of its broker, and no more than that takes. */
import type { Broker, OwnerInfo, Restoring, Sighting } from '../../broker/broker.ts';
import { slotsUpTo } from '../../broker/figures/history.ts';
import type { UnfinishedMove } from '../../broker/moving.ts';
import { idsAfter } from '../../job/edges.ts';
import { type Neighbours, rootOf } from './neighbours.ts';
import { BLOCKED_MS } from '../telling/blocked.ts';
import { livingRunners } from '../telling/runners.ts';

/** Of many jobs that one comes after, so many are looked at for who holds it up. */
const MOST_WAITED_FOR = 1_000;
/** So many are asked for one by one, where the look for all has not found them. */
const MOST_MISSING = 8;
/** More jobs run at once nowhere. */
const MOST_RUNNING = 10_000;

/** A look at a job and at all that it may wait for. */
export interface Facts {
  readonly nowMs: number;
  /** Of all jobs: a path or an address. */
  readonly place: string;
  readonly job: Sighting;
  readonly owners: readonly OwnerInfo[];
  /** What is restored after a power cut; null when nothing is. */
  readonly restoring: Restoring | null;
  readonly paused: readonly string[];
  /** Of a job on its way: with which move. Null: of others, and where no note tells. */
  readonly move: UnfinishedMove | null;
  /** The jobs that it comes after, or for which its run waits, as far as they were looked at, in its order; null: that one is nowhere. */
  readonly others: ReadonlyMap<string, Sighting | null>;
  /** Jobs of which each needs the end of the next, and the last that of the first: none of them can end. Null: there is no such circle. */
  readonly circle: readonly string[] | null;
  /** Of a job that was not run because of others: the one that failed by itself. Null where its outcome is gone, and of other jobs. */
  readonly root: Neighbours['root'];
  /** Jobs that run; only for a job that is ready. */
  readonly running: readonly Sighting[];
  /** How many ready jobs come before it: in all queues that those take jobs from who take it and that are not paused, and in its own. */
  readonly ahead: { readonly all: number; readonly inQueue: number };
  /** Jobs that ended in the last minute, of all queues, as far as workers have told. */
  readonly endedInAMinute: number;
}

export type FactSource = Pick<
  Broker,
  | 'place'
  | 'owners'
  | 'paused'
  | 'restoring'
  | 'unfinishedMove'
  | 'find'
  | 'changed'
  | 'list'
  | 'unended'
  | 'statistics'
>;

/** @param job a fresh look at it */
export async function factsOf(broker: FactSource, job: Sighting, nowMs: number): Promise<Facts> {
  const isOver = job.endedAtMs !== null || !['pending', 'delayed', 'running'].includes(job.state);
  const isReady = job.state === 'pending';
  const [owners, paused, restoring] = isOver
    ? ([[], [], null] as const)
    : await Promise.all([
        broker.owners(job.state === 'running' ? BLOCKED_MS : undefined),
        broker.paused(),
        broker.restoring(),
      ]);
  const move = job.isOnItsWay === true ? await broker.unfinishedMove() : null;
  const { others, circle } = await whatItNeeds(broker, job, isOver);
  return {
    nowMs,
    place: broker.place,
    job,
    owners,
    restoring,
    paused,
    move,
    others,
    circle,
    root: isOver ? await rootOf(broker, job) : null,
    running: isReady ? await broker.list(['running'], MOST_RUNNING) : [],
    ahead: isReady ? await countAhead(broker, job, owners, paused) : { all: 0, inQueue: 0 },
    endedInAMinute: isReady ? await endedLately(broker, nowMs) : 0,
  };
}

/** The jobs that it needs the end of, and whether a way leads from these back to it. */
async function whatItNeeds(
  broker: Pick<Broker, 'changed' | 'find'>,
  job: Sighting,
  isOver: boolean,
): Promise<Pick<Facts, 'others' | 'circle'>> {
  const ids = job.state === 'running' ? idsNeeded(job) : idsAfter(job.record?.job.options ?? {});
  const wanted = ids.slice(0, MOST_WAITED_FOR);
  const seen = await sightings(broker, wanted);
  const others = new Map<string, Sighting | null>(seen);
  // The look may have missed one that moved just then.
  for (const id of wanted.filter((one) => !seen.has(one)).slice(0, MOST_MISSING)) others.set(id, await broker.find(id));
  const inOrder = wanted.flatMap((id) => (others.has(id) ? [[id, others.get(id) ?? null] as const] : []));
  return { others: new Map(inOrder), circle: isOver ? null : await circleThrough(broker, job, seen) };
}

/** One look for all. */
async function sightings(
  broker: Pick<Broker, 'changed'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Sighting>> {
  if (ids.length === 0) return new Map();
  const found = await broker.changed(new Map(ids.map((id) => [id, null])));
  return new Map([...found].map(([id, { sighting }]) => [id, sighting]));
}

/** The jobs that have to end before this one goes on. */
function idsNeeded({ state, record, awaits = [], dueAtMs }: Sighting): readonly string[] {
  if (state === 'running') return awaits;
  return state === 'delayed' && dueAtMs === null && record !== null ? idsAfter(record.job.options) : [];
}

/**
 * Goes from job to job to what each needs, a look for each step. Such a circle can be written by hand, or by a program that makes ids
 * itself: nobody refuses it, and no job of it ever ends.
 */
async function circleThrough(
  broker: Pick<Broker, 'changed'>,
  job: Sighting,
  first: ReadonlyMap<string, Sighting>,
): Promise<readonly string[] | null> {
  const needs = new Map<string, readonly string[]>([[job.id, idsNeeded(job)]]);
  let step = first;
  while (step.size > 0 && needs.size < MOST_WAITED_FOR) {
    for (const [id, sighting] of step) needs.set(id, idsNeeded(sighting));
    const next = [...step.keys()].flatMap((id) => needs.get(id) ?? []).filter((id) => !needs.has(id));
    step = await sightings(broker, [...new Set(next)].slice(0, MOST_WAITED_FOR));
  }
  return circleIn(needs, job.id);
}

/** A way from `from` back to a job on it, without what leads to that job. Not by calls of itself: a row may be a thousand jobs long. */
export function circleIn(needs: ReadonlyMap<string, readonly string[]>, from: string): readonly string[] | null {
  const way: { readonly id: string; readonly left: string[] }[] = [];
  const isDone = new Set<string>();
  const enter = (id: string): void => void way.push({ id, left: [...(needs.get(id) ?? [])] });
  for (enter(from); ;) {
    const at = way.at(-1);
    if (at === undefined) return null;
    const next = at.left.shift();
    if (next === undefined) {
      isDone.add(at.id);
      way.pop();
      continue;
    }
    const back = way.findIndex(({ id }) => id === next);
    if (back !== -1) return way.slice(back).map(({ id }) => id);
    if (!isDone.has(next)) enter(next);
  }
}

async function countAhead(
  broker: Pick<Broker, 'unended'>,
  { id, standing: { queue, priority } }: Sighting,
  owners: readonly OwnerInfo[],
  paused: readonly string[],
): Promise<Facts['ahead']> {
  const takers = livingRunners(owners).filter(({ queues }) => queues === null || queues.includes(queue));
  const isShared = (other: string): boolean => takers.some(({ queues }) => queues === null || queues.includes(other));
  let [all, inQueue] = [0, 0];
  for (const other of await broker.unended()) {
    const isBefore = other.priority < priority || (other.priority === priority && other.id < id);
    if (other.state !== 'pending' || !isBefore || (other.queue !== queue && paused.includes(other.queue))) continue;
    if (other.queue === queue) inQueue++;
    if (other.queue === queue || isShared(other.queue)) all++;
  }
  return { all, inQueue };
}

async function endedLately(broker: Pick<Broker, 'statistics'>, nowMs: number): Promise<number> {
  const { history } = await broker.statistics();
  return slotsUpTo(history, 'seconds', nowMs).reduce((sum, { ended }) => sum + ended, 0);
}
