/** What a chart shows, worked out: rates of a stretch of time, stacked, and small lines of one row. Pure. */
import type { Activity } from '../../src/ui/wire.ts';

/** Columns of one length. Rates are jobs a minute; null: not there yet. */
export interface RateColumns {
  readonly atMs: readonly number[];
  readonly failed: readonly (number | null)[];
  /** All that ended, those that failed among them: the upper edge. */
  readonly ended: readonly (number | null)[];
}

const MINUTE_MS = 60_000;

/**
 * What ended in a minute: in the one up to a slot, where slots are shorter, so that nothing is said to have ended that has not; in the mean
 * of a slot, where they are longer. The last slot goes on, and counts for the time that is over when that is enough; else it is left out.
 */
export function ratesOf(activity: Activity, nowMs: number): RateColumns {
  const { slotMs, fromMs, ended, failed } = activity;
  const together = Math.max(1, Math.round(MINUTE_MS / slotMs));
  const perMinute = (counts: readonly number[], slot: number): number | null => {
    const over = Math.min(slotMs, nowMs - (fromMs + slot * slotMs));
    if (over < slotMs / 3) return null;
    // Before the first whole minute there is no other.
    const first = Math.max(0, slot - together + 1);
    const counted = sum(counts.slice(first, first + together));
    return together > 1 ? counted : (counted * MINUTE_MS) / over;
  };
  const slots = ended.map((_, slot) => slot);
  return {
    atMs: slots.map((slot) => fromMs + slot * slotMs),
    ended: slots.map((slot) => perMinute(ended, slot)),
    failed: slots.map((slot) => perMinute(failed, slot)),
  };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The points of a line through `values` in a box, from 0 at the bottom to the most at the top: '0,12 10,0'. */
export function sparkPoints(values: readonly number[], width: number, height: number): string {
  const most = Math.max(1, ...values);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values.map((value, i) => `${rounded(i * step)},${rounded(height - (value / most) * height)}`).join(' ');
}

/** Heights of bars, at least one so that a run of no time is seen. */
export function barHeights(values: readonly (number | null)[], height: number): readonly number[] {
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  return values.map((value) => Math.max(2, rounded(((value ?? 0) / most) * height)));
}

/** Lengths of the rows of a table, minutes: round ones. */
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];

/** At most so many rows, for a table in place of a chart: neighbours are put together, over a round time. */
export function coarser(activity: Activity, most: number): Activity {
  const { slotMs, ended } = activity;
  const least = Math.ceil(ended.length / most);
  const isRound = (factor: number): boolean => Number.isInteger(factor) && factor >= least;
  const factor = STEPS_MIN.map((minutes) => (minutes * MINUTE_MS) / slotMs).find(isRound) ?? least;
  if (factor <= 1) return activity;
  const together = (counts: readonly number[]): readonly number[] =>
    Array.from({ length: Math.ceil(counts.length / factor) }, (_, i) =>
      sum(counts.slice(i * factor, (i + 1) * factor)),
    );
  return {
    ...activity,
    slotMs: activity.slotMs * factor,
    ended: together(activity.ended),
    failed: together(activity.failed),
  };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
