/**
 * The terminal: its whole screen while it is open, and as it was before whatever ends the program. Nobody else writes to it meanwhile.
 *
 * ```text
 * closed ──open()──▶ open ◀──SIGCONT── suspended      gone: nobody is there any more, so nothing is written
 *    ▲                 │ ├─SIGTSTP────────▲
 *    └──────close()────┘ └──EIO, end of input──▶ gone
 * ```
 */
import { type Input, readKeys } from './keys.ts';

/** Another screen beside the one with the shell's lines, no cursor, no wrapping of what is too wide, and pasted text is told from keys. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?2004h\u001b[2J';
const LEAVE = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[0m\u001b[?1049l';
/** The terminal shows what stands between these at once, if it knows them; others ignore them. */
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';

/** After an ESC the rest of its sequence comes within this time, ms, also over a slow line. */
const ESCAPE_MS = 60;

/** A process that is to stop has stopped within this time, ms, in which it runs. */
const NOT_STOPPED_MS = 100;

const ENDING = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export interface TerminalEvents {
  input(input: Input): void;
  /** The screen is another one: of another size, or shown again. */
  changed(size: { readonly columns: number; readonly rows: number }): void;
  /** A signal, or a terminal that went away, ends the program with this exit code. */
  end(code: number): void;
}

/** The parts of a process's terminal that are used here. */
export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

export class Terminal {
  readonly #streams: TerminalStreams;
  readonly #events: TerminalEvents;
  readonly #listeners: readonly (() => void)[];
  #state: 'closed' | 'open' | 'suspended' | 'gone' = 'closed';
  /** The lines on the screen. */
  #shown: readonly string[] = [];
  /** The beginning of a key's sequence. */
  #rest = '';
  #escapeTimer: NodeJS.Timeout | undefined;
  readonly #stop = (): void => this.suspend(false);

  constructor(streams: TerminalStreams, events: TerminalEvents) {
    this.#streams = streams;
    this.#events = events;
    this.#listeners = this.#listen();
    this.#open();
  }

  /** Shows these lines, in one write of those that are not there yet. A terminal that is behind gets a later frame. */
  draw(lines: readonly string[]): void {
    const { stdout } = this.#streams;
    if (this.#state !== 'open' || stdout.writableLength > 0) return;
    const changes = frameText(this.#shown, lines);
    if (changes !== '') stdout.write(BEGIN_FRAME + changes + END_FRAME);
    this.#shown = lines;
  }

  /**
   * Gives the terminal back and stops the process; SIGCONT, which `fg` sends, goes on. Where no shell could continue it, the system does
   * not stop it, and it goes on at once.
   *
   * @param whole the whole job of the shell, as Ctrl-Z does where the terminal reads that key itself
   */
  suspend(whole: boolean): void {
    if (this.#state !== 'open') return;
    this.#leave('suspended');
    process.off('SIGTSTP', this.#stop);
    process.kill(whole ? 0 : process.pid, 'SIGTSTP');
    setTimeout(() => (this.#state === 'suspended' ? this.#open() : undefined), NOT_STOPPED_MS);
  }

  close(): void {
    for (const stop of this.#listeners) stop();
    clearTimeout(this.#escapeTimer);
    if (this.#state === 'open') this.#leave('closed');
    this.#streams.stdin.pause();
  }

  #listen(): readonly (() => void)[] {
    const { stdin, stdout } = this.#streams;
    stdin.setEncoding('utf8');
    const gone = (): void => this.#gone();
    const signals = Object.entries(ENDING).map(([signal, code]): readonly [string, () => void] => [
      signal,
      () => this.#events.end(code),
    ]);
    return [
      on(stdin, 'data', (text) => this.#hear(String(text))),
      on(stdin, 'end', gone),
      on(stdin, 'error', gone),
      on(stdout, 'error', gone),
      on(stdout, 'resize', () => this.#afresh()),
      on(process, 'SIGTSTP', this.#stop),
      on(process, 'SIGCONT', () => this.#open()),
      // However the process ends, the shell gets its screen back.
      on(process, 'exit', () => this.#leave('closed')),
      ...signals.map(([signal, end]) => on(process, signal, end)),
    ];
  }

  /** Also after a SIGSTOP, of which nobody was told: the shell has set the terminal to its own ways meanwhile. */
  #open(): void {
    if (this.#state === 'gone') return;
    const { stdin, stdout } = this.#streams;
    if (this.#state === 'suspended') process.on('SIGTSTP', this.#stop);
    stdin.setRawMode(false);
    stdin.setRawMode(true);
    stdin.resume();
    this.#state = 'open';
    stdout.write(ENTER);
    this.#afresh();
  }

  /** Draws all lines anew: another program may have written between them. */
  redraw(): void {
    this.#afresh();
  }

  #afresh(): void {
    if (this.#state !== 'open') return;
    const { stdout } = this.#streams;
    this.#shown = [];
    stdout.write('\u001b[2J');
    // A terminal that does not know its size says 0.
    this.#events.changed({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  }

  #leave(state: 'closed' | 'suspended'): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    const { stdin, stdout } = this.#streams;
    // Node.js writes to a terminal at once: it has this even when the process exits now.
    stdout.write(LEAVE);
    stdin.setRawMode(false);
  }

  #gone(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#events.end(ENDING.SIGHUP);
  }

  #hear(text: string): void {
    clearTimeout(this.#escapeTimer);
    const { inputs, rest } = readKeys(this.#rest + text);
    this.#rest = rest;
    if (rest === '\u001b') this.#escapeTimer = setTimeout(() => this.#escape(), ESCAPE_MS);
    for (const input of inputs) this.#events.input(input);
  }

  /** Nothing came after an ESC: it was the key. */
  #escape(): void {
    this.#rest = '';
    this.#events.input({ kind: 'key', key: 'escape' });
  }
}

/** What makes `lines` of the lines that are shown; empty where nothing has changed. */
export function frameText(shown: readonly string[], lines: readonly string[]): string {
  const count = Math.max(shown.length, lines.length);
  let text = '';
  for (let row = 0; row < count; row++) {
    const wanted = lines[row] ?? '';
    // Erased first: behind a line that fills the row, the cursor stands on its last character.
    if (wanted !== (shown[row] ?? '')) text += `\u001b[${row + 1};1H\u001b[K${wanted}`;
  }
  return text;
}

/** @returns ends it */
function on(emitter: NodeJS.EventEmitter, event: string, listener: (value: unknown) => void): () => void {
  emitter.on(event, listener);
  return () => void emitter.off(event, listener);
}
