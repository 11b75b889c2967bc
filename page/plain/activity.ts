/** What a chart shows, worked out: rates of a stretch of time, stacked, and small lines of one row. Pure. */
import type { Activity } from '../../src/ui/wire.ts';

/** Columns of one length. Rates are jobs a minute; null: not there yet. */
export interface RateColumns {
  readonly atMs: readonly number[];
  readonly failed: readonly (number | null)[];
  readonly done: readonly (number | null)[];
  /** Done upon failed: the upper edge. */
  readonly ended: readonly (number | null)[];
}

/** The last slot goes on: it is shown as what it would come to at this pace, when enough of it is over; else it is left out. */
export function ratesOf(activity: Activity, nowMs: number): RateColumns {
  const { slotMs, fromMs, ended, failed } = activity;
  const perMinute = (counts: readonly number[], slot: number): number | null => {
    const over = Math.min(slotMs, nowMs - (fromMs + slot * slotMs));
    if (over < slotMs / 3) return null;
    return ((counts[slot] ?? 0) * 60_000) / over;
  };
  const slots = ended.map((_, slot) => slot);
  const rates = {
    ended: slots.map((slot) => perMinute(ended, slot)),
    failed: slots.map((slot) => perMinute(failed, slot)),
  };
  return {
    atMs: slots.map((slot) => fromMs + slot * slotMs),
    ended: rates.ended,
    failed: rates.failed,
    done: rates.ended.map((rate, slot) => (rate === null ? null : rate - (rates.failed[slot] ?? 0))),
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

/** About ten rows for a table in place of a chart: neighbours are put together. */
export function coarser(activity: Activity, most: number): Activity {
  const factor = Math.ceil(activity.ended.length / most);
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
