/** How many names a child is given at a time. Pure. */

/** Names at a time at most: then a message costs little beside the jobs. */
const MOST = 128;
/** A child that needs less than this for what it was given may have more, ms; one that needs longer gets less. */
const QUICK_MS = 20;

/**
 * The next number of names for a child that needed `tookMs` for the last `given`. It grows while jobs are quick and falls
 * to one when they are slow, because a name given to a busy child waits for it while others might run it.
 */
export function nextAppetite(given: number, tookMs: number): number {
  return tookMs < QUICK_MS ? Math.min(MOST, given * 2) : Math.max(1, Math.floor((given * QUICK_MS) / tookMs));
}
