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

interface LockRoundsOptions {
  readonly lockMs: number;
  /** @throws the datastore's error: tried again at the next tick */
  readonly renew: () => Promise<void>;
  /** The locks could not be renewed, and run out soon; called at each tick until they are. */
  readonly onCutOff: (why: string) => void;
}

export class LockRounds {
  readonly #options: LockRoundsOptions;
  readonly #timer: NodeJS.Timeout;
  /** Ticks since the last renewal that succeeded was begun, and since one was begun at all. */
  #sinceGood = 0;
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
    const { lockMs, onCutOff } = this.#options;
    this.#sinceGood++;
    this.#sinceTry++;
    if (this.#sinceGood >= CUT_OFF_AFTER)
      onCutOff(`its locks could not be renewed for ${((this.#sinceGood * lockMs) / TICKS / 1_000).toFixed(1)} s`);
    if (this.#round === null && this.#sinceTry >= RENEW_AFTER) this.#round = this.#renew();
  }

  async #renew(): Promise<void> {
    this.#sinceTry = 0;
    try {
      await this.#options.renew();
      this.#sinceGood = this.#sinceTry;
    } catch {
      this.#sinceTry = RENEW_AFTER;
    } finally {
      this.#round = null;
    }
  }
}
