/**
 * Moves what waits in one place that keeps jobs to another: jobs with all that is known of them, paused queues, and how far schedules are.
 * Workers and producers may go on at both ends; what runs at the source, or is sent there meanwhile, stays and is told of.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Broker } from '../../broker/broker.ts';
import { idsAfter } from '../../job/edges.ts';
import { type FsqError, SpoolError } from '../../job/errors.ts';
import { carry, carryOn, type Carried, copyOutcomes, type Way } from './carrier.ts';
import { planOf, type PlannedJob } from './plan.ts';

export interface MigrateOptions {
  readonly from: Broker;
  readonly to: Broker;
  /** Take the outcomes of all ended jobs along, not only those that jobs still need. */
  readonly results: boolean;
  /** Go on until nothing runs at the source any more. */
  readonly waits: boolean;
  /** Aborted: the jobs that are on their way arrive, and then it ends. */
  readonly signal: AbortSignal;
  readonly onProgress?: (moved: number) => void;
}

export interface Migrated {
  readonly moved: number;
  readonly results: number;
  readonly schedules: number;
  readonly pausedQueues: number;
  readonly left: Left;
  readonly isInterrupted: boolean;
}

/** What stays at the source. */
export interface Left {
  readonly running: readonly string[];
  /** Waiting jobs that hang together with those that stay. */
  readonly held: readonly string[];
  readonly refused: ReadonlyMap<string, FsqError>;
  /** Outcomes. */
  readonly results: number;
}

const LOOK_AGAIN_MS = 250;
/** Where jobs are sent all the time, it ends all the same. */
const MOST_PASSES = 10;

/** @throws SpoolError (FSQ_MOVING) where another move is under way, whatever the places throw */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  const { from, to } = options;
  const departure = await from.departure(to.place);
  try {
    const mayBegin = !departure.isResumed || (departure.to === to.place && (await departure.underway()).length === 0);
    const arrival = await to.arrival(from.place, departure.id, mayBegin).catch(async (error: unknown) => {
      if (!departure.isResumed) await departure.finish();
      throw error;
    });
    if (arrival === null) {
      const text = `Jobs are on their way from ${from.place} to ${departure.to}, and ${to.place} knows nothing of them. Run \`fsq migrate --from ${from.place} --to ${departure.to}\` first.`;
      throw new SpoolError('FSQ_MOVING', text);
    }
    try {
      const migrated = await new Migration({ from, to, departure, arrival }, options).run();
      await arrival.finish();
      await departure.finish();
      return migrated;
    } finally {
      await arrival.close();
    }
  } finally {
    await departure.close();
  }
}

class Migration {
  readonly #way: Way;
  readonly #options: MigrateOptions;
  readonly #refused = new Map<string, FsqError | null>();
  #moved = 0;

  constructor(way: Way, options: MigrateOptions) {
    this.#way = way;
    this.#options = options;
  }

  async run(): Promise<Migrated> {
    const { signal, waits, results } = this.#options;
    const pausedQueues = await this.#pauseQueues();
    const schedules = await this.#passSchedules();
    this.#count(await carryOn(this.#way, () => jobsIn(this.#way.from)));
    let jobs = await jobsIn(this.#way.from);
    for (let passes = 1; ; passes++) {
      const mayMoveMore = await this.#pass(jobs);
      jobs = await jobsIn(this.#way.from);
      const isOver = !mayMoveMore && !(waits && jobs.some(({ isRunning }) => isRunning));
      if (signal.aborted || isOver || (!waits && passes >= MOST_PASSES)) break;
      if (!mayMoveMore) await wait(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
    await this.#passSchedules();
    const outcomes = results && !signal.aborted ? await this.#takeResults(jobs) : 0;
    return {
      moved: this.#moved,
      results: outcomes,
      schedules,
      pausedQueues,
      left: await this.#left(jobs),
      isInterrupted: signal.aborted,
    };
  }

  /** @returns false when it has found nothing that could be moved */
  async #pass(jobs: readonly PlannedJob[]): Promise<boolean> {
    let mayMoveMore = false;
    for (const batch of planOf(jobs, new Set(this.#refused.keys())).batches) {
      if (this.#options.signal.aborted) break;
      const carried = await carry(this.#way, batch);
      this.#count(carried);
      mayMoveMore ||= carried.moved > 0 || carried.isTornApart;
    }
    return mayMoveMore;
  }

  #count({ moved, refused }: Carried): void {
    this.#moved += moved;
    for (const [id, error] of refused) this.#refused.set(id, error);
    this.#options.onProgress?.(this.#moved);
  }

  /** Before any of their jobs is there. */
  async #pauseQueues(): Promise<number> {
    const queues = await this.#way.from.paused();
    for (const queue of queues) await this.#way.to.pause(queue);
    return queues.length;
  }

  /** Before any job is there: an instant whose job moves must not get a second one there. */
  async #passSchedules(): Promise<number> {
    const { from, to } = this.#way;
    const records = await from.schedules.list();
    for (const { name, doneMs, pattern, isPaused } of records) {
      const there = await to.schedules.find(name);
      if (doneMs !== null && (there.doneMs ?? -1) < doneMs)
        await to.schedules.pass({ schedule: name, atMs: doneMs, pattern: pattern ?? '' });
      if (isPaused) await to.schedules.pause(name);
    }
    return records.length;
  }

  /** Outcomes that jobs need which stay here stay as well. */
  async #takeResults(jobs: readonly PlannedJob[]): Promise<number> {
    const { from } = this.#way;
    const needed = new Set(jobs.flatMap(({ after }) => after));
    const ids = (await endedIn(from)).filter((id) => !needed.has(id));
    let taken = 0;
    for (let i = 0; i < ids.length && !this.#options.signal.aborted; i += OUTCOMES_AT_ONCE) {
      const { ids: copied } = await copyOutcomes(this.#way, ids.slice(i, i + OUTCOMES_AT_ONCE));
      const forgotten = await from.forget(copied);
      taken += copied.filter((id) => forgotten.get(id) === 'forgotten').length;
    }
    return taken;
  }

  async #left(jobs: readonly PlannedJob[]): Promise<Left> {
    const waiting = jobs.filter(({ isRunning }) => !isRunning).map(({ id }) => id);
    const errors = waiting.flatMap((id) => {
      const error = this.#refused.get(id);
      return error === null || error === undefined ? [] : [[id, error] as const];
    });
    const refused = new Map(errors);
    return {
      running: jobs.filter(({ isRunning }) => isRunning).map(({ id }) => id),
      held: waiting.filter((id) => !refused.has(id)),
      refused,
      results: (await this.#way.from.counts()).results,
    };
  }
}

/** What `migrate` would do now, as far as looks tell: nothing is changed. @param to null: there is none yet */
export async function wouldMigrate(from: Broker, to: Broker | null, results: boolean): Promise<Migrated> {
  const jobs = await jobsIn(from);
  const known = to === null ? new Map() : await to.changed(new Map(jobs.map(({ id }) => [id, null])));
  const refused = new Map(
    [...known.keys()].map((id: string) => [id, new SpoolError('FSQ_MOVING', `Job ${id} is in ${to?.place} already.`)]),
  );
  const { batches, held } = planOf(jobs, new Set(refused.keys()));
  const needed = new Set(jobs.flatMap(({ after }) => after));
  const outcomes = await endedIn(from);
  const taken = results ? outcomes.filter((id) => !needed.has(id)).length : 0;
  return {
    moved: batches.flat().length,
    results: taken,
    schedules: (await from.schedules.list()).length,
    pausedQueues: (await from.paused()).length,
    left: {
      running: jobs.filter(({ isRunning }) => isRunning).map(({ id }) => id),
      held,
      refused,
      results: outcomes.length - taken,
    },
    isInterrupted: false,
  };
}

const OUTCOMES_AT_ONCE = 32;

/** The jobs of a place that have not ended. Each is read, and none is kept. */
export async function jobsIn(broker: Pick<Broker, 'list'>): Promise<readonly PlannedJob[]> {
  const found = new Map<string, PlannedJob>();
  await broker.list(['running', 'pending', 'delayed'], Number.MAX_SAFE_INTEGER, ({ id, state, record }) => {
    found.set(id, { id, isRunning: state === 'running', after: record === null ? [] : idsAfter(record.job.options) });
    return false;
  });
  return [...found.values()];
}

async function endedIn(broker: Pick<Broker, 'list'>): Promise<readonly string[]> {
  const ids: string[] = [];
  await broker.list(['results'], Number.MAX_SAFE_INTEGER, ({ id }) => {
    ids.push(id);
    return false;
  });
  return ids;
}
