/**
 * What a worker's keeper does when there is time for it. It removes drafts and records that the dead left, keys that stand for no job,
 * outcomes whose time is over, and what lies beside jobs that are gone, one after the other and in slices. Recovery never waits for it.
 */
import type { BrokerEvent } from '../../broker/worker-side.ts';
import type { ResultTtlMs } from '../../job/ended/result-ttl.ts';
import type { SpoolContext } from '../disk/context.ts';
import { waitForDisk } from '../disk/disk-wait.ts';
import { Forgetter } from '../results/forget.ts';
import { BesideSweep } from '../beside/sweep-beside.ts';
import { KeySweep } from '../keys/sweep-keys.ts';
import { nameWaitingOnce } from '../job-file/one-name.ts';
import { unpark } from '../ready/promote.ts';
import { isTight, keepReserve } from '../place/room.ts';
import { Rounds, Turns } from '../disk/rounds.ts';
import { freeDead, usableBoot } from '../journal/checkpoint.ts';
import type { Counting } from '../statistics/counting.ts';
import { sweepDrafts, sweepOwners } from './sweep.ts';

/** How often what was refused of an announcement is tried again, and segments of the journal are looked for whose process is dead, ms. */
const QUICK_EVERY_MS = 1_000;
/** How often drafts and records of the dead are looked for, ms. */
const SWEEPING_EVERY_MS = 30_000;
/** Outcomes are looked through a hundred times in the shortest time to live of the settings, within these bounds, ms. */
const EXPIRY_EVERY_MS = { least: 1_000, most: 60_000 };
/** After a look a worker does other things for so many times as long: with a million outcomes a look takes a second. */
const PAUSE_PER_LOOK = 50;

interface HousekeepingOptions {
  readonly resultTtlMs: ResultTtlMs;
  readonly isKnownAlive: (owner: string) => boolean;
  /** The end of the recoveries that are under way; null when there are none. */
  readonly recovering: () => Promise<void> | null;
  /** Takes over the figures of processes that have ended. */
  readonly counting: Pick<Counting, 'takeOver'>;
  readonly onEvent: (event: BrokerEvent) => void;
  /** Aborted: what is under way is given up. It may be begun anew at any time. */
  readonly giveUp: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
}

export class Housekeeping {
  readonly #context: SpoolContext;
  readonly #options: HousekeepingOptions;
  readonly #forgetter: Forgetter;
  readonly #beside: BesideSweep;
  readonly #keys: KeySweep;
  readonly #rounds: Rounds;
  /** A line of its own, as what is in the other may take minutes. */
  readonly #quick: Rounds;
  /** What others are to be told, until all of it is done. `act` gives whether it is; it was tried at least once or not. */
  readonly #toTell = new Map<'tasks' | 'restarts', { readonly act: () => Promise<boolean>; wasTried: boolean }>();

  constructor(context: SpoolContext, options: HousekeepingOptions) {
    this.#context = context;
    this.#options = options;
    this.#forgetter = new Forgetter(context, options.resultTtlMs);
    this.#beside = new BesideSweep(context);
    this.#keys = new KeySweep(context);
    this.#rounds = new Rounds(options.onTrouble);
    this.#quick = new Rounds(options.onTrouble);
  }

  start(): void {
    const { least, most } = EXPIRY_EVERY_MS;
    const expiryMs = Math.min(most, Math.max(least, this.#forgetter.shortestTtlMs / 100));
    let tookMs = 0;
    this.#rounds.repeat(
      () => SWEEPING_EVERY_MS,
      () => this.#sweep(),
    );
    this.#rounds.repeat(
      () => Math.max(expiryMs, PAUSE_PER_LOOK * tookMs),
      async () => {
        tookMs = await this.#forget();
      },
    );
    // With the polls of the watches, which look at whole seconds: at rest a wake-up costs more than what is done in it.
    const atWholeSecond = (): number => QUICK_EVERY_MS - (performance.now() % QUICK_EVERY_MS);
    this.#quick.repeat(atWholeSecond, () => this.#tellAll());
    const boot = usableBoot(this.#context);
    if (boot === null) return;
    this.#quick.repeat(atWholeSecond, () => freeDead(this.#context, `${this.#context.layout.journal}/${boot}`));
  }

  /** Where a power cut has left jobs that wait under two names. A name that stays is dealt with when its job is claimed. */
  nameWaitingOnce(): void {
    try {
      nameWaitingOnce(this.#context);
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }

  /**
   * These tasks are known now: `announce` tells others, then the parked jobs of these tasks are made ready. What is refused is tried
   * again. @param announce gives false when it was refused
   */
  announce(tasks: readonly string[], announce: () => Promise<boolean>): void {
    let names: readonly string[] | undefined;
    const act = async (): Promise<boolean> => {
      if (!(await announce())) return false;
      names = await unpark(this.#context, new Set(tasks), this.#turns(), names);
      return names.length === 0;
    };
    this.tell('tasks', async () => waitForDisk(this.#options, act));
  }

  /** True while parked jobs of the tasks may become ready that were announced last. */
  get isAnnouncing(): boolean {
    return this.#toTell.get('tasks')?.wasTried === false;
  }

  /** Tells others, in the place of what was to be told of this before. What is refused is tried again. @param act gives false when it was refused */
  tell(what: 'tasks' | 'restarts', act: () => Promise<boolean>): void {
    this.#toTell.set(what, { act, wasTried: false });
    void this.#quick.add(() => this.#tellAll());
  }

  /** Resolves when what was under way has been given up. */
  async close(): Promise<void> {
    await Promise.all([this.#rounds.close(), this.#quick.close()]);
  }

  async #tellAll(): Promise<void> {
    for (const [what, telling] of this.#toTell) {
      try {
        const isDone = await telling.act();
        if (isDone && this.#toTell.get(what) === telling) this.#toTell.delete(what);
      } finally {
        telling.wasTried = true;
      }
    }
  }

  /** @returns how long the look through results/ took, ms; what follows waits more than it works */
  async #forget(): Promise<number> {
    const startedAt = performance.now();
    await this.#forgetter.forget(this.#turns());
    const tookMs = performance.now() - startedAt;
    await this.#beside.sweep(this.#turns());
    return tookMs;
  }

  async #sweep(): Promise<void> {
    // The next expiry may be far.
    if (isTight(this.#context)) await this.#forget();
    await sweepDrafts(this.#context, this.#turns());
    await sweepOwners(this.#context, this.#options.isKnownAlive);
    await this.#options.counting.takeOver(this.#turns());
    await this.#keys.sweep(this.#turns());
    if (!this.#options.giveUp.aborted) keepReserve(this.#context);
  }

  #turns(): Turns {
    return new Turns(this.#options.recovering, this.#options.giveUp);
  }
}

/** Before a worker starts: on a disk that is full of old outcomes there is no room for its socket. */
export async function forgetIfTight(context: SpoolContext, resultTtlMs: ResultTtlMs): Promise<void> {
  if (isTight(context)) await new Forgetter(context, resultTtlMs).forget();
}
