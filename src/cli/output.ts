/** The streams a command writes to. Data goes to stdout, messages to stderr. */
import { escape } from '../job/text.ts';

export { jsonText } from '../job/text.ts';

/** A stream a command writes to. */
export interface Output {
  readonly isTTY: boolean;
  /** How many characters a line of the terminal has; null where it is none. */
  readonly columns: number | null;
  /** True once nobody reads any more, or nothing can be written: what is written then is dropped. */
  readonly isClosed: boolean;
  write(text: string): void;
}

/** An output that knows whether it took everything. */
export interface CheckedOutput extends Output {
  /** Why something could not be written; null while all was. A reader that went away (`fsq ls | head -1`) is no failure. */
  failure(): Error | null;
}

/** @param open gives the stream when it is first needed: opening one takes a while */
export function outputTo(open: () => NodeJS.WriteStream): CheckedOutput {
  let stream: NodeJS.WriteStream | null = null;
  let failure: Error | null = null;
  let isClosed = false;
  const opened = (): NodeJS.WriteStream => {
    if (stream !== null) return stream;
    stream = open();
    stream.on('error', (error: NodeJS.ErrnoException) => {
      isClosed = true;
      if (error.code !== 'EPIPE') failure = error;
    });
    return stream;
  };
  return {
    get isTTY() {
      return opened().isTTY === true;
    },
    get columns() {
      return opened().isTTY === true ? opened().columns : null;
    },
    get isClosed() {
      return isClosed;
    },
    write: (text) => {
      if (!isClosed) opened().write(text);
    },
    failure: () => failure,
  };
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

/** The words of `text` in lines of at most `width` characters, where no word is longer. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
