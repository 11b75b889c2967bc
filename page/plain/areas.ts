/** The geometry of a chart of two stacked areas: from rates to the paths of an SVG, its lines and its labels. Pure. */
import { hourMinute, rate } from './format.ts';
import type { RateColumns } from './activity.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Areas {
  /** Paths: the lower area, the one upon it, and the upper edge of both. */
  readonly failed: string;
  readonly done: string;
  readonly failedEdge: string;
  readonly doneEdge: string;
  readonly rows: readonly Label[];
  readonly columns: readonly Label[];
  /** Where each slot stands. */
  readonly xs: readonly number[];
}

export interface Label {
  /** From the left or from the top, pixels. */
  readonly at: number;
  readonly text: string;
}

/** Room for labels, pixels. */
export const MARGIN: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number } =
  {
    left: 44,
    right: 10,
    top: 8,
    bottom: 22,
  };

const LABEL_EVERY_PX = 70;
/** Labels stand at such minutes of a day, so that they are round. */
const ROUND_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];

export function areasOf(rates: RateColumns, size: Size): Areas {
  const known = rates.ended.flatMap((value, slot) => (value === null ? [] : [{ slot, value }]));
  const top = niceTop(Math.max(0, ...known.map(({ value }) => value)));
  const inner = { width: size.width - MARGIN.left - MARGIN.right, height: size.height - MARGIN.top - MARGIN.bottom };
  const xs = rates.atMs.map((_, slot) =>
    tenth(MARGIN.left + (inner.width * slot) / Math.max(1, rates.atMs.length - 1)),
  );
  const y = (value: number): number => tenth(MARGIN.top + inner.height * (1 - value / top));
  const hasFailed = known.some(({ slot }) => (rates.failed[slot] ?? 0) > 0);
  const edge = (values: readonly (number | null)[]): readonly string[] =>
    known.map(({ slot }) => `${xs[slot] ?? 0},${y(values[slot] ?? 0)}`);
  const [bottomEdge, failedEdge, doneEdge] = [edge([]), edge(rates.failed), edge(rates.ended)];
  return {
    failed: hasFailed ? areaBetween(failedEdge, bottomEdge) : '',
    done: areaBetween(doneEdge, failedEdge),
    failedEdge: hasFailed ? lineOf(failedEdge) : '',
    doneEdge: lineOf(doneEdge),
    rows: [0, top / 2, top].map((value) => ({ at: y(value), text: rate(value) })),
    columns: labelsOf(rates.atMs, xs, inner.width),
    xs,
  };
}

/** The next round number that `value` does not exceed, and whose half is round too; 1 at least. */
export function niceTop(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return (
    [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power
  );
}

/** The slot that is nearest to `x`. */
export function slotAt(xs: readonly number[], x: number): number {
  const [first = 0, second = first + 1] = xs;
  return Math.max(0, Math.min(xs.length - 1, Math.round((x - first) / (second - first))));
}

function areaBetween(upper: readonly string[], lower: readonly string[]): string {
  return upper.length === 0 ? '' : `M${upper.join('L')}L${lower.toReversed().join('L')}Z`;
}

function lineOf(points: readonly string[]): string {
  return points.length === 0 ? '' : `M${points.join('L')}`;
}

function labelsOf(atMs: readonly number[], xs: readonly number[], width: number): readonly Label[] {
  const [fromMs = 0] = atMs;
  const minutes = ((atMs.at(-1) ?? 0) - fromMs) / 60_000;
  const least = minutes / Math.max(1, Math.floor(width / LABEL_EVERY_PX));
  const every = ROUND_MIN.find((step) => step >= least) ?? 1_440;
  return atMs.flatMap((ms, slot) => {
    const at = new Date(ms);
    const isRound = at.getSeconds() === 0 && (at.getHours() * 60 + at.getMinutes()) % every === 0;
    return isRound ? [{ at: xs[slot] ?? 0, text: hourMinute(ms) }] : [];
  });
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
