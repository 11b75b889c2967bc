/** Text for people, in lines and columns. Pure. */
import { relative } from 'node:path';
import { escape } from '../job/text.ts';
import { type Colour, type Paint, painter } from './terminal/colour.ts';
import { cut, padded, textWidth } from './terminal/width.ts';

/** What text is made for; an output of a command is one. */
export interface Paper {
  /** Cells of a line; null: as many as it takes. */
  readonly columns: number | null;
  readonly hasColours: boolean;
}

const ANY_PAPER: Paper = { columns: null, hasColours: false };

/** A line of facts; null where there is nothing to tell. */
export type Field = readonly [label: string, text: string | null];

/** Labels to the left, in `width` cells; every text is escaped. */
export function fieldLines(fields: readonly Field[], width: number = 9): readonly string[] {
  return fields.flatMap(([label, text]) => (text === null ? [] : `${padded(label, width)} ${escape(text)}`.trimEnd()));
}

/** What stands in a table; not escaped yet. */
export type Cell = string | { readonly text: string; readonly colour: Colour | null };

/**
 * A table with a line of headings; every cell is escaped.
 *
 * Where it is wider than the paper, its first column stands on lines of its own, above the others, so that ids stay whole; then the
 * widest of the other columns are cut.
 */
export function tableText(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { columns, hasColours }: Paper = ANY_PAPER,
): string {
  const paint = painter(hasColours);
  const lines = [headings.map(safeCell), ...rows.map((row) => row.map(safeCell))];
  const widths = widthsOf(lines);
  if (columns === null || tableWidth(widths) <= columns)
    return lines.map((line) => `${lineText(line, widths, paint)}\n`).join('');
  const rest = fitting(widths.slice(1), columns - 2);
  return lines
    .map(
      ([first, ...others]) =>
        `${lineText(first === undefined ? [] : [first], [columns], paint)}\n  ${lineText(others, rest, paint)}\n`,
    )
    .join('');
}

interface SafeCell {
  readonly text: string;
  readonly colour: Colour | null;
}

function safeCell(cell: Cell): SafeCell {
  return typeof cell === 'string'
    ? { text: escape(cell), colour: null }
    : { text: escape(cell.text), colour: cell.colour };
}

function widthsOf(lines: readonly (readonly SafeCell[])[]): readonly number[] {
  const widths: number[] = [];
  for (const line of lines)
    for (const [column, { text }] of line.entries()) widths[column] = Math.max(widths[column] ?? 0, textWidth(text));
  return widths;
}

/** Between two columns. */
const GAP = '  ';

function tableWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * Math.max(0, widths.length - 1));
}

/** No column gets narrower by cutting. */
const LEAST_WIDTH = 4;

/** The widths, with as much taken from the widest as is too much. */
function fitting(widths: readonly number[], room: number): readonly number[] {
  const fit = [...widths];
  for (let over = tableWidth(fit) - room; over > 0; over--) {
    const widest = fit.indexOf(Math.max(...fit));
    if ((fit[widest] ?? 0) <= LEAST_WIDTH) break;
    fit[widest] = (fit[widest] ?? 0) - 1;
  }
  return fit;
}

function lineText(cells: readonly SafeCell[], widths: readonly number[], paint: Paint): string {
  return cells
    .map(({ text, colour }, column) => {
      const width = widths[column] ?? 0;
      const shown = cut(text, width);
      return paint(colour, shown) + padded('', width - textWidth(shown));
    })
    .join(GAP)
    .trimEnd();
}

/** Unix ms as this machine's clock shows it, with its zone, such as `2026-03-01 09:30:00.250+09:00`; a dash for a time that no calendar has. */
export function timeText(ms: number | undefined): string {
  if (ms === undefined || !(Math.abs(ms) <= 8.64e15)) return '-';
  const minutes = -new Date(ms).getTimezoneOffset();
  const there = new Date(ms + minutes * 60_000);
  if (Number.isNaN(there.getTime())) return new Date(ms).toISOString();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.floor(Math.abs(minutes) % 60)];
  const zone = `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
  return `${there.toISOString().slice(0, -1).replace('T', ' ')}${zone}`;
}

function two(count: number): string {
  return String(count).padStart(2, '0');
}

/** `path` relative to `root` where it lies below it, else as it is. */
export function shortPath(path: string, root: string): string {
  const short = relative(root, path);
  return short === '' || short.startsWith('..') ? path : short;
}
