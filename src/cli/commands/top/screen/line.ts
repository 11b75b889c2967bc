/** A line of the screen: pieces of text with their colours, cut to the width of a terminal. Pure. */
import { escape } from '../../../../job/text.ts';
import type { Colour, Paint } from '../../../terminal/colour.ts';
import { cut, padded, textWidth } from '../../../terminal/width.ts';

export interface Piece {
  /** Without anything that a terminal would obey. */
  readonly text: string;
  readonly colour: Colour | null;
}

export interface Line {
  readonly pieces: readonly Piece[];
  /** The line that keys are about: shown in reverse, to its end. */
  readonly isCursor: boolean;
}

/** What a program wrote or a person typed becomes harmless here, and nowhere else. */
export function piece(text: string, colour: Colour | null = null): Piece {
  return { text: escape(text), colour };
}

export function line(...pieces: readonly (Piece | string)[]): Line {
  return { pieces: pieces.map((one) => (typeof one === 'string' ? piece(one) : one)), isCursor: false };
}

export const EMPTY: Line = { pieces: [], isCursor: false };

export function lineWidth({ pieces }: Pick<Line, 'pieces'>): number {
  return pieces.reduce((sum, { text }) => sum + textWidth(text), 0);
}

/** `right` at the end of the line where there is room for it, else left out. */
export function withRight(left: Line, right: Line, columns: number): Line {
  const room = columns - lineWidth(left) - lineWidth(right);
  if (room < 2) return left;
  return { ...left, pieces: [...left.pieces, { text: ' '.repeat(room), colour: null }, ...right.pieces] };
}

/** As much of the line as fits into `columns`, with an ellipsis where some is missing. */
export function fitted({ pieces, isCursor }: Line, columns: number): Line {
  const found: Piece[] = [];
  let room = columns;
  for (const { text, colour } of pieces) {
    const width = textWidth(text);
    if (width <= room) found.push({ text, colour });
    else if (room > 0) found.push({ text: cut(text, room), colour });
    if (width > room) break;
    room -= width;
  }
  return { pieces: found, isCursor };
}

/** The line as it is written to a terminal of so many columns. */
export function lineText(of: Line, columns: number, paint: Paint): string {
  const { pieces, isCursor } = fitted(of, columns);
  if (!isCursor) return pieces.map(({ text, colour }) => paint(colour, text)).join('');
  return `\u001b[7m${padded(pieces.map(({ text }) => text).join(''), columns)}\u001b[0m`;
}
