/** How soon a child that died is replaced. Pure. */

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

/**
 * A child that was ready is replaced at once: what its job does to processes is bounded by the job's own backoff. One that
 * died before that met something that the next will meet too: 100 ms doubling to 10 s with each such death in a row.
 */
export function restartDelayMs(wasReady: boolean, deathsInARow: number): number {
  return wasReady ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(deathsInARow, 10));
}
