/** Spans of time for people. */

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** The largest unit that fits, rounded down: '3 d', '12 s', '250 ms'. A span below zero (a clock that was set back) is '0 ms'. */
export function span(ms: number): string {
  for (const [name, unitMs] of UNITS) if (ms >= unitMs) return `${Math.floor(ms / unitMs)} ${name}`;
  return `${Math.max(0, Math.round(ms))} ms`;
}

/** Unix ms as ISO 8601, or a dash for a time that no calendar has. */
export function timeText(ms: number | undefined): string {
  return ms === undefined || !(Math.abs(ms) <= 8.64e15) ? '-' : new Date(ms).toISOString();
}
