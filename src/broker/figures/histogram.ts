/** How often something took how long: counts in fixed buckets, so that those of many processes add up, and what a quantile of them is. */
import { isRecord } from '../../job/values/realm.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The upper bounds of the buckets, ms, each included in its bucket; what took longer than the last falls into one more. */
export const BOUNDS_MS: readonly number[] = [
  [1, 2, 5, 10, 20, 50, 100, 200, 500],
  [SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND],
  [MINUTE, 5 * MINUTE, 15 * MINUTE],
  [HOUR, 6 * HOUR, 24 * HOUR],
].flat();

/** Counts of times by bucket, the shortest first. Buckets behind the last that is not empty may be left out. */
export type Buckets = readonly number[];

export interface Histogram {
  readonly buckets: Buckets;
  /** Of all times, ms. */
  readonly sumMs: number;
}

/** A histogram that is counted on. */
export interface OpenHistogram {
  readonly buckets: number[];
  sumMs: number;
}

export function emptyHistogram(): OpenHistogram {
  return { buckets: [], sumMs: 0 };
}

/** Counts one time. A negative one, of a clock that was set back, counts as 0. */
export function addTime(histogram: OpenHistogram, ms: number): void {
  const took = Math.max(0, ms);
  let bucket = 0;
  while (bucket < BOUNDS_MS.length && took > (BOUNDS_MS[bucket] ?? 0)) bucket++;
  countUp(histogram.buckets, bucket, 1);
  histogram.sumMs += took;
}

export function addHistogram(sum: OpenHistogram, more: Histogram): void {
  addBuckets(sum.buckets, more.buckets);
  sum.sumMs += more.sumMs;
}

export function addBuckets(sum: number[], more: Buckets): void {
  for (let bucket = 0; bucket < more.length; bucket++) countUp(sum, bucket, more[bucket] ?? 0);
}

function countUp(buckets: number[], bucket: number, by: number): void {
  while (buckets.length <= bucket) buckets.push(0);
  buckets[bucket] = (buckets[bucket] ?? 0) + by;
}

/** How many times were counted. */
export function totalOf(buckets: Buckets): number {
  return buckets.reduce((sum, count) => sum + count, 0);
}

/**
 * The time, ms, that the part `q` of all times does not exceed: 0.95 for p95. Within its bucket it is guessed evenly, so it is off by the
 * width of the bucket at most; of times longer than the last bound that bound is given. Null when nothing was counted.
 */
export function quantile(buckets: Buckets, q: number): number | null {
  const total = totalOf(buckets);
  if (total === 0) return null;
  const rank = Math.min(1, Math.max(0, q)) * total;
  let below = 0;
  for (const [bucket, count] of buckets.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = BOUNDS_MS[bucket - 1] ?? 0;
      const to = BOUNDS_MS[bucket] ?? from;
      return from + ((to - from) * Math.max(0, rank - below)) / count;
    }
    below += count;
  }
  return BOUNDS_MS.at(-1) ?? null;
}

/**
 * The same of times whose sum is known too. That of rank `k` and those above it take `k`'s time at least, those below it no less than their
 * buckets: so it is never longer than what the sum leaves for it. Of one time it is that time.
 */
export function quantileOf({ buckets, sumMs }: Histogram, q: number): number | null {
  const guess = quantile(buckets, q);
  if (guess === null) return null;
  const total = totalOf(buckets);
  const below = Math.max(1, Math.ceil(Math.min(1, q) * total)) - 1;
  let [left, leastMs] = [below, 0];
  for (const [bucket, count] of buckets.entries()) {
    const here = Math.min(left, count);
    leastMs += here * (BOUNDS_MS[bucket - 1] ?? 0);
    left -= here;
  }
  return Math.min(guess, Math.max(0, sumMs - leastMs) / (total - below));
}

/** Null for anything else. */
export function parseHistogram(value: unknown): Histogram | null {
  if (!isRecord(value)) return null;
  const buckets = parseBuckets(value['buckets']);
  const sumMs = parseCount(value['sumMs']);
  return buckets === null || sumMs === null ? null : { buckets, sumMs };
}

/** Null for anything else. */
export function parseBuckets(value: unknown): Buckets | null {
  if (!Array.isArray(value) || value.length > BOUNDS_MS.length + 1) return null;
  const counts = value.map(parseCount);
  return counts.every((count) => count !== null) ? counts : null;
}

/** A number of things, or of ms: whole, and not negative. Null for anything else. */
export function parseCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** Those of `names` that `value` has as counts; null unless it has all of them. */
export function parseCounts<Name extends string>(
  value: Readonly<Record<string, unknown>>,
  names: readonly Name[],
): Readonly<Record<Name, number>> | null {
  const counts = names.map((name) => [name, parseCount(value[name])] as const);
  if (counts.some(([, count]) => count === null)) return null;
  return Object.fromEntries(counts) as Record<Name, number>;
}
