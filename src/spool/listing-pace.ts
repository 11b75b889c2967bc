/** How often a directory is listed, by what a listing costs: one that was huge stays slow to list, as ext4 does not shrink it. */

/** A listing when there is nothing to give out may take a tenth of the time. */
const LISTING_COST_FACTOR = 10;
/** Listings that cost less than this, ms, may follow one another. */
const CHEAP_MS = 1;
/**
 * While there are names, pending/ is listed anew for what is more urgent: this often, ms, or a twenty-fifth of the time. Where that
 * is too seldom, because it is large, the watch tells of urgent names, and the listing is for those that the watch loses.
 */
const RELIST = { everyMs: 40, costFactor: 25, watchedFactor: 500 };
/**
 * From this cost of a listing on, ms, some fifty thousand names, it is too seldom. Not sooner: a watch that is open makes each claim's
 * rename twice as slow, which costs a worker a third of its jobs a second.
 */
const LARGE_MS = 50;

export class ListingPace {
  #nextAtMs = 0;
  #relistAtMs = 0;
  /** Not known before the first listing. */
  #isLarge = true;

  /** A listing has ended. @param isWatched whether a watch tells of what comes */
  listed(startedAtMs: number, isWatched: boolean): void {
    const tookMs = performance.now() - startedAtMs;
    this.#nextAtMs = tookMs < CHEAP_MS ? 0 : startedAtMs + LISTING_COST_FACTOR * tookMs;
    this.#isLarge = tookMs > LARGE_MS;
    const costFactor = isWatched && this.#isLarge ? RELIST.watchedFactor : RELIST.costFactor;
    this.#relistAtMs = startedAtMs + Math.max(RELIST.everyMs, costFactor * tookMs);
  }

  /** Whether it may be listed because nothing is left to give out. */
  get mayList(): boolean {
    return performance.now() >= this.#nextAtMs;
  }

  /** Whether it is to be listed although there are names. */
  get isDue(): boolean {
    return performance.now() > this.#relistAtMs;
  }

  /** A listing costs too much to find urgent names by it. */
  get isLarge(): boolean {
    return this.#isLarge;
  }
}
