/**
 * How wide a text stands on a terminal, in cells, and what follows from it: padding, cutting, wrapping. Pure.
 *
 * Wide and full-width characters take two cells (Unicode Standard Annex 11), marks none, an emoji two however many characters make it up;
 * those of ambiguous width take one, as terminals have it unless somebody sets them otherwise. Texts are escaped before.
 */
import { eastAsianWidth } from 'get-east-asian-width';

/** One cell for each character: nearly all that is ever shown. */
const PLAIN = /^[\u0020-\u007e]*$/;

/** Takes no cell of its own: marks, joiners, and the vowels and endings of a Korean syllable. The soft hyphen is one that terminals show. */
const WITHOUT_CELL = /^(?!\u00ad)[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff\ud7b0-\ud7fb]$/u;

/** Characters that make one picture: a flag, a keycap, or an emoji with its presentation, skin or companions. */
const EMOJI_OF_SEVERAL =
  /^(?:\p{Regional_Indicator}{2}|\p{Emoji}\ufe0f|\p{Extended_Pictographic}\ufe0f?(?:\u200d|\p{Emoji_Modifier}))/u;

let segmenter: Intl.Segmenter | null = null;

function graphemesOf(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** Cells that `text` takes in a line. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (EMOJI_OF_SEVERAL.test(grapheme)) return 2;
  let width = 0;
  for (const char of grapheme) if (!WITHOUT_CELL.test(char)) width += eastAsianWidth(char.codePointAt(0) ?? 0);
  return width;
}

/** `text` with blanks behind it, or before it, up to `width` cells. */
export function padded(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return side === 'left' ? text + blanks : blanks + text;
}

/** `text` if it fits into `width` cells, else as much of its beginning as fits with an ellipsis. */
export function cut(text: string, width: number): string {
  if (text.length <= width && PLAIN.test(text)) return text;
  const room = width - 1; // For the ellipsis.
  let taken = 0;
  let end = 0;
  let cutAt = 0;
  for (const { segment } of graphemesOf(text)) {
    taken += graphemeWidth(segment);
    end += segment.length;
    if (taken <= room) cutAt = end;
    if (taken > width) return width < 1 ? '' : `${text.slice(0, cutAt)}…`;
  }
  return text;
}

/** The words of `text` in lines of at most `width` cells; a word that is wider goes on in the next line. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(last) + 1 + textWidth(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...pieces(word, width));
  }
  return lines;
}

function pieces(word: string, width: number): readonly string[] {
  if (textWidth(word) <= width) return [word];
  const found = [''];
  let taken = 0;
  for (const { segment } of graphemesOf(word)) {
    taken += graphemeWidth(segment);
    if (taken <= width || found.at(-1) === '') found.push((found.pop() ?? '') + segment);
    else {
      found.push(segment);
      taken = graphemeWidth(segment);
    }
  }
  return found;
}
