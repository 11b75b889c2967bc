/**
 * Every job of the store: those that are there, and those that change. BullMQ's events say which have changed, and a job is read when it is
 * given. The events of each queue are trimmed: whoever may have missed some looks through the names of all jobs.
 *
 * A follower knows a number of each job: how far it was when it was looked at. Another number is news. So no end is missed, and none is told twice.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { EveryJobOptions, Known, Look, Looks } from '../../broker/broker.ts';
import type { Engine } from '../engine.ts';
import { sightingOf, standingOf } from '../jobs/raw-sighting.ts';
import { isPassing } from '../store-wait.ts';
import type { NamedRaw, RawJob } from '../store.ts';
import { markOf } from './finding.ts';
import { jobsIn } from './job-pages.ts';

/** How many jobs are read, and given, together. */
const BATCH = 256;
/** How often events are asked for, ms. */
const NEWS_EVERY_MS = 200;
/** How often it is looked what runs have told and printed, ms. */
const BESIDE_EVERY_MS = 500;
/** How often all names are looked through without a reason, ms: somebody may have removed events. */
const ALL_EVERY_MS = 30_000;
/** A look through all names is followed by so many times as long without one. */
const REST = 5;
/** So many numbers of jobs that are gone may be kept beside those that are there. */
const MOST_GONE = 10_000;

/** @throws the datastore's error; while it follows, only one that does not pass */
export async function* followJobs(
  engine: Engine,
  { sinceMs, follow, latestFirst = false, tellsGone = false, signal }: EveryJobOptions,
): AsyncGenerator<Looks, void, undefined> {
  const news = follow ? new NewsOfAll(engine) : null;
  await news?.begin();
  const jobs = new FollowedJobs(engine, tellsGone ? 0 : MOST_GONE);
  if (sinceMs === null) await jobs.learn();
  else yield* jobs.there(sinceMs, latestFirst);
  yield { jobs: [], isCaughtUp: true };
  while (news !== null && !isOver(signal)) {
    await wait(NEWS_EVERY_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined); // It ends then.
    if (isOver(signal)) return;
    try {
      const heard = await news.next(jobs);
      for await (const looks of jobs.look(heard)) yield { jobs: looks, isCaughtUp: true };
      const gone = jobs.takeGone();
      if (tellsGone && gone.length > 0) yield { jobs: [], gone, isCaughtUp: true };
    } catch (error) {
      if (!isPassing(error)) throw error;
      news.spoil(); // What was heard is not known: a look through all names finds it again.
    }
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Which jobs may have changed. */
class NewsOfAll {
  readonly #engine: Engine;
  #position: string | null = null;
  #hasGap = false;
  /** When the next look through all names is due, and may be, as `performance.now()` counts. */
  #allDueAt = performance.now() + ALL_EVERY_MS;
  #allAfter = 0;
  #besideDueAt = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Before the first look: what comes later is heard. */
  async begin(): Promise<void> {
    this.#position = (await this.#engine.store.news(await this.#engine.queues.all(), null)).position;
  }

  spoil(): void {
    this.#hasGap = true;
  }

  async next(jobs: FollowedJobs): Promise<ReadonlySet<string>> {
    const { ids, position, hasGap } = await this.#engine.store.news(await this.#engine.queues.all(), this.#position);
    this.#hasGap ||= hasGap;
    this.#position = position;
    const heard = new Set(ids);
    const now = performance.now();
    if ((this.#hasGap && now >= this.#allAfter) || now >= this.#allDueAt) {
      this.#hasGap = false;
      await jobs.lookThrough(heard);
      const endAt = performance.now();
      this.#allAfter = endAt + REST * (endAt - now);
      this.#allDueAt = Math.max(endAt + ALL_EVERY_MS, this.#allAfter);
    }
    if (now >= this.#besideDueAt) {
      for (const id of jobs.running) heard.add(id);
      this.#besideDueAt = now + BESIDE_EVERY_MS;
    }
    return heard;
  }
}

class FollowedJobs {
  readonly #engine: Engine;
  /** Of each job how far it was; see `stepOf`. */
  readonly #steps = new Map<string, number>();
  /** Of each that runs all that it showed. */
  readonly #marks = new Map<string, string>();
  readonly #mostGone: number;
  #gone: string[] = [];

  /** @param mostGone so many numbers of jobs that are gone may be kept beside those that are there */
  constructor(engine: Engine, mostGone: number) {
    this.#engine = engine;
    this.#mostGone = mostGone;
  }

  /** Those that were found to be gone since the last call. */
  takeGone(): readonly string[] {
    const gone = this.#gone;
    this.#gone = [];
    return gone;
  }

  get running(): Iterable<string> {
    return this.#marks.keys();
  }

  /** Takes all jobs for known, as they are. */
  async learn(): Promise<void> {
    const running: string[] = [];
    for await (const job of this.#walk()) {
      this.#steps.set(job.id, stepOf(job));
      if (job.state === 'active') running.push(job.id);
    }
    for await (const raws of this.#read(running))
      for (const raw of raws) {
        this.#steps.set(raw.id, stepOf(raw));
        if (raw.state === 'active') this.#marks.set(raw.id, markOf(raw));
      }
  }

  /** All that are there, in the order of their sending. */
  async *there(sinceMs: number, latestFirst: boolean): AsyncGenerator<Looks, void, undefined> {
    const ids = new Set<string>();
    for await (const job of this.#walk()) {
      if (job.finishedOn === null || job.finishedOn >= sinceMs) ids.add(job.id);
      else this.#steps.set(job.id, stepOf(job));
    }
    const inOrder = [...ids].sort();
    if (latestFirst) inOrder.reverse();
    for await (const jobs of this.look(inOrder)) yield { jobs, isCaughtUp: false };
  }

  /** Those of these jobs that have changed, as they are. */
  async *look(ids: Iterable<string>): AsyncGenerator<readonly Look[], void, undefined> {
    for await (const raws of this.#read([...ids])) {
      const atMs = this.#engine.nowMs();
      const looks = raws.flatMap((raw) => this.#lookAt(raw, atMs) ?? []);
      if (looks.length > 0) yield looks;
    }
  }

  /** Puts to `heard` each job that is not as far as it was. */
  async lookThrough(heard: Set<string>): Promise<void> {
    let count = 0;
    for await (const job of this.#walk()) {
      count++;
      if (this.#steps.get(job.id) !== stepOf(job)) heard.add(job.id);
    }
    if (this.#steps.size > count + this.#mostGone) await this.#forgetGone();
  }

  #lookAt(raw: RawJob, atMs: number): Look | null {
    const { id } = raw;
    const [known, step] = [this.#steps.get(id), stepOf(raw)];
    const [before, mark] = [this.#marks.get(id), raw.state === 'active' ? markOf(raw) : undefined];
    this.#steps.set(id, step);
    if (mark === undefined) this.#marks.delete(id);
    else this.#marks.set(id, mark);
    if (known === step && before === mark) return null;
    const sighting = sightingOf(raw, this.#engine.place);
    return { atMs, sighting, before: known === undefined ? null : knownBy(known, raw, sighting.record?.kept.again) };
  }

  async *#read(ids: readonly string[]): AsyncGenerator<readonly RawJob[], void, undefined> {
    for (let i = 0; i < ids.length; i += BATCH) {
      const part = ids.slice(i, i + BATCH);
      const raws = await this.#engine.queues.look(part);
      for (const [at, raw] of raws.entries()) if (raw === null) this.#leave(part[at] ?? '');
      yield raws.filter((raw) => raw !== null);
    }
  }

  /** All names, in the order in which jobs go: one that goes forward is met. One that goes back may be missed, and is heard of, or met next time. */
  async *#walk(): AsyncGenerator<NamedRaw, void, undefined> {
    const queues = await this.#engine.queues.all();
    for (const state of ['delayed', 'waiting', 'active', 'failed', 'completed'] as const)
      for (const queue of queues) yield* jobsIn(this.#engine, queue, state);
  }

  /** It is there no more. */
  #leave(id: string): void {
    this.#marks.delete(id);
    if (this.#steps.delete(id)) this.#gone.push(id);
  }

  async #forgetGone(): Promise<void> {
    const left = new Set(this.#steps.keys());
    for await (const { id } of this.#walk()) left.delete(id);
    for await (const raws of this.#read([...left])) for (const { id } of raws) left.delete(id);
    for (const id of left) this.#leave(id);
  }
}

const PLACES = { waiting: 0, delayed: 1, active: 2 } as const;
const PLACE_COUNT = 4;

/** How far a job is, as a number: its attempt and where it lies, and below zero the time of its end. */
function stepOf(job: NamedRaw): number {
  const { state, finishedOn } = job;
  if (state === 'completed' || state === 'failed') return -Math.max(1, finishedOn ?? 1);
  return standingOf(job, null).attempt * PLACE_COUNT + PLACES[state];
}

/** What that step says of the runs. @param again of a job that was sent back: the attempt that it had come to */
function knownBy(step: number, raw: RawJob, again = 0): Known {
  if (step >= 0) return { attempt: Math.floor(step / PLACE_COUNT), isRunning: step % PLACE_COUNT === PLACES.active };
  const isOver = raw.state === 'completed' || raw.state === 'failed';
  const { attempt } = standingOf(raw, null);
  return {
    attempt: isOver ? again : Math.max(0, attempt - (raw.state === 'active' ? 1 : 0)),
    isRunning: false,
    isOver: true,
  };
}
