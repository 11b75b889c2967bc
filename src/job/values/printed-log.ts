/**
 * What the runs of a job print, on its way into the job's log, line by line. The log is limited:
 *
 *   begun ──the log is nearly full──► full: only the last lines are kept, in memory, and written when the run ends
 *     └──────────the log fails───────────┴──► off: nothing more is written
 */
import { size, some } from '../text.ts';
import { lineEnds, logText, type LogStream, MAX_LINE_LENGTH, printedLines } from './log-lines.ts';

/** What of the log may be full before only last lines are kept. */
const HEAD_SHARE = 0.75;
/** How much of a large chunk is made into lines at a time, characters: the beginning of the log is filled up to so much. */
const PIECE_LENGTH = 4 * 1024;

/** Where the lines go. Whatever it throws, the log is off then. */
export interface LogSink {
  /** How much the log holds, bytes. The first call of this or of `append` begins the part of this run. */
  sizeBytes(): number;
  /** Whole lines. */
  append(text: string): void;
  /** Nothing more comes. Also called where nothing has come. */
  close(): void;
}

interface PrintedLogOptions {
  /** How large the log may become. */
  readonly maxBytes: number;
  readonly nowMs: () => number;
  /** Nothing more is kept. */
  readonly onFailed: (error: unknown) => void;
}

type Printed = 'stdout' | 'stderr';

/** Of one run. */
export class PrintedLog {
  readonly #sink: LogSink;
  readonly #options: PrintedLogOptions;
  #state: 'begun' | 'full' | 'off' = 'begun';
  /** What was printed behind the last end of line. */
  readonly #rests: Record<Printed, string> = { stdout: '', stderr: '' };
  readonly #decoders: Partial<Record<Printed, InstanceType<typeof TextDecoder>>> = {};
  readonly #last: LastLines;

  constructor(sink: LogSink, options: PrintedLogOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#last = new LastLines(Math.floor(options.maxBytes * (1 - HEAD_SHARE)));
  }

  /** Never throws. */
  print(stream: Printed, chunk: string | Uint8Array): void {
    if (this.#state === 'off') return;
    const text = typeof chunk === 'string' ? chunk : this.#decoded(stream, chunk);
    let at = 0;
    for (; this.#state === 'begun' && at < text.length; at += PIECE_LENGTH)
      this.#take(stream, text.slice(at, at + PIECE_LENGTH));
    if (this.#state !== 'full' || at >= text.length) return;
    this.#last.add(stream, this.#rests[stream] + text.slice(at), this.#options.nowMs());
    this.#rests[stream] = '';
  }

  /** Something that fsq says. Never throws. */
  note(text: string): void {
    this.#tryTo(() => this.#say(text));
  }

  /** Writes what was held back. Nothing may be printed after this. Never throws. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#rests[stream];
      if (rest !== '') this.#write(stream, rest, this.#options.nowMs());
    }
    if (this.#state === 'full') this.#writeLast();
    this.#tryTo(() => this.#sink.close());
  }

  #decoded(stream: Printed, bytes: Uint8Array): string {
    return (this.#decoders[stream] ??= new TextDecoder('utf-8', { ignoreBOM: true })).decode(bytes, { stream: true });
  }

  #take(stream: Printed, piece: string): void {
    const text = this.#rests[stream] + piece;
    const end = text.lastIndexOf('\n') + 1;
    const cut = end === 0 && text.length > MAX_LINE_LENGTH ? text.length : end;
    this.#rests[stream] = text.slice(cut);
    if (cut > 0) this.#write(stream, text.slice(0, cut), this.#options.nowMs());
  }

  #write(stream: Printed, text: string, atMs: number): void {
    if (this.#state === 'full') return this.#last.add(stream, text, atMs);
    const lines = linesOf(stream, text, atMs);
    this.#tryTo(() => {
      if (this.#sink.sizeBytes() + Buffer.byteLength(lines) > this.#options.maxBytes * HEAD_SHARE) {
        this.#state = 'full';
        this.#last.add(stream, text, atMs);
        const kept = size(this.#last.maxLength);
        this.#say(`the log is nearly full: of what follows, the last ${kept} are written at the end of the run`);
      } else this.#sink.append(lines);
    });
  }

  #writeLast(): void {
    const { leftOut } = this.#last;
    const texts = this.#last.whole();
    this.#tryTo(() => {
      const what = `${some(leftOut.lines, 'line')} (${size(leftOut.length)}) left out here`;
      if (leftOut.length > 0) this.#say(what);
      const lines = Buffer.from(texts.map(({ stream, text, atMs }) => linesOf(stream, text, atMs)).join(''));
      const room = Math.max(0, this.#options.maxBytes - this.#sink.sizeBytes());
      // From the beginning of a line on: what was printed has become longer with its times.
      const from = lines.length <= room ? 0 : lines.indexOf(10, lines.length - room) + 1;
      if (room > 0 && (from > 0 || lines.length <= room)) this.#sink.append(lines.toString('utf8', from));
    });
  }

  #say(text: string): void {
    this.#sink.append(`${logText({ atMs: this.#options.nowMs(), stream: 'fsq', text })}\n`);
  }

  #tryTo(act: () => void): void {
    if (this.#state === 'off') return;
    try {
      act();
    } catch (error) {
      // A job does not fail because what it prints cannot be kept.
      this.#state = 'off';
      this.#closeQuietly();
      this.#options.onFailed(error);
    }
  }

  /** One error was told. A disk without room may have another: on NFS it is only the end of a file that says what was not written. */
  #closeQuietly(): void {
    try {
      this.#sink.close();
    } catch {
      // As said above.
    }
  }
}

/**
 * What stands at the beginning of a later run. Each run gets half of the room at least: what the last one prints is wanted most.
 *
 * @param clearedBytes how much of the log of the runs before went for it
 */
export function laterRunText(attempt: number, clearedBytes: number): string {
  const lost =
    clearedBytes > 0 ? `; the log of the attempts before (${size(clearedBytes)}) left no room and is gone` : '';
  return `attempt ${attempt}${lost}`;
}

/** More than this, and the log of the runs before goes. */
export function roomOfEarlierRuns(maxBytes: number): number {
  return maxBytes / 2;
}

function linesOf(stream: LogStream, text: string, atMs: number): string {
  return printedLines(text)
    .map((line) => `${logText({ atMs, stream, text: line })}\n`)
    .join('');
}

/** Shorter texts are joined with what follows at the same time, or in the same line, characters. */
const SMALL_LENGTH = 4_096;

interface PrintedText {
  readonly stream: Printed;
  text: string;
  readonly atMs: number;
}

/** The last of what is printed. As it came: it is made into lines only when it is known to be kept. */
class LastLines {
  readonly maxLength: number;
  readonly #texts: PrintedText[] = [];
  #length = 0;
  /** True when what is kept begins within a line. */
  #isCut = false;
  #leftOut = { lines: 0, length: 0 };

  constructor(maxLength: number) {
    this.maxLength = maxLength;
  }

  /** From the beginning of a line on, and each line in one text. */
  whole(): readonly PrintedText[] {
    const whole: PrintedText[] = [];
    for (const { ...next } of this.#texts) {
      const before = whole.at(-1);
      if (before?.stream === next.stream && !before.text.endsWith('\n')) before.text += next.text;
      else whole.push(next);
    }
    const [first] = whole;
    if (first !== undefined && this.#isCut) first.text = first.text.slice(first.text.indexOf('\n') + 1);
    return whole;
  }

  get leftOut(): { readonly lines: number; readonly length: number } {
    return this.#leftOut;
  }

  add(stream: Printed, text: string, atMs: number): void {
    const kept = text.length <= this.maxLength ? text : this.#endOf(text);
    const before = this.#texts.at(-1);
    const isMore = before?.stream === stream && (before.atMs === atMs || !before.text.endsWith('\n'));
    if (isMore && before.text.length < SMALL_LENGTH) before.text += kept;
    else this.#texts.push({ stream, text: kept, atMs });
    this.#length += kept.length;
    while (this.#length > this.maxLength && this.#texts.length > 1) this.#leave(this.#texts.shift()?.text ?? '');
  }

  /** A copy: a part of a string holds all of it in memory. */
  #endOf(text: string): string {
    const from = text.length - this.maxLength;
    const lineBegins = text.indexOf('\n', from) + 1;
    const cut = lineBegins === 0 ? from : lineBegins;
    this.#length += cut;
    this.#leave(text.slice(0, cut));
    return Buffer.from(text.slice(cut)).toString();
  }

  #leave(text: string): void {
    this.#isCut = !text.endsWith('\n');
    this.#length -= text.length;
    this.#leftOut = { lines: this.#leftOut.lines + lineEnds(text), length: this.#leftOut.length + text.length };
  }
}
