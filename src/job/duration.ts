/** Durations as people write them: a number of milliseconds, or '250ms' '3s' '5m' '2h' '1d'. */
import { UsageError } from './errors.ts';
import { format } from './format.ts';

/** A number of milliseconds >= 0, or a decimal number with a unit. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest duration: a hundred years, so that no sum with the time of day leaves the range of a Date. */
const MAX_MS = 100 * 366 * 86_400_000;

/**
 * Milliseconds of `duration`, rounded to whole ones.
 *
 * @param name the option's name, for the message
 * @throws UsageError unless it is a number from 0 to a hundred years or a string such as '3s'
 */
export function durationMs(duration: unknown, name: string): number {
  const ms = readDuration(duration);
  if (ms !== null) return ms;
  throw new UsageError(
    `Expected \`${name}\` to be a number of milliseconds >= 0 or a string like '250ms', '3s', '5m', '2h', '1d', got ${format(duration)}`,
  );
}

/** The same, for callers with a message of their own: null where it is no duration. */
export function readDuration(duration: unknown): number | null {
  const ms = typeof duration === 'string' ? parse(duration) : duration;
  return typeof ms === 'number' && ms >= 0 && ms <= MAX_MS ? Math.round(ms) : null;
}

function parse(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
}
