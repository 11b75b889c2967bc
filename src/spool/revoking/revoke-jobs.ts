/**
 * Revoking from any process, with or without a worker. It makes the markers first, then withdraws the jobs that wait, and leaves
 * jobs that run to their owners. Once the markers are there, this process may die at any point: a worker, or the next call, goes on.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Revocation } from '../../broker/broker.ts';
import { revoked } from '../../job/lifecycle.ts';
import { openTaken } from '../claims/claim.ts';
import { settle } from '../claims/settle.ts';
import type { SpoolContext } from '../disk/context.ts';
import { type Holder, takeFrom } from '../job-file/holder.ts';
import { mark, unmark } from '../notes/notes.ts';
import { readOutcome } from '../results/outcomes.ts';
import { readOwner } from '../owners/owner-record.ts';
import { register, type Registration } from '../owners/owner.ts';
import { verdictOf } from '../owners/verdicts.ts';
import { recoverOrphans, verdictOfParent } from '../recovery/recover.ts';
import type { Recoverer } from '../recovery/take-back.ts';
import { type EndedSpot, type HeldSpot, locate, type Spot } from '../locate.ts';

/**
 * How long we look again for jobs that another process is about to settle, ms, since the last one was settled: each takes a
 * millisecond unless the disk is full, and there may be thousands.
 */
const FOLLOW_MS = 2_000;
/**
 * How long we look again for a job that waited and that a child has now, ms: a child that saw the marker in time settles it
 * without a run.
 */
const BEGUN_MS = 200;
/** How long we look whether a child whose worker is gone has killed itself, as it was told to, ms: then nobody but us may be there to end the job. */
const ALONE_MS = 1_000;
const LOOK_AGAIN_MS = 5;

const NONE: ReadonlySet<string> = new Set();

/** @returns what came of each of `ids`; those that are nowhere are missing */
export async function revoke(
  context: SpoolContext,
  ids: readonly string[],
  terminate: boolean,
): Promise<ReadonlyMap<string, Revocation>> {
  const found = new Map<string, Revocation>();
  const open = new Set<string>();
  const waited = new Set<string>();
  for (const [id, { at }] of await locate(context, new Set(ids))) {
    if (at === 'results') found.set(id, endOf(context, id));
    else open.add(id);
    if (at === 'waiting') waited.add(id);
  }
  if (open.size === 0) return found;
  await mark(context, open, terminate);
  const revoker = new Revoker(context, terminate);
  try {
    for (const [id, revocation] of await revoker.follow(open, waited)) found.set(id, revocation);
    // A worker may have done so already. Markers of what runs stay until it has ended.
    await unmark(
      context,
      [...open].filter((id) => found.get(id) !== 'requested'),
    );
  } finally {
    await revoker.close();
  }
  return found;
}

/** The job may have been revoked before, or by another process at this moment. */
function endOf(context: SpoolContext, id: string): Revocation {
  return readOutcome(context, id)?.outcome?.state === 'revoked' ? 'revoked' : 'ended';
}

class Revoker {
  readonly #context: SpoolContext;
  readonly #terminate: boolean;
  readonly #begunAt = performance.now();
  /** Null until there is a job to take. */
  #registration: Registration | null = null;

  constructor(context: SpoolContext, terminate: boolean) {
    this.#context = context;
    this.#terminate = terminate;
  }

  /**
   * Looks until each of `ids` has ended, or surely lies with a process that will see its marker.
   *
   * @param waited those that waited before they were marked
   */
  async follow(ids: ReadonlySet<string>, waited: ReadonlySet<string>): Promise<ReadonlyMap<string, Revocation>> {
    const found = new Map<string, Revocation>();
    let endAt = this.#begunAt + FOLLOW_MS;
    for (let left = ids; left.size > 0;) {
      const spots = await locate(this.#context, left);
      const { missed, leftAlone } = await this.#withdrawAmong(spots);
      for (const id of leftAlone) found.set(id, 'requested');
      const maybeSettling = performance.now() < this.#begunAt + BEGUN_MS ? waited : NONE;
      const again = await this.#settled(spots, missed, maybeSettling, found);
      const next = new Set([...again].filter((id) => !found.has(id)));
      if (next.size < left.size) endAt = performance.now() + FOLLOW_MS;
      else if (performance.now() > endAt) for (const id of next) found.set(id, 'requested');
      if (missed.size === 0 && next.size > 0) await wait(LOOK_AGAIN_MS);
      left = new Set([...next].filter((id) => !found.has(id)));
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#registration?.release();
  }

  async #withdrawAmong(spots: ReadonlyMap<string, Spot>): ReturnType<typeof withdraw> {
    if (![...spots.values()].some(({ at }) => at === 'waiting')) return { missed: new Set(), leftAlone: new Set() };
    const { owner, directory } = await this.#owner();
    const giveUp = AbortSignal.abort();
    return withdraw(this.#context, { owner, directory, giveUp }, spots);
  }

  /** Puts what is certain into `found`; gives the ids that must be looked at again. */
  async #settled(
    spots: ReadonlyMap<string, Spot>,
    missed: ReadonlySet<string>,
    maybeSettling: ReadonlySet<string>,
    found: Map<string, Revocation>,
  ): Promise<ReadonlySet<string>> {
    const again = new Set(missed);
    const isRunning = new Map<string, boolean>();
    for (const [id, spot] of spots) {
      // Its marker is told where it goes to.
      if (spot.at === 'moving') found.set(id, 'requested');
      if (spot.at !== 'held') {
        if (!missed.has(id) && !found.has(id)) found.set(id, endOf(this.#context, id));
        continue;
      }
      const key = `${spot.owner}~${spot.recoverer}`;
      if (!isRunning.has(key)) isRunning.set(key, await this.#isWithRunner(spot));
      if (isRunning.get(key) === true && !maybeSettling.has(id)) found.set(id, 'requested');
      else again.add(id);
    }
    return again;
  }

  /**
   * True when the job runs, in a process that will see the marker. A dead owner's jobs are recovered here and now. A job that lies
   * with a recoverer, or with another process that revokes, is about to be settled.
   */
  async #isWithRunner({ owner, recoverer }: HeldSpot): Promise<boolean> {
    const { verdict } = await verdictOf(this.#context, recoverer ?? owner);
    if (verdict === 'dead') {
      await recoverOrphans(this.#context, await this.#recoverer());
      return false;
    }
    if (recoverer !== null) return false;
    if (verdict === 'alive' && (await this.#mayKillItself(owner))) return false;
    return verdict === 'unknown' || readOwner(this.#context, owner)?.role !== 'supervisor';
  }

  /** A child whose worker is gone does, as soon as its event loop turns. */
  async #mayKillItself(owner: string): Promise<boolean> {
    if (!this.#terminate || performance.now() > this.#begunAt + ALONE_MS) return false;
    const { files, layout } = this.#context;
    const parent = verdictOfParent(this.#context, { isKnownAlive: () => false }, owner, files.list(layout.running));
    return (await parent) === 'dead';
  }

  async #recoverer(): Promise<Recoverer> {
    const { owner } = await this.#owner();
    return { owner, isKnownAlive: (other) => other === owner };
  }

  async #owner(): Promise<Registration> {
    this.#registration ??= await register(this.#context, { role: 'supervisor', queues: [], tasks: [] });
    return this.#registration;
  }
}

/** How many are withdrawn at a time: enough for their fsyncs to share the commits of the file system's journal. */
const AT_ONCE = 32;

/**
 * Withdraws those of `spots` that wait, and those that `withdrawer` has taken before: it takes them as a claim does, and gives them the
 * outcome `revoked` instead of a run. If it dies on the way, recovery finds the marker and goes on.
 *
 * @returns ids that were not to be had: another process moved them meanwhile, or they are left alone (odd-entries.ts)
 * @throws FencedError; the system error when the disk refuses
 */
export async function withdraw(
  context: SpoolContext,
  withdrawer: Holder,
  spots: ReadonlyMap<string, Spot>,
): Promise<{ readonly missed: ReadonlySet<string>; readonly leftAlone: ReadonlySet<string> }> {
  const missed = new Set<string>();
  const leftAlone = new Set<string>();
  const left = [...spots.entries()].values();
  const work = async (): Promise<void> => {
    for (const [id, spot] of left) {
      if (spot.at === 'results') continue;
      if (spot.at === 'held' && !spot.path.startsWith(`${withdrawer.directory}/`)) continue;
      const isMoving = spot.at === 'moving';
      const isDone =
        !isMoving &&
        (await context.odd.tryLong(spot.path, async () => {
          if (!(await withdrawOne(context, withdrawer, spot))) missed.add(id);
        }));
      if (!isDone) leftAlone.add(id);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, spots.size) }, work));
  return { missed, leftAlone };
}

/** False when it is not there any more. */
async function withdrawOne(
  context: SpoolContext,
  withdrawer: Holder,
  spot: Exclude<Spot, EndedSpot>,
): Promise<boolean> {
  const { path, name } = spot;
  const taken = spot.at === 'held' ? { holder: withdrawer, path, name } : takeFrom(context, withdrawer, spot);
  if (taken === null) return false;
  const opened = await openTaken(context, taken, spot.at === 'held' ? null : spot);
  if (typeof opened === 'string') return opened === 'done';
  await settle(context, opened, revoked({ job: opened.record.job, standing: opened.name }, false), null);
  return true;
}
