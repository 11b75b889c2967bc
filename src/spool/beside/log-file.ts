/**
 * What the runs of a job print, in logs/<id>.log: appended line by line as it is printed, so that the death of the process loses nothing
 * but what it held back. Never synced.
 *
 *   begun ──the log is nearly full──► full: only the last lines are kept, in memory, and written when the run ends
 *     └───────────the disk refuses────────┴──► off: nothing more is written
 */
import { lineEnds, logText, type LogStream, MAX_LINE_LENGTH, printedLines } from '../../job/values/log-lines.ts';
import { size, some } from '../../job/text.ts';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { createNew, makeDirectory } from '../disk/if-there.ts';
import { besidePath } from '../layout.ts';

/** What of the log may be full before only last lines are kept. */
const HEAD_SHARE = 0.75;
/** How much of a large chunk is made into lines at a time, characters: the beginning of the log is filled up to so much. */
const PIECE_LENGTH = 4 * 1024;

/** Of which run it is, and how large the log may become. */
export interface PrintingRun {
  readonly id: string;
  readonly attempt: number;
  readonly maxBytes: number;
  readonly onEvent?: ((event: BrokerEvent) => void) | undefined;
}

type Printed = 'stdout' | 'stderr';

export class LogFile {
  readonly #context: SpoolContext;
  readonly #run: PrintingRun;
  #state: 'begun' | 'full' | 'off' = 'begun';
  /** Null until something is to be written. */
  #fd: number | null = null;
  /** What was printed behind the last end of line. */
  readonly #rests: Record<Printed, string> = { stdout: '', stderr: '' };
  readonly #decoders: Partial<Record<Printed, InstanceType<typeof TextDecoder>>> = {};
  readonly #last: LastLines;

  constructor(context: SpoolContext, run: PrintingRun) {
    this.#context = context;
    this.#run = run;
    this.#last = new LastLines(Math.floor(run.maxBytes * (1 - HEAD_SHARE)));
  }

  /** Never throws. */
  print(stream: Printed, chunk: string | Uint8Array): void {
    if (this.#state === 'off') return;
    const text = typeof chunk === 'string' ? chunk : this.#decoded(stream, chunk);
    let at = 0;
    for (; this.#state === 'begun' && at < text.length; at += PIECE_LENGTH)
      this.#take(stream, text.slice(at, at + PIECE_LENGTH));
    if (this.#state !== 'full' || at >= text.length) return;
    this.#last.add(stream, this.#rests[stream] + text.slice(at), this.#context.nowMs());
    this.#rests[stream] = '';
  }

  /** Something that fsq says. Never throws. */
  note(text: string): void {
    this.#tryTo((fd) => this.#append(fd, this.#say(text)));
  }

  /** Writes what was held back. Nothing may be printed after this. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#rests[stream];
      if (rest !== '') this.#write(stream, rest, this.#context.nowMs());
    }
    if (this.#state === 'full') this.#writeLast();
    this.#close();
  }

  #decoded(stream: Printed, bytes: Uint8Array): string {
    return (this.#decoders[stream] ??= new TextDecoder('utf-8', { ignoreBOM: true })).decode(bytes, { stream: true });
  }

  #take(stream: Printed, piece: string): void {
    const text = this.#rests[stream] + piece;
    const end = text.lastIndexOf('\n') + 1;
    const cut = end === 0 && text.length > MAX_LINE_LENGTH ? text.length : end;
    this.#rests[stream] = text.slice(cut);
    if (cut > 0) this.#write(stream, text.slice(0, cut), this.#context.nowMs());
  }

  #write(stream: Printed, text: string, atMs: number): void {
    if (this.#state === 'full') return this.#last.add(stream, text, atMs);
    const bytes = Buffer.from(linesOf(stream, text, atMs));
    this.#tryTo((fd) => {
      if (this.#context.files.info(fd).sizeBytes + bytes.length > this.#run.maxBytes * HEAD_SHARE) {
        this.#state = 'full';
        this.#last.add(stream, text, atMs);
        const kept = size(this.#last.maxLength);
        this.#append(
          fd,
          this.#say(`the log is nearly full: of what follows, the last ${kept} are written at the end of the run`),
        );
      } else this.#append(fd, bytes);
    });
  }

  #writeLast(): void {
    const { leftOut } = this.#last;
    const texts = this.#last.whole();
    this.#tryTo((fd) => {
      const what = `${some(leftOut.lines, 'line')} (${size(leftOut.length)}) left out here`;
      if (leftOut.length > 0) this.#append(fd, this.#say(what));
      const lines = Buffer.from(texts.map(({ stream, text, atMs }) => linesOf(stream, text, atMs)).join(''));
      const room = Math.max(0, this.#run.maxBytes - this.#context.files.info(fd).sizeBytes);
      // From the beginning of a line on: what was printed has become longer with its times.
      const from = lines.length <= room ? 0 : lines.indexOf(10, lines.length - room) + 1;
      if (room > 0 && (from > 0 || lines.length <= room)) this.#append(fd, lines.subarray(from));
    });
  }

  #say(text: string): Buffer {
    return Buffer.from(`${logText({ atMs: this.#context.nowMs(), stream: 'fsq', text })}\n`);
  }

  #tryTo(act: (fd: number) => void): void {
    if (this.#state === 'off') return;
    try {
      act((this.#fd ??= this.#open()));
    } catch (error) {
      // A job does not fail because what it prints cannot be kept.
      this.#state = 'off';
      this.#close();
      this.#run.onEvent?.({ kind: 'unlogged', id: this.#run.id, error });
    }
  }

  #open(): number {
    const { files, layout } = this.#context;
    const { id, attempt, maxBytes } = this.#run;
    const path = besidePath(layout, 'logs', id);
    const fd = openToAppend(this.#context, path);
    this.#fd = fd;
    const before = files.info(fd).sizeBytes;
    // Each run gets half of the room at least: what the last one prints is wanted most.
    const isFull = before > maxBytes / 2;
    if (attempt > 1 && isFull) files.truncate(fd, 0);
    const lost = isFull ? `; the log of the attempts before (${size(before)}) left no room and is gone` : '';
    if (attempt > 1) this.#append(fd, this.#say(`attempt ${attempt}${lost}`));
    return fd;
  }

  /** One write for all: what other processes append does not get in between. */
  #append(fd: number, bytes: Buffer): void {
    this.#context.files.write(fd, bytes, 0);
  }

  #close(): void {
    const fd = this.#fd;
    this.#fd = null;
    if (fd !== null) this.#context.files.close(fd);
  }
}

function linesOf(stream: LogStream, text: string, atMs: number): string {
  return printedLines(text)
    .map((line) => `${logText({ atMs, stream, text: line })}\n`)
    .join('');
}

function openToAppend(context: SpoolContext, path: string): number {
  const { files, layout } = context;
  try {
    return files.open(path, 'append');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  try {
    createNew(files, path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    makeDirectory(files, layout.logs);
    createNew(files, path);
  }
  return files.open(path, 'append');
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
