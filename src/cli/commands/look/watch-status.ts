/**
 * `fsq status --watch`: on a terminal the report is drawn again and again in place, off one the verdict has a line when it changes. Each
 * picture is one write, so nothing flickers; the cursor is not hidden and stands below the picture, so that no way to end leaves a terminal
 * that has to be mended.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { FsqError } from '../../../job/errors.ts';
import { escape, jsonText } from '../../../job/text.ts';
import type { Context, Output } from '../../command.ts';
import { EXIT, exitCodeOf } from '../../exit.ts';
import { type Colour, type Paint, painter } from '../../terminal/colour.ts';
import { wrapped } from '../../terminal/width.ts';
import type { StatusReport } from '../../../app/telling/status-report.ts';
import { statusText, verdictText } from './status-text.ts';

/** What a look came to: a report, or why there is none. */
export type Look = { readonly report: StatusReport } | { readonly trouble: string };

/**
 * Looks until nobody reads any more. A spool that goes meanwhile is told, and looked for again.
 *
 * @throws what the first look throws: nothing was there to be watched
 */
export async function watchStatus(
  context: Pick<Context, 'stdout' | 'values'>,
  everyMs: number,
  look: () => Promise<StatusReport>,
): Promise<number> {
  const { stdout, values } = context;
  const show = values.flag('json') ? jsonLines(stdout) : stdout.isTTY ? pictures(stdout) : verdictLines(stdout);
  show({ report: await look() }, Date.now());
  for (;;) {
    await wait(everyMs);
    if (stdout.isClosed) return EXIT.good;
    show(await lookAgain(look), Date.now());
  }
}

/** @throws what is no trouble of the spool */
async function lookAgain(look: () => Promise<StatusReport>): Promise<Look> {
  try {
    return { report: await look() };
  } catch (error) {
    if (!(error instanceof FsqError) || exitCodeOf(error) !== EXIT.spoolUnusable) throw error;
    return { trouble: `${error.message} (${error.code})` };
  }
}

type Show = (look: Look, nowMs: number) => void;

function jsonLines(stdout: Output): Show {
  return (look) =>
    stdout.write(
      `${jsonText('report' in look ? look.report : { verdict: { status: 'unknown', code: null, text: look.trouble, problems: [] } })}\n`,
    );
}

/** What a log gets: a line when the verdict is another one. */
function verdictLines(stdout: Output): Show {
  let last = '';
  return (look, nowMs) => {
    const text =
      'report' in look ? verdictText(look.report.verdict, painter(stdout.hasColours)) : unknownText(look.trouble);
    if (text === last) return;
    last = text;
    stdout.write(`${new Date(nowMs).toISOString()} ${text}\n`);
  };
}

function pictures(stdout: Output): Show {
  const paint = painter(stdout.hasColours);
  const size = (): { readonly columns: number; readonly rows: number } => ({
    columns: stdout.columns ?? 80,
    rows: process.stdout.rows ?? 24,
  });
  const screen = new Picture(
    (text) => stdout.write(text),
    size,
    (line) => painted(line, paint),
  );
  let lines: readonly string[] = [];
  process.stdout.on('resize', () => screen.redraw(lines));
  process.on('SIGCONT', () => screen.redraw(lines));
  return (look, nowMs) => {
    const text = 'report' in look ? statusText(look.report, nowMs) : unknownText(look.trouble);
    lines = [...text.trimEnd().split('\n'), '', `at ${new Date(nowMs).toISOString()}; Ctrl-C ends`];
    screen.draw(lines);
  };
}

function unknownText(trouble: string): string {
  return `UNKNOWN ${escape(trouble)}`;
}

const COLOURS: Readonly<Record<string, Colour>> = { OK: 'green', WARNING: 'yellow', CRITICAL: 'red', UNKNOWN: 'red' };

/** The first word of the verdict: after a line is wrapped, because colours have no width. */
function painted(line: string, paint: Paint): string {
  const [word = ''] = line.split(' ', 1);
  const colour = COLOURS[word];
  return colour === undefined ? line : paint(colour, word) + line.slice(word.length);
}

/** Lines that are drawn over those before them. */
export class Picture {
  readonly #write: (text: string) => void;
  readonly #size: () => { readonly columns: number; readonly rows: number };
  readonly #paint: (line: string) => string;
  #height = 0;

  /** @param paint of each line, after it was wrapped */
  constructor(
    write: (text: string) => void,
    size: () => { readonly columns: number; readonly rows: number },
    paint: (line: string) => string = (line) => line,
  ) {
    this.#write = write;
    this.#size = size;
    this.#paint = paint;
  }

  draw(lines: readonly string[]): void {
    this.#show(this.#height === 0 ? '' : `\u001b[${this.#height}A\r`, lines);
  }

  /** The terminal has another size, or another program has written to it: where the old picture stands is not known. */
  redraw(lines: readonly string[]): void {
    this.#show('\u001b[2J\u001b[H', lines);
  }

  /** The last row stays free: the cursor stands there, and nothing scrolls. */
  #show(before: string, lines: readonly string[]): void {
    const { columns, rows } = this.#size();
    const fitting = lines.flatMap((line) => wrapped(line, Math.max(1, columns - 1))).slice(0, Math.max(1, rows - 1));
    this.#height = fitting.length;
    this.#write(`${before}${fitting.map((line) => `${this.#paint(line)}\u001b[K\n`).join('')}\u001b[J`);
  }
}
