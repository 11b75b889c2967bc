/** A table in the width there is: columns that matter less go first, and what is too long is cut. Pure. */
import { escape } from '../../../../job/text.ts';
import { cut, padded, textWidth } from '../../../terminal/width.ts';
import { type Line, line, type Piece, piece } from './line.ts';

export interface Column {
  readonly title: string;
  /** Fewer cells than this, or than the title, make no sense. */
  readonly least: number;
  /** No more than this, however long its texts are; absent: as much as there is. */
  readonly most?: number;
  readonly isRight?: boolean;
  /** Columns of a higher rank go first where there is no room. */
  readonly rank: number;
}

export interface Table {
  readonly headings: Line;
  /** Each is made when it is shown: of many rows most are not. */
  readonly rows: readonly (() => Line)[];
}

/** What stands before a row: 'the cursor is here', 'marked'. */
export interface Mark {
  readonly isCursor: boolean;
  readonly isMarked: boolean;
}

const GAP = 2;
const BEFORE = 2;

/** @param rows the cells of each, with as many as there are columns */
export function tableLines(
  columns: readonly Column[],
  rows: readonly { readonly cells: readonly Piece[]; readonly mark: Mark }[],
  width: number,
): Table {
  const widths = widthsOf(
    columns.map((column, i) => ({
      ...column,
      natural: Math.max(textWidth(column.title), ...rows.map(({ cells }) => textWidth(cells[i]?.text ?? ''))),
    })),
    width - BEFORE,
  );
  const lineOf = (cells: readonly Piece[]): readonly Piece[] =>
    columns.flatMap(({ isRight = false }, i) => {
      const room = widths[i] ?? 0;
      const { text, colour } = cells[i] ?? piece('');
      if (room === 0) return [];
      return [{ text: padded(cut(text, room), room, isRight ? 'right' : 'left'), colour }, piece(' '.repeat(GAP))];
    });
  return {
    headings: line(
      ' '.repeat(BEFORE),
      ...lineOf(columns.map(({ title }) => ({ text: escape(title), colour: 'dim' as const }))),
    ),
    rows: rows.map(({ cells, mark }) => () => ({
      pieces: [piece(`${mark.isCursor ? '>' : ' '}${mark.isMarked ? '*' : ' '}`), ...lineOf(cells)],
      isCursor: mark.isCursor,
    })),
  };
}

/** Cells of each column; 0 for one that is left out. */
function widthsOf(columns: readonly (Column & { readonly natural: number })[], width: number): readonly number[] {
  const wanted = columns.map(({ natural, most = Number.POSITIVE_INFINITY }) => Math.min(natural, most));
  const least = columns.map(({ least: few, title }, i) => Math.min(Math.max(few, textWidth(title)), wanted[i] ?? 0));
  const byRank = columns.map((_, i) => i).toSorted((a, b) => (columns[a]?.rank ?? 0) - (columns[b]?.rank ?? 0));
  const kept = new Set(byRank);
  const taken = (): number => [...kept].reduce((sum, i) => sum + (least[i] ?? 0) + GAP, -GAP);
  while (kept.size > 1 && taken() > width) kept.delete(byRank[kept.size - 1] ?? 0);
  let room = width - taken();
  const widths = columns.map((_, i) => (kept.has(i) ? (least[i] ?? 0) : 0));
  // What is short is shown whole, before what is long gets the rest.
  for (const i of byRank.toSorted((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0))) {
    if (!kept.has(i)) continue;
    const more = Math.max(0, Math.min(room, (wanted[i] ?? 0) - (widths[i] ?? 0)));
    widths[i] = (widths[i] ?? 0) + more;
    room -= more;
  }
  return widths;
}
