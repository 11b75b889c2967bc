/** A job's timeline as lines: when, how far into its life, a bar where there is room, and what it did. Pure. */
import { RAN, untoldWords, WAITED } from '../../../app/explaining/stretch-words.ts';
import type { Stretch, Timeline } from '../../../app/explaining/timeline.ts';
import { firstLine } from '../../../app/explaining/reason.ts';
import { escape, span } from '../../../job/text.ts';
import { type Paper, timeText } from '../../display.ts';
import { type Colour, painter, stateColour } from '../../terminal/colour.ts';
import { cut, padded } from '../../terminal/width.ts';

/** Cells of a bar, and the lines that have room for one. */
const BAR = 16;
const LEAST_WITH_BAR = 90;
/** Cells of the columns: `+59 m`, and the time of day as a clock shows it. */
const LATER = 7;
const CLOCK = 12;
/** Of very many stretches the first and the last so many are shown. */
const SHOWN = { first: 6, last: 14 };

interface Row {
  readonly atMs: number | null;
  readonly toMs: number;
  readonly mark: string;
  readonly text: string;
  readonly colour: Colour | null;
  /** Of an error, below the row. */
  readonly below?: string;
}

/** @param isWhole every stretch, however many there are */
export function timelineLines(timeline: Timeline, nowMs: number, paper: Paper, isWhole: boolean): readonly string[] {
  const { sentAtMs, stretches, end } = timeline;
  const rows = stretches.map((stretch, i) => rowOf(stretch, nowMs, stretches[i + 1]));
  const lastMs = end?.atMs ?? nowMs;
  const all =
    end === null
      ? rows
      : [...rows, { atMs: lastMs, toMs: lastMs, mark: '', text: end.state, colour: stateColour(end.state) }];
  const most = SHOWN.first + SHOWN.last;
  const isCut = !isWhole && all.length > most + 1;
  const lines = (shown: readonly Row[]): readonly string[] =>
    shown.flatMap((row) => rowLines(row, { sentAtMs, lastMs }, paper));
  if (!isCut) return lines(all);
  const left = `… ${all.length - most} more; --full shows all`;
  return [...lines(all.slice(0, SHOWN.first)), left, ...lines(all.slice(-SHOWN.last))];
}

function rowOf(stretch: Stretch, nowMs: number, next: Stretch | undefined): Row {
  if (stretch.kind === 'untold') return untoldRow(stretch, nowMs);
  const { fromMs, toMs } = stretch;
  const until = toMs ?? nowMs;
  if (stretch.kind === 'waited')
    return {
      atMs: fromMs,
      toMs: until,
      mark: fromMs === null ? '' : '░',
      text: waitText(stretch, nowMs, next?.kind === 'waited'),
      colour: 'dim',
    };
  const { attempt, owner, end, error } = stretch;
  const pid = /^\d+(?=-)/.exec(owner)?.[0];
  const where = pid === undefined ? '' : ` (pid ${pid})`;
  const [how, word] = RAN[end];
  const took = fromMs === null ? (end === 'runs' ? 'runs' : how) : `${how} ${word} ${span(until - fromMs)}`;
  return {
    atMs: fromMs,
    toMs: until,
    mark: '█',
    text: `attempt ${attempt} ${took}${where}`,
    colour: end === 'lost' ? 'yellow' : stateColour(end === 'runs' ? 'running' : end),
    ...(error === undefined ? {} : { below: `${error.name}: ${firstLine(error)}` }),
  };
}

/** @param waitsNext it is known when it was sent back, and that it waits for its turn since then */
function waitText(
  { why, fromMs, toMs }: Extract<Stretch, { kind: 'waited' }>,
  nowMs: number,
  waitsNext: boolean,
): string {
  const lasted = fromMs === null ? null : span((toMs ?? nowMs) - fromMs);
  if (why === 'sent-back') {
    if (toMs !== null)
      return `had ended; it was sent back${waitsNext ? '' : ', and ran again'} ${lasted === null ? 'later' : `after ${lasted}`}`;
    return `was sent back, and waits for its turn${lasted === null ? '' : `; it had ended ${lasted} ago`}`;
  }
  if (lasted === null) return `${toMs === null ? 'waits' : 'waited'} ${WAITED[why]}`;
  return `${toMs === null ? 'has waited' : 'waited'} ${lasted} ${WAITED[why]}`;
}

function untoldRow({ from, to }: Extract<Stretch, { kind: 'untold' }>, nowMs: number): Row {
  return { atMs: null, toMs: nowMs, mark: '', text: untoldWords({ from, to }), colour: 'yellow' };
}

function rowLines(
  { atMs, toMs, mark, text, colour, below }: Row,
  { sentAtMs, lastMs }: { readonly sentAtMs: number; readonly lastMs: number },
  { columns, hasColours }: Paper,
): readonly string[] {
  const paint = painter(hasColours);
  const clock = padded(atMs === null ? '?' : clockOf(atMs), CLOCK);
  const later = padded(atMs === null ? '' : `+${span(atMs - sentAtMs)}`, LATER, 'right');
  const bar =
    columns === null || columns < LEAST_WITH_BAR
      ? ''
      : `${padded(barOf(atMs ?? toMs, toMs, mark, { sentAtMs, lastMs }), BAR)}  `;
  const head = `${clock} ${later}  `;
  const room = columns === null ? null : columns - head.length - (bar === '' ? 0 : BAR + 2);
  const fitted = (line: string): string => (room === null ? escape(line) : cut(escape(line), Math.max(room, 8)));
  const line = `${head}${paint(colour, bar.trimEnd())}${bar.slice(bar.trimEnd().length)}${paint(colour, fitted(text))}`;
  if (below === undefined) return [line.trimEnd()];
  return [line.trimEnd(), `${padded('', head.length + (bar === '' ? 0 : BAR + 2))}${fitted(below)}`];
}

/** The time of day, of `2026-03-01 09:30:00.250+09:00`. */
function clockOf(ms: number): string {
  return timeText(ms).slice(11, 11 + CLOCK);
}

function barOf(
  fromMs: number,
  toMs: number,
  mark: string,
  { sentAtMs, lastMs }: { readonly sentAtMs: number; readonly lastMs: number },
): string {
  const whole = Math.max(1, lastMs - sentAtMs);
  const cell = (ms: number): number => Math.min(BAR, Math.max(0, ((ms - sentAtMs) / whole) * BAR));
  const from = Math.min(BAR - 1, Math.floor(cell(fromMs)) || 0);
  const length = Math.max(1, Math.round(cell(toMs)) - from) || 1;
  return mark === '' ? '' : ' '.repeat(from) + mark.repeat(Math.min(length, BAR - from));
}
