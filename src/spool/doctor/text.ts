/** Amounts for people. Pure. */

const TIMES: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];
const SIZES: readonly (readonly [unit: string, bytes: number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
];

/** '3 d', '12 s', '250 ms': the largest unit that fits. */
export function span(ms: number): string {
  return inUnits(ms, TIMES, 'ms');
}

/** '77 GB', '512 B'. */
export function size(bytes: number): string {
  return inUnits(bytes, SIZES, 'B');
}

/** '0755' */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function inUnits(amount: number, units: readonly (readonly [string, number])[], least: string): string {
  for (const [name, one] of units) if (amount >= one) return `${Math.floor(amount / one)} ${name}`;
  return `${Math.round(amount)} ${least}`;
}
