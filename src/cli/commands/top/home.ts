/** The home screen above its tables: how many jobs are where, and curves of what went on lately. Pure. */
import { slotsUpTo, totalOfSlots } from '../../../broker/figures/history.ts';
import { span } from '../../../job/text.ts';
import type { Colour } from '../../terminal/colour.ts';
import { padded } from '../../terminal/width.ts';
import { curveLines } from './curves.ts';
import { EMPTY, type Line, line, lineWidth, piece } from './screen/line.ts';
import { countText } from './rows.ts';
import type { Known, State } from './state.ts';

/** Screens of fewer rows get less of all this. */
const FEW_ROWS = 20;
/** From so many columns on, the counts and the curves stand side by side. */
const SIDE_BY_SIDE = 100;
const LABEL = 10;
/** So many pieces of advice are given, each in one line. */
const MOST_ADVICE = 3;

export function homeLines(state: State): readonly Line[] {
  const { columns, rows } = state;
  const counts = countLines(state);
  if (rows < FEW_ROWS) return [...shortCounts(state), ...curveLines(state, columns).slice(0, rows < 14 ? 1 : 2), EMPTY];
  const advice = adviceLines(state);
  if (columns < SIDE_BY_SIDE) return [...counts, EMPTY, ...curveLines(state, columns), EMPTY, ...advice];
  const left = Math.max(Math.floor(columns * 0.4), ...counts.map((one) => lineWidth(one) + 3));
  const curves = curveLines(state, columns - left);
  const both = counts.map((one, i) => beside(one, curves[i] ?? EMPTY, left));
  return [...both, EMPTY, ...advice];
}

/** What to do about what is wrong. */
function adviceLines({ known }: State): readonly Line[] {
  const advice = (known.verdict?.advice ?? []).slice(0, MOST_ADVICE);
  return advice.length === 0 ? [] : [...advice.map((text) => line(piece(` ! ${text}`, 'yellow'))), EMPTY];
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

/** Of the last day, which is as long as outcomes are kept if nothing else is said. Jobs that were revoked while they waited are not among them. */
function endedText({ facts }: Known, nowMs: number): string {
  if (facts === null) return '';
  const { ended, failed } = totalOfSlots(slotsUpTo(facts.statistics.history, 'fiveMinutes', nowMs));
  const failures = failed === 0 ? 'none' : countText(failed);
  return ended === 0 ? '' : `workers ended ${countText(ended)} in a day, ${failures} failed`;
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
