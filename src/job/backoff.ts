/** How long a job waits before it is tried again. */

/** How long a job waits before each retry. */
export interface Backoff {
  /** Before the first, ms. */
  readonly initialMs: number;
  /** What each wait is multiplied by for the next one, 1 or more. */
  readonly factor: number;
  /** No wait is longer, ms. */
  readonly maxMs: number;
  /** True: anything from nothing to the whole wait, at random, so that jobs that failed together do not come back together. */
  readonly jitter: boolean;
}

/** What stands in for the parts of a backoff that are not given. */
export const DEFAULT_BACKOFF: Backoff = { initialMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: true };

/**
 * How long a job waits before a retry, ms.
 *
 * @param retry 1 for the first
 * @param random from 0 to 1; with jitter, the part of the whole wait (Brooker, "Exponential Backoff And Jitter", AWS 2015:
 * of the ways to add chance, full jitter spreads jobs that failed together best)
 */
export function retryBackoffMs({ initialMs, factor, maxMs, jitter }: Backoff, retry: number, random: number): number {
  const wholeMs = Math.min(maxMs, initialMs * factor ** (retry - 1));
  return Math.round(jitter ? random * wholeMs : wholeMs);
}

/** Longest time a parked job waits before a worker looks at it again, ms. */
const PARK_MAX_MS = 60_000;
const PARK_MIN_MS = 1_000;

/**
 * How long a job whose process died waits, ms. The first time not at all: most crashes are a deploy or an
 * out-of-memory kill that hit a harmless job. Then 0.5 s and 2 s, so that a poison job cannot take the worker with it.
 *
 * @param crashes deaths so far, 1 or more
 */
export function crashBackoffMs(crashes: number): number {
  return crashes <= 1 ? 0 : 500 * 4 ** Math.min(crashes - 2, 6);
}

/**
 * How long a job with an unknown task waits, ms: as long as it has waited already, from 1 s to 1 min. Doubling thus needs
 * no counter on disk.
 */
export function parkBackoffMs(ageMs: number): number {
  return Math.min(PARK_MAX_MS, Math.max(PARK_MIN_MS, ageMs));
}
