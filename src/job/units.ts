/** Durations and sizes as people write them: a number of milliseconds or bytes, or '250ms' '3s' '5m' '2h' '1d', '512KB' '2GB'. */
import { refuse } from './errors.ts';

/** A number of milliseconds >= 0, or a decimal number with a unit. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`;

/** A number of bytes, or a decimal number with a unit. A KB has 1,024 bytes here, as where Linux and Node.js tell memory. */
export type ByteSize = number | `${number}KB` | `${number}MB` | `${number}GB`;

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, number>> = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** The longest duration, ms: a hundred years, so that no sum with the time of day leaves the range of a Date. */
export const LONGEST_MS: number = 100 * 366 * 86_400_000;

/** Whole milliseconds of a duration; null where `value` is none. */
export function readDuration(value: unknown): number | null {
  return wholeFrom(value, MILLISECONDS, 0, LONGEST_MS);
}

/** Whole bytes of a size; null where `value` is none, or is less than a byte. */
export function readByteSize(value: unknown): number | null {
  return wholeFrom(value, BYTES, 1, Number.MAX_SAFE_INTEGER);
}

/** Whole milliseconds of the option `name`. @throws UsageError unless it is a duration of at most a hundred years */
export function durationMs(value: unknown, name: string): number {
  const wanted = "a number of milliseconds >= 0 or a string like '250ms', '3s', '5m', '2h', '1d'";
  return readDuration(value) ?? refuse(`\`${name}\``, wanted, value);
}

function wholeFrom(value: unknown, units: Readonly<Record<string, number>>, min: number, max: number): number | null {
  const [, digits, unit = ''] = typeof value === 'string' ? (/^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(value) ?? []) : [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const amount = factor === undefined ? value : Number(digits) * factor;
  return typeof amount === 'number' && amount >= min && amount <= max ? Math.round(amount) : null;
}
