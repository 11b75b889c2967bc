/**
 * Every job of the spool: those that are there, and those that change. Names tell which; a file is read when its job is given. Reads only.
 *
 * A follower knows a number of each job: how far it was when it was looked at. A name that says another number is news. So a million jobs
 * take a hundred megabytes at most, and no outcome is missed: when nothing has been heard, a look through all names finds it.
 */
import type { EveryJobOptions, Look, Looks, Sighting } from '../../broker/broker.ts';
import { endedAtMs, type JobRecord } from '../../job/job.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Turns } from '../disk/rounds.ts';
import { isPassing } from '../disk/trouble.ts';
import { findJob, sight, withProgress } from '../inspect.ts';
import { type Hints, JobHints } from './job-hints.ts';
import { besidePath } from '../layout.ts';
import { everyName } from './every-name.ts';
import { jobsByAge, latestJobs, type Place } from './jobs-by-age.ts';
import { ENDED_BEFORE, isRunning, knownBy, stepIn, stepOf } from './steps.ts';
import { endedSpot, locate, type Spot, spotAt } from '../locate.ts';

/** How many jobs are given together. */
const BATCH = 256;
/** So often a job is looked for that moves each time when its file is to be read. */
const MOST_TRIES = 10;
/** So many names of jobs that are gone may be kept beside those that are there. */
const MOST_GONE = 10_000;

/** @throws the system error unchanged when the disk refuses; while it follows, only one that does not pass */
export async function* everyJob(
  context: SpoolContext,
  { sinceMs, follow, latestFirst = false, tellsGone = false, signal }: EveryJobOptions,
): AsyncGenerator<Looks, void, undefined> {
  const hints = follow ? new JobHints(context) : null;
  const jobs = new EveryJob(context, tellsGone ? 0 : MOST_GONE);
  try {
    if (sinceMs === null) await jobs.learn();
    else yield* jobs.there(sinceMs, latestFirst);
    yield { jobs: [], isCaughtUp: true };
    while (hints !== null && signal?.aborted !== true) {
      for (const looks of await nextLooks(jobs, hints, signal)) yield { jobs: looks, isCaughtUp: true };
      const gone = jobs.takeGone();
      if (tellsGone && gone.length > 0) yield { jobs: [], gone, isCaughtUp: true };
    }
  } finally {
    hints?.close();
  }
}

async function nextLooks(
  jobs: EveryJob,
  hints: JobHints,
  signal: AbortSignal | undefined,
): Promise<Iterable<readonly Look[]>> {
  const heard = await hints.news(signal);
  if (signal?.aborted === true) return [];
  try {
    if (hints.isLookDue()) {
      const startedAt = performance.now();
      await jobs.lookThrough(heard);
      if (heard.size > 0) hints.quicken(performance.now() - startedAt);
    }
    jobs.lookBeside(heard);
  } catch (error) {
    if (!isPassing(error)) throw error;
    hints.spoil();
  }
  return batches(heard, (id, path) => {
    try {
      return jobs.look(id, path);
    } catch (error) {
      if (!isPassing(error)) throw error;
      hints.spoil(); // It is not known, so the next look through all names finds it again.
      return null;
    }
  });
}

function* batches(
  heard: Hints,
  look: (id: string, path: string | null) => Look | null,
): Generator<readonly Look[], void, undefined> {
  let batch: Look[] = [];
  for (const [id, path] of heard) {
    const seen = look(id, path);
    if (seen !== null) batch.push(seen);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

class EveryJob {
  readonly #context: SpoolContext;
  readonly #startedAtMs: number;
  readonly #mostGone: number;
  /** Of each job how far it was; see `stepOf`. */
  readonly #steps = new Map<string, number>();
  /** Of each that runs where it lies, and how much lies beside it. */
  readonly #running = new Map<string, { readonly path: string; readonly beside: string }>();

  #gone: string[] = [];

  /** @param mostGone so many names of jobs that are gone may be kept beside those that are there */
  constructor(context: SpoolContext, mostGone: number) {
    this.#context = context;
    this.#mostGone = mostGone;
    this.#startedAtMs = context.nowMs();
  }

  /** Those that were found to be gone since the last call. */
  takeGone(): readonly string[] {
    const gone = this.#gone;
    this.#gone = [];
    return gone;
  }

  /** Takes all jobs for known, as they are. */
  async learn(): Promise<void> {
    const learn = (spot: Spot): void => {
      const step = stepOf(spot, null);
      this.#steps.set(spot.id, step);
      if (isRunning(step)) this.#running.set(spot.id, { path: spot.path, beside: this.#beside(spot.id) });
    };
    await everyName(this.#context, {
      meet: learn,
      read: (_id, folder, name) => {
        const spot = spotAt(this.#context.layout, `${folder}/${name}`);
        if (spot !== null) learn(spot);
      },
    });
  }

  /** All that are there, in the order of their sending. If the latest come first, some of them do before all names are sorted. */
  async *there(sinceMs: number, latestFirst: boolean): AsyncGenerator<Looks, void, undefined> {
    const latest = latestFirst ? await latestJobs(this.#context, BATCH) : [];
    let jobs: Look[] = [];
    for (const place of latest) {
      const look = await this.#lookAfter(place, sinceMs);
      if (look !== null) jobs.push(look);
    }
    if (jobs.length > 0) yield { jobs, isCaughtUp: false };
    jobs = [];
    const turns = new Turns();
    for await (const place of jobsByAge(this.#context, latestFirst ? 'descending' : 'ascending')) {
      if (this.#steps.has(place.id)) continue;
      const look = await this.#lookAfter(place, sinceMs);
      if (look !== null) jobs.push(look);
      if (jobs.length < BATCH && !turns.isOver) continue;
      if (jobs.length > 0) yield { jobs, isCaughtUp: false };
      jobs = [];
      if (turns.isOver) await turns.next();
    }
    if (jobs.length > 0) yield { jobs, isCaughtUp: false };
  }

  /** Puts to `heard` each job whose name says something new. A name that says what is known is not taken apart. */
  async lookThrough(heard: Hints): Promise<void> {
    const { layout } = this.#context;
    let count = 0;
    const held = new Set<string>(); // They are met twice.
    const meet = (spot: Spot): void => {
      const [known, step] = [this.#steps.get(spot.id), stepOf(spot, null)];
      if (isRunning(step)) held.add(spot.id);
      else count++;
      const isNew = step < 0 ? known === undefined || known >= 0 : known !== step;
      if (isNew) heard.set(spot.id, spot.path);
    };
    await everyName(this.#context, {
      meet,
      read: (id, folder, name) => {
        const known = this.#steps.get(id);
        const isKnown =
          folder === layout.results
            ? known !== undefined && known < 0
            : known === stepIn(name, folder === layout.pending);
        if (isKnown) return void count++;
        const spot = spotAt(layout, `${folder}/${name}`);
        if (spot !== null) meet(spot);
      },
    });
    if (this.#steps.size > count + held.size + this.#mostGone) await this.#forgetGone();
  }

  /** Puts to `heard` each running job beside which something has changed. */
  lookBeside(heard: Hints): void {
    for (const [id, { beside }] of this.#running)
      if (!heard.has(id) && this.#beside(id) !== beside) heard.set(id, null);
  }

  /** The job as it is, if that is news. @param path where it may lie, unless it has ended; null: where it ran */
  look(id: string, path: string | null): Look | null {
    const { files, layout, nowMs } = this.#context;
    const running = this.#running.get(id);
    const at = path ?? running?.path;
    if (at === undefined) return null;
    const ended = endedSpot(layout, id);
    const spot = at === ended.path || files.exists(ended.path) ? ended : spotAt(layout, at);
    // Before the files are read: what comes later is found by the next look.
    const atMs = nowMs();
    const beside = spot?.at === 'held' ? this.#beside(id) : null;
    const sighting = spot === null ? null : sight(this.#context, spot);
    // If the name of an outcome is gone, its file may have been written again while it was read.
    if (spot === null || sighting === null || (spot === ended && !files.exists(spot.path))) return null;
    const [known, step] = [this.#steps.get(id), stepOf(spot, sighting.record)];
    this.#steps.set(sighting.id, step);
    if (beside === null) this.#running.delete(id);
    else this.#running.set(id, { path: spot.path, beside });
    const isNews = known !== step || (beside !== null && running?.beside !== beside);
    if (!isNews || this.#wasBefore(known, sighting.record)) return null;
    const before = known === undefined ? null : knownBy(known, spot, sighting.record);
    return { atMs, sighting: withProgress(this.#context, published(spot, sighting)), before };
  }

  /** The same of one that was there, wherever it has gone meanwhile. */
  async #lookAfter({ id, path }: Place, sinceMs: number): Promise<Look | null> {
    const { files } = this.#context;
    const isOld = sinceMs > 0 && path === endedSpot(this.#context.layout, id).path;
    if (isOld && (files.entry(path)?.changedAtMs ?? sinceMs) < sinceMs) {
      this.#steps.set(id, ENDED_BEFORE);
      return null;
    }
    let at = path;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const look = this.look(id, at);
      const sighting = look === null ? await findJob(this.#context, id) : null;
      if (sighting === null) return look;
      at = sighting.location;
    }
    return null;
  }

  /** Whether this is an outcome that was there before anybody looked. */
  #wasBefore(known: number | undefined, record: JobRecord | null): boolean {
    if (known !== ENDED_BEFORE || record === null || record.outcome === null) return false;
    return record.kept.again === undefined || (endedAtMs(record) ?? 0) < this.#startedAtMs;
  }

  #beside(id: string): string {
    const { files, layout } = this.#context;
    const progress = files.entry(besidePath(layout, 'progress', id));
    const log = files.entry(besidePath(layout, 'logs', id));
    return `${progress?.inode} ${progress?.changedAtMs} ${log?.sizeBytes} ${log?.changedAtMs}`;
  }

  async #forgetGone(): Promise<void> {
    const left = new Set(this.#steps.keys());
    await everyName(this.#context, {
      meet: ({ id }) => left.delete(id),
      read: (id, folder, name) => {
        if (left.has(id) && spotAt(this.#context.layout, `${folder}/${name}`) !== null) left.delete(id);
      },
    });
    const elsewhere = left.size === 0 ? new Map() : await locate(this.#context, left);
    for (const id of left) {
      if (elsewhere.has(id)) continue;
      this.#steps.delete(id);
      this.#gone.push(id);
    }
  }
}

/** An outcome counts in results/ only, where it comes next: else it would be told twice, or one that nobody can read. */
function published(spot: Spot, sighting: Sighting): Sighting {
  const { record } = sighting;
  if (spot.at === 'results' || record === null || record.outcome === null) return sighting;
  const over = spot.name.attempt - (spot.at === 'held' ? 1 : 0);
  const attempts = record.attempts.filter(({ attempt }) => attempt <= over);
  const { again } = record.kept;
  return {
    ...sighting,
    endedAtMs: null,
    record: { ...record, attempts, outcome: null, kept: again === undefined ? {} : { again } },
  };
}
