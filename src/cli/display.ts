/** Text for people, in lines and columns. Pure. */
import { relative } from 'node:path';
import { escape } from '../job/text.ts';

/** A line of facts; null where there is nothing to tell. */
export type Field = readonly [label: string, text: string | null];

/** Labels to the left, in `width` characters; every text is escaped. */
export function fieldLines(fields: readonly Field[], width: number = 9): readonly string[] {
  return fields.flatMap(([label, text]) => (text === null ? [] : `${label.padEnd(width)} ${escape(text)}`.trimEnd()));
}

/**
 * A table with a line of headings; every cell is escaped.
 *
 * @param width of a line; where the table is wider, its first column stands on lines of its own, above the others. Null: any
 */
export function tableText(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | null = null,
): string {
  const lines = [headings, ...rows.map((row) => row.map(escape))];
  const whole = alignedLines(lines);
  if (width === null || whole.every((line) => line.length <= width)) return whole.map((line) => `${line}\n`).join('');
  const rest = alignedLines(lines.map((line) => line.slice(1)));
  return lines.map(([first = ''], i) => `${first}\n  ${rest[i] ?? ''}\n`).join('');
}

function alignedLines(lines: readonly (readonly string[])[]): readonly string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Unix ms as ISO 8601, or a dash for a time that no calendar has. */
export function timeText(ms: number | undefined): string {
  return ms === undefined || !(Math.abs(ms) <= 8.64e15) ? '-' : new Date(ms).toISOString();
}

/** `path` relative to `root` where it lies below it, else as it is. */
export function shortPath(path: string, root: string): string {
  const short = relative(root, path);
  return short === '' || short.startsWith('..') ? path : short;
}
