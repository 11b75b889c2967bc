/**
 * When a schedule fires: its instants, in Unix ms. Every process that knows the schedule finds the same ones, whenever it started:
 * they depend on the pattern and nothing else.
 */
import type { Times } from './cron.ts';

/** A pattern as it was written. */
export type Pattern =
  | { readonly kind: 'every'; readonly ms: number }
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string };

/** @throws for a pattern that cannot be read */
export async function timesOf(pattern: Pattern): Promise<Times> {
  if (pattern.kind === 'every') return everyTimes(pattern.ms);
  const { cronTimes } = await import('./cron.ts');
  return cronTimes(pattern.cron, pattern.timeZone);
}

/** Multiples of the interval since 1970: `every: '1d'` is midnight in UTC. */
function everyTimes(ms: number): Times {
  return { next: (afterMs) => (Math.floor(afterMs / ms) + 1) * ms };
}

/** How a pattern is told, and kept beside what was done by it: 'every 30s', '0 3 * * * Asia/Tokyo'. */
export function patternText(pattern: Pattern): string {
  return pattern.kind === 'every' ? `every ${durationText(pattern.ms)}` : `${pattern.cron} ${pattern.timeZone}`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** In the largest unit that loses nothing, as a configuration writes it. */
function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** Instants in a span of time. */
export interface Instants {
  /** The newest, in their order. */
  readonly instants: readonly number[];
  /** There are older ones in the span. */
  readonly hasMore: boolean;
}

/** The span that is looked at first, ms: instants lie a second apart or more, so no more than `most` can lie in so many seconds. */
const LEAST_GAP_MS = 1_000;

/**
 * The newest instants after `fromMs`, up to and with `toMs`. It looks at the end of the span first, and at twice as much each time it has
 * not found enough, so that a year of seconds costs no more than a few thousand steps.
 *
 * @param most how many are wanted
 */
export function instantsBetween(times: Times, fromMs: number, toMs: number, most: number): Instants {
  for (let span = most * LEAST_GAP_MS; ; span *= 2) {
    const startMs = Math.max(fromMs, toMs - span);
    const found: number[] = [];
    for (let at = times.next(startMs); at !== null && at <= toMs; at = times.next(at)) found.push(at);
    if (found.length > most) return { instants: found.slice(-most), hasMore: true };
    if (startMs === fromMs) return { instants: found, hasMore: false };
    // What lies before the span is not known: one more than enough, or the whole span, ends the search.
  }
}
