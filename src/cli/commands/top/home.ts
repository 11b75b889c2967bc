/** The home screen above its tables: how many jobs are where, and curves of what went on lately. Pure. */
import { quantile } from '../../../broker/histogram.ts';
import { RINGS, type RingName, slotsUpTo, type Slot, totalOfSlots } from '../../../broker/history.ts';
import { span } from '../../../job/text.ts';
import type { Colour } from '../../terminal/colour.ts';
import { padded } from '../../terminal/width.ts';
import { EMPTY, type Line, line, lineWidth, piece } from './screen/line.ts';
import { countText } from './rows.ts';
import type { Known, State } from './state.ts';

/** Screens of fewer rows get less of all this. */
const FEW_ROWS = 20;
/** From so many columns on, the counts and the curves stand side by side. */
const SIDE_BY_SIDE = 100;
const LABEL = 10;
const FIGURE = 10;
/** What workers count is late by some seconds: the last ones tell nothing yet. */
const LATE_MS = 3_000;

const RING_TEXT: Readonly<Record<RingName, string>> = {
  seconds: 'last minute',
  quarterMinutes: 'last 15 minutes',
  fiveMinutes: 'last day',
};

export function homeLines(state: State): readonly Line[] {
  const { columns, rows } = state;
  const counts = countLines(state);
  if (rows < FEW_ROWS) return [...shortCounts(state), ...curveLines(state, columns).slice(0, rows < 14 ? 1 : 2), EMPTY];
  if (columns < SIDE_BY_SIDE) return [...counts, EMPTY, ...curveLines(state, columns), EMPTY];
  const left = Math.max(Math.floor(columns * 0.4), ...counts.map((one) => lineWidth(one) + 3));
  const curves = curveLines(state, columns - left);
  const both = counts.map((one, i) => beside(one, curves[i] ?? EMPTY, left));
  return [...both, EMPTY];
}

function beside(a: Line, b: Line, at: number): Line {
  return { ...a, pieces: [...a.pieces, piece(' '.repeat(Math.max(1, at - lineWidth(a)))), ...b.pieces] };
}

interface Count {
  readonly label: string;
  readonly count: number | null;
  readonly colour: Colour | null;
  readonly about: string;
}

function countsOf({ known, nowMs }: State): readonly Count[] {
  const { facts, counted } = known;
  const { counts, backlog } = counted ?? {};
  const jobs = facts?.running;
  const starts = jobs?.jobs.flatMap(({ startedAtMs }) => startedAtMs ?? []) ?? [];
  const running = jobs?.isAll === true ? jobs.jobs.length : (counts?.running ?? null);
  const oldest = backlog?.oldestAtMs ?? null;
  return [
    {
      label: 'waiting',
      count: counts?.pending ?? null,
      colour: null,
      about: oldest === null ? '' : `the oldest was sent ${span(nowMs - oldest)} ago`,
    },
    {
      label: 'running',
      count: running,
      colour: (running ?? 0) > 0 ? 'cyan' : null,
      about: starts.length === 0 ? '' : `the longest for ${span(nowMs - Math.min(...starts))}`,
    },
    { label: 'delayed', count: counts?.delayed ?? null, colour: null, about: '' },
    { label: 'ended', count: counts?.results ?? null, colour: null, about: endedText(known, nowMs) },
  ];
}

/** Failures of the last day, which is as long as outcomes are kept if nothing else is said. */
function endedText({ facts }: Known, nowMs: number): string {
  if (facts === null) return '';
  const { ended, failed } = totalOfSlots(slotsUpTo(facts.statistics.history, 'fiveMinutes', nowMs));
  return ended === 0 ? '' : `of the last day ${countText(ended)}, ${failed === 0 ? 'none' : countText(failed)} failed`;
}

function countLines(state: State): readonly Line[] {
  const counts = countsOf(state);
  const width = Math.max(7, ...counts.map(({ count }) => (count === null ? 1 : countText(count).length)));
  return counts.map(({ label, count, colour, about }) =>
    line(
      piece(` ${label.padEnd(LABEL)}`),
      piece(padded(count === null ? '…' : countText(count), width, 'right'), colour ?? 'bold'),
      piece(about === '' ? '' : `   ${about}`, 'dim'),
    ),
  );
}

function shortCounts(state: State): readonly Line[] {
  return [
    line(
      ' ',
      ...countsOf(state).flatMap(({ label, count, colour }, i) => [
        piece(i === 0 ? '' : '   '),
        piece(count === null ? '…' : countText(count), colour ?? 'bold'),
        piece(` ${label}`),
      ]),
    ),
  ];
}

/** @param columns that there are for a curve with its name and its figure */
function curveLines({ known, ring, nowMs }: State, columns: number): readonly Line[] {
  const { everyMs, slots: count } = RINGS[ring];
  const history = known.facts?.statistics.history ?? null;
  const slots = history === null ? [] : slotsUpTo(history, ring, nowMs - (ring === 'seconds' ? LATE_MS : 0));
  const room = Math.max(8, Math.min(count, columns - LABEL - FIGURE - 4));
  const groups = grouped(slots, room);
  const all = totalOfSlots(slots);
  const perSecond = (one: number, slotsOf: number): number => (one * 1_000) / (slotsOf * everyMs);
  const curve = (label: string, figure: string, values: readonly (number | null)[], colour: Colour | null): Line =>
    line(piece(` ${label.padEnd(LABEL)}`), piece(figure.padStart(FIGURE)), '  ', piece(sparkline(values), colour));
  const quantiles = (of: 'wait' | 'run'): readonly (number | null)[] =>
    groups.map((group) => quantile(totalOfSlots(group)[of], 0.95));
  return [
    curve(
      'ended /s',
      rateText(perSecond(all.ended, count)),
      groups.map((group) => totalOfSlots(group).ended),
      'green',
    ),
    curve(
      'failed /s',
      rateText(perSecond(all.failed, count)),
      groups.map((group) => totalOfSlots(group).failed),
      all.failed > 0 ? 'red' : 'dim',
    ),
    curve('wait p95', timeText(quantile(all.wait, 0.95)), quantiles('wait'), 'yellow'),
    { ...curve('run p95', timeText(quantile(all.run, 0.95)), quantiles('run'), 'cyan') },
  ].map((one, i) => (i === 0 ? withLabel(one, RING_TEXT[ring], columns) : one));
}

function withLabel(one: Line, text: string, columns: number): Line {
  const room = columns - lineWidth(one) - text.length - 3;
  return room < 0 ? one : { ...one, pieces: [...one.pieces, piece(`  ${text}`, 'dim')] };
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
  return values
    .map((value) =>
      value === null ? ' ' : (BARS[value === 0 ? 0 : Math.max(1, Math.ceil((value / most) * 7))] ?? '█'),
    )
    .join('');
}

function rateText(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.01) return '< 0.01';
  return perSecond < 10 ? perSecond.toFixed(perSecond < 1 ? 2 : 1) : countText(Math.round(perSecond));
}

function timeText(ms: number | null): string {
  return ms === null ? '-' : span(ms);
}
