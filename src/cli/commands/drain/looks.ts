/** Looks at the spool while it is drained: what is left, which jobs have ended that no child tells of, and what runs. */
import type { Broker, Sighting, Unended } from '../../../broker/broker.ts';
import type { JobRecord } from '../../../job/job.ts';
import { peek } from '../../../job/values/realm.ts';
import { countLeft, isSoon, type Left, leftOf, type Seen, type Stuck, stuckIn } from './left.ts';
import type { EndedJob, Tally } from './tally.ts';

/** How often it looks, ms, or less often where a look takes long: a twentieth of the time at most. */
const EVERY_MS = 250;
const COST_FACTOR = 20;
/** How many running jobs are read for the one that is shown. */
const MOST_READ = 64;
/** How many delayed jobs are read to find parked ones. */
const MOST_PARKED = 10_000;

interface LooksOptions {
  readonly broker: Pick<Broker, 'unended' | 'paused' | 'owners' | 'outcome' | 'find' | 'list'>;
  /** Null for all. */
  readonly queues: readonly string[] | null;
  /** Whether jobs are waited for that wait for a time or for another job. */
  readonly waitsForLater: boolean;
  /** Whether running jobs are read, for somebody who watches. */
  readonly showsRunning: boolean;
  /** Whether the worker's modules have the task. */
  readonly isKnown: (task: string) => boolean;
  readonly tally: Tally;
  readonly onEnded: (job: EndedJob, record: JobRecord) => void;
  /** A look is over. */
  readonly onLook: (left: Left) => void;
  readonly onTrouble: (error: unknown) => void;
}

export class Looks {
  readonly #options: LooksOptions;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | null = null;
  #seen: Seen = { unended: [], paused: [], unproved: new Set(), parked: new Map(), unparked: new Set(), nowMs: 0 };
  #left: Left | null = null;
  #running: Sighting | null = null;
  /** A run has been told of since the last look began. */
  #isStale = true;
  #isClosed = false;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Of the last look; null before the first. */
  get left(): Left | null {
    return this.#left;
  }

  /** The job that runs longest, as of the last look. */
  get running(): Sighting | null {
    return this.#running;
  }

  /** What stays behind, as of the last look. */
  stuck(): readonly Stuck[] {
    return stuckIn(this.#seen, this.#options.tally.retrying);
  }

  /** True when a look has found nothing to wait for, and nothing has happened since. */
  get isOver(): boolean {
    return !this.#isStale && this.#left !== null && countLeft(this.#left) === 0;
  }

  /** A run has ended. */
  stale(): void {
    this.#isStale = true;
  }

  /** The next look comes at once, unless the last one has seen all there is. */
  hurry(): void {
    if (!this.#isStale || this.#underWay !== null) return;
    clearTimeout(this.#timer);
    this.#schedule(0);
  }

  /** Looks again and again, until `close`. */
  start(): void {
    this.#schedule(0);
  }

  /** One look, now. @param readsParked whether parked jobs are read even if others are waited for */
  async look(readsParked = false): Promise<void> {
    await this.#underWay;
    this.#underWay = this.#lookOnce(readsParked).finally(() => (this.#underWay = null));
    try {
      await this.#underWay;
    } catch (error) {
      this.#isStale = true; // It has seen nothing: what the last one saw tells no end.
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#underWay?.catch(() => undefined);
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#round(), ms);
  }

  async #round(): Promise<void> {
    const startedAt = performance.now();
    try {
      await this.look();
    } catch (error) {
      this.#options.onTrouble(error);
    }
    this.#schedule(Math.max(EVERY_MS, COST_FACTOR * (performance.now() - startedAt)));
  }

  async #lookOnce(readsParked: boolean): Promise<void> {
    const { broker, queues, waitsForLater, tally, onLook } = this.#options;
    this.#isStale = false;
    const isMine = ({ queue }: Pick<Unended, 'queue'>): boolean => queues === null || queues.includes(queue);
    const all = await broker.unended();
    const unended = all.filter(isMine);
    await this.#lookUpAll(tally.saw(unended));
    const nowMs = Date.now();
    const unproved = unended.some(({ owner }) => owner !== null) ? await this.#unproved() : new Set<string>();
    const paused = await broker.paused();
    const names: Seen = { unended, nowMs, paused, unproved, parked: new Map(), unparked: new Set() };
    // Only when nothing else can move does it matter which delayed jobs are parked.
    const { pending, running } = leftOf(names, true);
    const readsThem = readsParked || pending + running === 0;
    const soon = readsThem ? all.filter((job) => isSoon(job, nowMs)).length : 0;
    this.#seen = { ...names, ...(await this.#parked(Math.min(soon, MOST_PARKED), isMine)) };
    this.#left = leftOf(this.#seen, waitsForLater);
    this.#running = await this.#longest(unended);
    onLook(this.#left);
  }

  /** @throws what the last refusal was, after all were asked for; those that were refused are asked for again */
  async #lookUpAll(ids: readonly string[]): Promise<void> {
    const refusals: unknown[] = [];
    for (const id of ids) {
      try {
        await this.#lookUp(id);
      } catch (error) {
        // What lies there is no outcome, and never will be.
        if (peek(error, 'code') === 'FSQ_CORRUPT_JOB') continue;
        this.#options.tally.still(id);
        refusals.push(error);
      }
    }
    if (refusals.length > 0) throw refusals.at(-1);
  }

  /** A job that has not ended any more: it has an outcome, unless it has just moved, or was forgotten. */
  async #lookUp(id: string): Promise<void> {
    const { broker, tally, onEnded } = this.#options;
    const record = (await broker.outcome(id)) ?? (await broker.find(id))?.record ?? null;
    if (record === null) return;
    if (record.outcome === null) return tally.still(id);
    const ended = tally.found(record);
    if (ended !== null) onEnded(ended, record);
  }

  async #unproved(): Promise<ReadonlySet<string>> {
    const owners = await this.#options.broker.owners();
    return new Set(owners.filter(({ verdict }) => verdict === 'unknown').map(({ owner }) => owner));
  }

  /** @param most how many delayed jobs are due so soon that they may be parked: those are listed first */
  async #parked(
    most: number,
    isMine: (job: Pick<Unended, 'queue'>) => boolean,
  ): Promise<Pick<Seen, 'parked' | 'unparked'>> {
    const parked = new Map<string, string>();
    const unparked = new Set<string>();
    for (const { id, record, standing } of most === 0 ? [] : await this.#options.broker.list(['delayed'], most)) {
      if (record === null || record.parked === null || !isMine(standing)) continue;
      if (this.#options.isKnown(record.job.task)) unparked.add(id);
      else parked.set(id, record.job.task);
    }
    return { parked, unparked };
  }

  async #longest(unended: readonly Unended[]): Promise<Sighting | null> {
    if (!this.#options.showsRunning || !unended.some(({ state }) => state === 'running')) return null;
    const running = await this.#options.broker.list(['running'], MOST_READ);
    return running.toSorted((a, b) => (a.startedAtMs ?? 0) - (b.startedAtMs ?? 0))[0] ?? null;
  }
}
