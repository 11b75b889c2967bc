/** How somebody watches a drain: a terminal, on which a line is drawn again and again, or a log, which gets a line now and then. */
import type { Outlet } from '../../../worker/outlet.ts';
import { painter } from '../../terminal/colour.ts';
import { cut } from '../../terminal/width.ts';
import { type Live, liveText, stepText, troubleBlock, troubleLine } from './lines.ts';
import type { Trouble } from './report.ts';

/** The line is drawn at most so often, ms: ten times a second is as fast as one reads. */
const DRAW_EVERY_MS = 100;
/** How often a log gets a line, ms. */
const LINE_EVERY_MS = 30_000;

/** Narrower terminals do not say how wide they are. */
const LEAST_COLUMNS = 20;
const USUAL_COLUMNS = 80;

const TO_BEGINNING_AND_CLEAR = '\r\u001b[K';

export interface View {
  /** True where one line is drawn again and again. */
  readonly isTerminal: boolean;
  /** True where each failure is shown whole as it comes: the summary need not repeat it to the same reader. */
  readonly showsWhole: boolean;
  /** How often `live` is to be called, ms. */
  readonly everyMs: number;
  live(live: Live, tookMs: number): void;
  trouble(trouble: Trouble): void;
  say(lines: readonly string[]): void;
  /** Nothing more is shown, and nothing is left of the line. */
  close(): void;
}

interface LogViewOptions {
  /** It gets failures only. */
  readonly isQuiet: boolean;
  /** It gets failures with the end of their output. */
  readonly showsWhole: boolean;
  /** Changes lines in which the reader would obey something. */
  readonly harmless: (line: string) => string;
}

export function logView(outlet: Outlet, { isQuiet, showsWhole, harmless }: LogViewOptions): View {
  const say = (lines: readonly string[]): void => outlet.write(lines.map((line) => `${harmless(line)}\n`).join(''));
  return {
    isTerminal: false,
    showsWhole,
    everyMs: LINE_EVERY_MS,
    live: (live, tookMs) => (isQuiet ? undefined : say([stepText(live, tookMs)])),
    trouble: (trouble) => say(showsWhole ? troubleBlock(trouble) : [troubleLine(trouble)]),
    say,
    close: () => undefined,
  };
}

export function terminalView(stream: NodeJS.WriteStream, outlet: Outlet, hasColours: boolean): View {
  const paint = painter(hasColours);
  const screen = new Screen({
    get columns() {
      const { columns = 0 } = stream;
      return columns < LEAST_COLUMNS ? (columns === 0 ? USUAL_COLUMNS : LEAST_COLUMNS) : columns;
    },
    get isBehind() {
      return stream.writableLength > 0;
    },
    write: (text) => outlet.write(text),
  });
  const redraw = (): void => screen.redraw();
  stream.on('resize', redraw);
  // After Ctrl-Z and `fg` the shell's lines stand where the line was.
  process.on('SIGCONT', redraw);
  return {
    isTerminal: true,
    showsWhole: true,
    everyMs: DRAW_EVERY_MS,
    live: (live) => screen.draw(liveText(live)),
    trouble: (trouble) => {
      const [first = '', ...rest] = troubleBlock(trouble);
      screen.above([paint('red', first), ...rest]);
    },
    say: (lines) => screen.above(lines),
    close: () => {
      stream.off('resize', redraw);
      process.off('SIGCONT', redraw);
      screen.clear();
    },
  };
}

/** Where a line is drawn. */
export interface Terminal {
  /** Cells in a row. */
  readonly columns: number;
  /** True while a reader has not taken what was written: a line that is drawn later shows more. */
  readonly isBehind: boolean;
  write(text: string): void;
}

/**
 * A terminal on which one line is drawn again and again, below lines that stay. Each change is one write, so nothing flickers; the cursor is
 * neither hidden nor moved off the line, so that no way to end leaves a terminal that has to be mended.
 */
export class Screen {
  readonly #terminal: Terminal;
  #drawn = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows `line` in the place of the last one. */
  draw(line: string): void {
    const text = this.#fitting(line);
    if (text === this.#drawn || this.#terminal.isBehind) return;
    this.#terminal.write(`\r${text}\u001b[K`);
    this.#drawn = text;
  }

  /** Puts lines above it, where they stay. */
  above(lines: readonly string[]): void {
    const cleared = this.#drawn === '' ? '' : TO_BEGINNING_AND_CLEAR;
    this.#terminal.write(`${cleared}${lines.map((line) => `${line}\n`).join('')}${this.#drawn}`);
  }

  /** The terminal has another size, or another program has written to it: the line is drawn anew. */
  redraw(): void {
    const text = this.#fitting(this.#drawn);
    this.#drawn = '';
    if (text !== '') this.draw(text);
  }

  /** The line goes. */
  clear(): void {
    if (this.#drawn !== '') this.#terminal.write(TO_BEGINNING_AND_CLEAR);
    this.#drawn = '';
  }

  /** The last cell of a row stays free: some terminals break the line there. */
  #fitting(line: string): string {
    return cut(line, this.#terminal.columns - 1);
  }
}
