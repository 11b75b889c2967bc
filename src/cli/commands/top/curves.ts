/** Curves of what workers have counted of late: how much ended and failed, how long jobs waited and ran. Pure. */
import { quantile, quantileOf } from '../../../broker/figures/histogram.ts';
import {
  type Counted,
  RINGS,
  type RingName,
  type Slot,
  slotsUpTo,
  totalOfSlots,
} from '../../../broker/figures/history.ts';
import type { TaskFigures } from '../../../broker/statistics.ts';
import { span } from '../../../job/text.ts';
import type { Colour } from '../../terminal/colour.ts';
import { type Line, line, type Piece, piece } from './screen/line.ts';
import { countText } from './rows.ts';
import type { State } from './state.ts';

const LABEL = 11;
const FIGURE = 9;
/** A curve of fewer bars tells nothing; with more, how far it goes back is written beside it. */
const LEAST_BARS = 8;
const BARS_BEFORE_TEXT = 24;
/** What workers count is late by some seconds: the last ones tell nothing yet. */
const LATE_MS = 3_000;
/** Figures are of so many of the last slots, */
const RECENT_SLOTS = 10;
/** unless fewer jobs than this ended in them: then of all. */
const LEAST_JOBS = 10;

const HOW_FAR: Readonly<Record<RingName, string>> = {
  seconds: 'last minute',
  quarterMinutes: 'last 15 minutes',
  fiveMinutes: 'last day',
};

/** @param columns that there are for a curve with its name and its figure */
export function curveLines({ known, ring, nowMs }: State, columns: number): readonly Line[] {
  const { everyMs, slots: count } = RINGS[ring];
  const history = known.facts?.statistics.history ?? null;
  const slots = history === null ? [] : slotsUpTo(history, ring, nowMs - (ring === 'seconds' ? LATE_MS : 0));
  const howFar = `  ${HOW_FAR[ring]}`;
  const bars = columns - LABEL - FIGURE - 4;
  const hasText = bars - howFar.length >= BARS_BEFORE_TEXT;
  const groups = grouped(slots, Math.max(LEAST_BARS, Math.min(count, hasText ? bars - howFar.length : bars)));
  const recent = totalOfSlots(slots.slice(-RECENT_SLOTS));
  const isMany = recent.ended >= LEAST_JOBS;
  const figures = isMany ? recent : totalOfSlots(slots);
  const rate = (jobs: number): string => rateText((jobs * 1_000) / ((isMany ? RECENT_SLOTS : count) * everyMs));
  const curve = (of: (group: Counted) => number | null, colour: Colour): Piece =>
    piece(sparkline(groups.map((group) => of(totalOfSlots(group)))), colour);
  const of95 = (which: 'wait' | 'run'): ((group: Counted) => number | null) => {
    const longest = longestMs(known.facts?.statistics.tasks ?? [], which);
    return (group) => {
      const guess = quantile(group[which], 0.95);
      return guess === null ? null : Math.min(guess, longest);
    };
  };
  const name = (label: string, figure: string): Piece => piece(` ${label.padEnd(LABEL)}${figure.padStart(FIGURE)}  `);
  const hasFailed = slots.some(({ failed }) => failed > 0);
  return [
    line(
      name('ended /s', rate(figures.ended)),
      curve(({ ended }) => ended, 'green'),
      piece(hasText ? howFar : '', 'dim'),
    ),
    line(
      name('failed /s', rate(figures.failed)),
      curve(({ failed }) => failed, hasFailed ? 'red' : 'dim'),
    ),
    line(name('95 % wait', timeText(of95('wait')(figures))), curve(of95('wait'), 'yellow')),
    line(name('95 % run', timeText(of95('run')(figures))), curve(of95('run'), 'cyan')),
  ];
}

/** No job of all that were counted has taken longer: slots have no sum of their times, which tells more than a bucket. */
function longestMs(tasks: readonly TaskFigures[], which: 'wait' | 'run'): number {
  const longest = tasks.flatMap((task) => quantileOf(task[which], 1) ?? []);
  return longest.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...longest);
}

/** The latest slots in `most` groups of one size, or fewer. */
function grouped(slots: readonly Slot[], most: number): readonly (readonly Slot[])[] {
  const size = Math.max(1, Math.floor(slots.length / most));
  const groups: Slot[][] = [];
  for (let end = slots.length; end > 0; end -= size) groups.unshift(slots.slice(Math.max(0, end - size), end));
  return groups.slice(-most);
}

const BARS = '▁▂▃▄▅▆▇█';

/** A bar for each value, the largest one full; a blank where there is none. */
export function sparkline(values: readonly (number | null)[]): string {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const bar = (value: number): number => (value === 0 ? 0 : Math.max(1, Math.ceil((value / most) * 7)));
  return values.map((value) => (value === null ? ' ' : BARS[bar(value)])).join('');
}

function rateText(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.01) return '< 0.01';
  return perSecond < 10 ? perSecond.toFixed(perSecond < 1 ? 2 : 1) : countText(Math.round(perSecond));
}

/** A quantile is guessed within its bucket: two digits are more than it tells. */
function timeText(ms: number | null): string {
  return ms === null ? '-' : `< ${span(ms)}`;
}
