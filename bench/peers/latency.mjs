/** Two figures of many times. */

/** The middle time and the one that 99 of 100 do not exceed (nearest rank). */
export function medianAndP99(timesMs) {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { medianMs: at(0.5), p99Ms: at(0.99) };
}
