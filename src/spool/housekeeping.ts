/**
 * What a worker's keeper does when there is time for it: drafts and owners that the dead left, keys that stand for nothing, and
 * outcomes whose time is over. One after the other, in slices; recovery never waits for it.
 */
import type { BrokerEvent } from '../broker/worker-side.ts';
import { Ages } from './ages.ts';
import type { SpoolContext } from './context.ts';
import { waitForDisk } from './disk-wait.ts';
import { forgetOutcomes } from './expire.ts';
import { KeySweep } from './keys/sweep-keys.ts';
import { isTight, keepReserve } from './room.ts';
import { Rounds, Turns } from './rounds.ts';
import { sweepDrafts, sweepOwners } from './sweep.ts';

import { unpark } from './promote.ts';

/** How often drafts and records of the dead are looked for, ms. */
const SWEEPING_EVERY_MS = 30_000;
/** Outcomes are looked through a hundred times in their time to live, within these bounds, ms. */
const EXPIRY_EVERY_MS = { least: 1_000, most: 3_600_000 };

export interface HousekeepingOptions {
  readonly resultTtlMs: number;
  readonly isKnownAlive: (owner: string) => boolean;
  /** What is being recovered at this moment; null when nothing is. */
  readonly recovering: () => Promise<void> | null;
  readonly onEvent: ((event: BrokerEvent) => void) | undefined;
  readonly onTrouble: (error: unknown) => void;
}

export class Housekeeping {
  readonly #context: SpoolContext;
  readonly #options: HousekeepingOptions;
  readonly #ages: Ages;
  readonly #keys: KeySweep;
  readonly #rounds: Rounds;
  /** Does not wait for what may take minutes. */
  readonly #unparking: Rounds;
  readonly #closing = new AbortController();

  constructor(context: SpoolContext, options: HousekeepingOptions) {
    this.#context = context;
    this.#options = options;
    this.#ages = new Ages(options.resultTtlMs);
    this.#keys = new KeySweep(context);
    this.#rounds = new Rounds(options.onTrouble);
    this.#unparking = new Rounds(options.onTrouble);
  }

  start(): void {
    const { least, most } = EXPIRY_EVERY_MS;
    const expiryMs = Math.min(most, Math.max(least, this.#options.resultTtlMs / 100));
    this.#rounds.repeat(
      () => SWEEPING_EVERY_MS,
      () => this.#sweep(),
    );
    this.#rounds.repeat(
      () => expiryMs,
      () => this.#expire(),
    );
  }

  /** These tasks are known now: that is announced first, then parked jobs of theirs are made ready. */
  announce(tasks: readonly string[], announce: () => Promise<void>): void {
    const { onEvent } = this.#options;
    const act = async (): Promise<void> => {
      await announce();
      await unpark(this.#context, new Set(tasks), this.#turns());
    };
    void this.#unparking.add(async () => waitForDisk({ onEvent, giveUp: this.#closing.signal }, act));
  }

  /** What is under way is given up: it may be begun anew at any time. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#rounds.close(), this.#unparking.close()]);
  }

  async #sweep(): Promise<void> {
    // The next expiry may be far.
    if (isTight(this.#context)) await this.#expire();
    await sweepDrafts(this.#context, this.#turns());
    await sweepOwners(this.#context, this.#options.isKnownAlive);
    await this.#keys.sweep(this.#turns());
    if (!this.#closing.signal.aborted) keepReserve(this.#context);
  }

  #expire(): Promise<void> {
    const { resultTtlMs } = this.#options;
    this.#ages.observe(this.#context.nowMs(), performance.now());
    const isOver = (modifiedAtMs: number): boolean => this.#ages.isOver(modifiedAtMs);
    return forgetOutcomes(this.#context, resultTtlMs, isOver, this.#turns());
  }

  #turns(): Turns {
    return new Turns(this.#options.recovering, this.#closing.signal);
  }
}

/** Before a worker starts: a disk that is full of what is over has no room for its socket. */
export async function forgetIfTight(
  context: SpoolContext,
  { resultTtlMs }: Pick<HousekeepingOptions, 'resultTtlMs'>,
): Promise<void> {
  if (!isTight(context)) return;
  const ages = new Ages(resultTtlMs);
  ages.observe(context.nowMs(), performance.now());
  await forgetOutcomes(context, resultTtlMs, (modifiedAtMs) => ages.isOver(modifiedAtMs));
}
