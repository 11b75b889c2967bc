/**
 * The rounds in which the locks of running jobs are renewed, and the moment at which that has failed for too long: a lock that nobody could
 * renew runs out, and another machine runs its job. Time is counted in ticks of this process: one that was stopped, or blocked, tries first.
 */

/** In the life of a lock. */
const TICKS = 10;
/** A renewal comes after so many: one may be late, and one be lost. */
const RENEW_AFTER = 3;
/** After so many without a renewal that succeeded what runs must end. */
const CUT_OFF_AFTER = 8;

/** A process whose jobs are locked. */
export interface LockHolder {
  readonly lockAge: LockAge;
  /** Its locks could not be renewed, and run out soon; called at each tick until they are. */
  fence(why: string): void;
}

/** For how many ticks the locks of one process may be without a renewal. A lock that it takes is as good as one that is renewed. */
export class LockAge {
  #ticks = 0;

  get ticks(): number {
    return this.#ticks;
  }

  grow(): void {
    this.#ticks++;
  }

  /** @param ticksAgo when the renewal was begun that has succeeded: more than it was since the last is not learned from it */
  renewed(ticksAgo = 0): void {
    this.#ticks = Math.min(this.#ticks, ticksAgo);
  }
}

interface LockRoundsOptions {
  readonly lockMs: number;
  /** Those that hold locks now. Each has an age of its own: one that has just begun is not cut off for what failed before. */
  readonly holders: () => Iterable<LockHolder>;
  /** Renews the locks of all of them. @throws the datastore's error: tried again at the next tick */
  readonly renew: () => Promise<void>;
  /** @param ticksAgo when the renewal that has now succeeded was begun */
  readonly onRenewed?: (ticksAgo: number) => void;
}

export class LockRounds {
  readonly #options: LockRoundsOptions;
  readonly #timer: NodeJS.Timeout;
  /** Ticks since a renewal was begun. */
  #sinceTry = 0;
  #round: Promise<void> | null = null;

  constructor(options: LockRoundsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), options.lockMs / TICKS);
  }

  /** A renewal that is under way is not waited for: no answer may come. */
  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#sinceTry++;
    for (const holder of this.#options.holders()) {
      holder.lockAge.grow();
      if (holder.lockAge.ticks >= CUT_OFF_AFTER) holder.fence(this.#why(holder.lockAge));
    }
    if (this.#round === null && this.#sinceTry >= RENEW_AFTER) this.#round = this.#renew();
  }

  async #renew(): Promise<void> {
    const { holders, renew, onRenewed } = this.#options;
    this.#sinceTry = 0;
    try {
      await renew();
      for (const { lockAge } of holders()) lockAge.renewed(this.#sinceTry);
      onRenewed?.(this.#sinceTry);
    } catch {
      this.#sinceTry = RENEW_AFTER;
    } finally {
      this.#round = null;
    }
  }

  #why({ ticks }: LockAge): string {
    return `its locks could not be renewed for ${((ticks * this.#options.lockMs) / TICKS / 1_000).toFixed(1)} s`;
  }
}
