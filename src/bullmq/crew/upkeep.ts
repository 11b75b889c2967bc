/**
 * What has to be done for the whole store every now and then, by one keeper of all: jobs that wait for others which have ended, or are late, are
 * made ready, outcomes are forgotten whose time is over, and what stands for nothing any more is removed. Each kind has a lease, under a key
 * that is gone by itself: a keeper that dies leaves its work to the next one.
 */
import type { Tidied, TidyOptions } from '../../broker/broker.ts';
import { findReleased, findReleasedAmong, WAITING } from '../after/lines.ts';
import { OutcomeTimes } from '../ended/outcome-times.ts';
import type { Engine } from '../engine.ts';
import { sweepKeys } from '../keys/key-ends.ts';
import { TableWalk } from '../looking/table-walk.ts';
import { makeLateReady } from '../jobs/make-ready.ts';
import { sweepParked } from '../tasks/parked-jobs.ts';
import { tidyOwners } from './owner-records.ts';

/** How often a keeper looks whether it is its turn, ms. */
const LOOKS_EVERY_MS = 1_000;
/** How often each is done, ms. */
const EVERY_MS = 2_000;
/** The same of what is rarely left behind, ms. */
const LEAVINGS_EVERY_MS = 10_000;
/** The same of keys, ms: those that are used again need no sweep. */
const KEYS_EVERY_MS = 60_000;
/** It may take a twentieth of the time. */
const COST_FACTOR = 20;

export class Upkeep {
  readonly #engine: Engine;
  readonly #times: OutcomeTimes;
  readonly #waiting = new TableWalk(WAITING);
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> | null = null;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#times = new OutcomeTimes(engine, { inParts: true });
  }

  start(): void {
    this.#timer = setInterval(() => this.#begin(), LOOKS_EVERY_MS);
    this.#begin();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#round;
  }

  #begin(): void {
    this.#round ??= this.#all()
      .catch(() => undefined) // The next round does it; that the datastore fails, others tell.
      .finally(() => (this.#round = null));
  }

  async #all(): Promise<void> {
    await this.#leased('followers', async () =>
      findReleasedAmong(this.#engine, await this.#waiting.next(this.#engine.store)),
    );
    await this.#leased('late', () => makeLateReady(this.#engine));
    await this.#leased('outcomes', () => this.#times.forget());
    await this.#leased('keys', () => sweepKeys(this.#engine), KEYS_EVERY_MS);
    await this.#leased('owners', () => tidyOwners(this.#engine, false), LEAVINGS_EVERY_MS);
    await this.#leased('parked', () => sweepParked(this.#engine), LEAVINGS_EVERY_MS);
  }

  /** Makes ready what waits for nothing more, at once, for a worker that is about to end: how many jobs may be ready for it now, or soon. */
  released(): Promise<number> {
    return findReleased(this.#engine);
  }

  async #leased(what: string, act: () => Promise<unknown>, everyMs = EVERY_MS): Promise<void> {
    const { store } = this.#engine;
    const key = `round:${what}`;
    if (!(await store.set(key, '1', { ifAbsent: true, ttlMs: everyMs - 100 }))) return;
    const beganAt = performance.now();
    await act();
    const pauseMs = COST_FACTOR * (performance.now() - beganAt);
    if (pauseMs > everyMs) await store.set(key, '1', { ttlMs: pauseMs });
  }
}

/** See `Broker.tidy`. */
export async function tidy(engine: Engine, { dryRun = false }: TidyOptions = {}): Promise<Tidied> {
  const outcomes = (await new OutcomeTimes(engine, { dryRun }).forget()).size;
  if (!dryRun) await Promise.all([findReleased(engine), sweepParked(engine)]);
  const { gone, left } = await tidyOwners(engine, dryRun);
  const keys = await sweepKeys(engine, dryRun);
  return { outcomes, drafts: 0, owners: gone, keys, beside: 0, segments: 0, left };
}
