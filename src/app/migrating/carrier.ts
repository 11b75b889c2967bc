/** Carries jobs through the steps of a move (broker/moving.ts), and goes on with those that a process that died has left on their way. */
import type { Broker } from '../../broker/broker.ts';
import type { Arrival, Departure, MovedJob } from '../../broker/moving.ts';
import { idsAfter } from '../../job/edges.ts';
import type { FsqError } from '../../job/errors.ts';
import { groupsOf, type PlannedJob } from './plan.ts';

/** Both places, and the move from one to the other. */
export interface Way {
  readonly from: Broker;
  readonly to: Broker;
  readonly departure: Departure;
  readonly arrival: Arrival;
}

export interface Carried {
  readonly moved: number;
  /** Those that wait at the source again, and why: they themselves could not be moved, or one with which they hang together. */
  readonly refused: ReadonlyMap<string, FsqError | null>;
  /** Some were taken and wait at the source again, because a worker had got others with which they hang together. */
  readonly isTornApart: boolean;
}

/** So many jobs are in memory at a time. */
const AT_ONCE = 32;

/** Takes the jobs that wait and carries them over. @param jobs whole groups */
export async function carry(way: Way, jobs: readonly PlannedJob[]): Promise<Carried> {
  const taken = await way.departure.take(jobs.map(({ id }) => id));
  return finishCarrying(way, taken, jobs, []);
}

/** The same of what lies between the two places. @param jobsHere all jobs of the source that have not ended */
export async function carryOn(way: Way, jobsHere: () => Promise<readonly PlannedJob[]>): Promise<Carried> {
  const leaving = await way.departure.underway();
  const isLeaving = new Set(leaving);
  const arrived = (await way.arrival.underway()).filter((id) => !isLeaving.has(id));
  // Somebody has put them back by hand: where they are now, they may run.
  const found = await way.from.changed(new Map(arrived.map((id) => [id, null])));
  if (found.size > 0) await way.arrival.discard([...found.keys()]);
  const letGo = arrived.filter((id) => !found.has(id));
  // Who lets some go has taken and accepted all of them. Who has let none go may have died while it took a group, or gave one back.
  const mayBeTorn = leaving.length > 0 && letGo.length === 0;
  const groups = mayBeTorn
    ? groupsOf(await jobsHere()).filter((group) => group.some(({ id }) => isLeaving.has(id)))
    : [];
  const others = groups.flat().filter(({ id }) => !isLeaving.has(id));
  const taken = others.length === 0 ? [] : await way.departure.take(others.map(({ id }) => id));
  return finishCarrying(way, [...leaving, ...taken], groups.flat(), letGo);
}

/** @param taken jobs that leave. @param jobs the groups of these. @param arrived jobs that arrive and were let go */
async function finishCarrying(
  way: Way,
  taken: readonly string[],
  jobs: readonly PlannedJob[],
  arrived: readonly string[],
): Promise<Carried> {
  const { to, departure, arrival } = way;
  const torn = await tornApart(way, taken, jobs);
  await giveBack(way, torn);
  const leaving = torn.size === 0 ? taken : taken.filter((id) => !torn.has(id));
  const { after, failed } = await acceptAll(way, leaving);
  const refused = withTheirGroups(leaving, after, failed);
  await giveBack(way, refused);
  const moved = [...leaving.filter((id) => !refused.has(id)), ...arrived];
  const revoked = await departure.letGo(moved);
  if (revoked.length > 0) await to.revoke(revoked);
  await arrival.release(moved);
  return { moved: moved.length, refused, isTornApart: torn.size > 0 };
}

/**
 * Those of `taken` that hang together with a job which a worker was faster to get: that one ends here, and who comes after it looks for it
 * where it is itself.
 */
async function tornApart(
  { from }: Way,
  taken: readonly string[],
  jobs: readonly PlannedJob[],
): Promise<ReadonlySet<string>> {
  const isTaken = new Set(taken);
  const torn = new Set<string>();
  if (jobs.every(({ id }) => isTaken.has(id))) return torn;
  for (const group of groupsOf(jobs)) {
    const mine = group.filter(({ id }) => isTaken.has(id));
    if (mine.length === 0 || mine.length === group.length) continue;
    const others = group.filter(({ id }) => !isTaken.has(id));
    if (await isAnyUnended(from, others)) for (const { id } of mine) torn.add(id);
  }
  return torn;
}

const UNENDED: ReadonlySet<string> = new Set(['pending', 'delayed', 'running']);

/** The outcomes of those that have ended go along with who needs them. */
async function isAnyUnended(from: Broker, jobs: readonly PlannedJob[]): Promise<boolean> {
  for (const { id } of jobs) if (UNENDED.has((await from.find(id))?.state ?? '')) return true;
  return false;
}

/** They wait at the source again. */
async function giveBack(
  { departure, arrival }: Way,
  jobs: ReadonlySet<string> | ReadonlyMap<string, unknown>,
): Promise<void> {
  if (jobs.size === 0) return;
  await arrival.discard([...jobs.keys()]);
  await departure.giveBack([...jobs.keys()]);
}

/** What was learnt of jobs while the other place took them. */
interface Accepted {
  readonly after: ReadonlyMap<string, readonly string[]>;
  readonly failed: ReadonlyMap<string, FsqError>;
}

async function acceptAll({ departure, arrival }: Way, ids: readonly string[]): Promise<Accepted> {
  const after = new Map<string, readonly string[]>();
  const failed = new Map<string, FsqError>();
  const outcomes = new Map<string, FsqError | null>();
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    const jobs: MovedJob[] = [];
    for (const [id, reading] of await departure.read(ids.slice(i, i + AT_ONCE))) {
      if ('error' in reading) failed.set(id, reading.error);
      else jobs.push(reading.job);
    }
    for (const { record } of jobs) after.set(record.job.id, idsAfter(record.job.options));
    const wanted = new Set(jobs.flatMap(({ record }) => after.get(record.job.id) ?? []));
    await sendOutcomes({ departure, arrival }, wanted, outcomes);
    const whole = jobs.filter(({ record: { job } }) => {
      const error = after
        .get(job.id)
        ?.map((id) => outcomes.get(id) ?? null)
        .find((one) => one !== null);
      if (error !== undefined) failed.set(job.id, error);
      return error === undefined;
    });
    for (const [id, error] of await arrival.accept(whole)) failed.set(id, error);
  }
  return { after, failed };
}

/** The outcomes that these jobs need must be there before them. @param told of each that was looked for: why it cannot be sent, or null */
async function sendOutcomes(
  { departure, arrival }: Pick<Way, 'departure' | 'arrival'>,
  wanted: ReadonlySet<string>,
  told: Map<string, FsqError | null>,
): Promise<void> {
  const left = [...wanted].filter((id) => !told.has(id));
  for (let i = 0; i < left.length; i += AT_ONCE) {
    const { unreadable } = await copyOutcomes({ departure, arrival }, left.slice(i, i + AT_ONCE));
    for (const [id, error] of unreadable) told.set(id, error);
  }
  for (const id of left) if (!told.has(id)) told.set(id, null);
}

export interface CopiedOutcomes {
  readonly ids: readonly string[];
  readonly unreadable: ReadonlyMap<string, FsqError>;
}

/** Of those of `ids` that have ended. */
export async function copyOutcomes(
  { departure, arrival }: Pick<Way, 'departure' | 'arrival'>,
  ids: readonly string[],
): Promise<CopiedOutcomes> {
  const ended: MovedJob[] = [];
  const unreadable = new Map<string, FsqError>();
  for (const [id, reading] of await departure.read(ids)) {
    if ('error' in reading) unreadable.set(id, reading.error);
    else if (reading.job.record.outcome !== null) ended.push(reading.job);
  }
  if (ended.length > 0) await arrival.acceptOutcomes(ended);
  return { ids: ended.map(({ record }) => record.job.id), unreadable };
}

function withTheirGroups(
  ids: readonly string[],
  after: ReadonlyMap<string, readonly string[]>,
  failed: ReadonlyMap<string, FsqError>,
): ReadonlyMap<string, FsqError | null> {
  if (failed.size === 0) return new Map();
  const groups = groupsOf(ids.map((id) => ({ id, after: after.get(id) ?? [] })));
  const staying = groups.filter((group) => group.some(({ id }) => failed.has(id))).flat();
  return new Map(staying.map(({ id }) => [id, failed.get(id) ?? null]));
}
