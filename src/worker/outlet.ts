/**
 * Streams for lines that nothing may depend on, such as those of a log, and of what tasks and their processes print: a disk may be full,
 * a pipe closed, a reader slow for ever. A line that cannot be written is dropped and counted.
 */
import type { Readable } from 'node:stream';
import { reasonOf } from '../job/values/realm.ts';

/** How much may wait for a slow reader, bytes: some thousand lines of a log. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Is told how many lines were dropped, when the stream takes something again. */
type TellLost = (lines: number, why: string) => void;

/** A line that is written in pieces: however many are dropped, one line is lost. */
interface CutLine {
  isLost: boolean;
}

type Done = (error?: Error | null) => void;

/** Writing never throws, never waits, and keeps a bounded number of bytes. */
export class Outlet {
  readonly #stream: NodeJS.WritableStream & { readonly writableLength: number };
  readonly #write: (chunk: string | Uint8Array, done: Done) => unknown;
  readonly #tellLost: TellLost;
  #lost = 0;
  #why = '';
  /** Called when nothing waits any more. */
  #flushed: (() => void) | null = null;

  constructor(stream: NodeJS.WritableStream & { readonly writableLength: number }, tellLost: TellLost) {
    this.#stream = stream;
    this.#write = stream.write.bind(stream);
    this.#tellLost = tellLost;
    // Each failure is told to the callback of its write as well.
    stream.on('error', () => undefined);
  }

  /**
   * @param done called once it is written or dropped
   * @param cut the line of which the chunk, or its beginning, is a piece
   */
  write(chunk: string | Uint8Array, done: () => void = () => undefined, cut: CutLine | null = null): void {
    if (this.#stream.writableLength >= MAX_WAITING_BYTES) {
      this.#drop(chunk, cut, 'its reader stands still');
      return void process.nextTick(done);
    }
    try {
      this.#write(chunk, (error) => {
        if (error === null || error === undefined) this.#took();
        else this.#drop(chunk, cut, error.message);
        if (this.#stream.writableLength === 0) this.#flushed?.();
        done();
      });
    } catch (error) {
      // Of a file the write itself throws.
      this.#drop(chunk, cut, reasonOf(error));
      process.nextTick(done);
    }
  }

  /** Tells of lines that were dropped and not told of yet, although nobody knows whether the stream takes something now. */
  tellLast(): void {
    if (this.#lost > 0) this.#tell();
  }

  /** Waits until all is written, for at most `ms`. @returns false when something still waits */
  async flush(ms: number): Promise<boolean> {
    if (this.#stream.writableLength === 0) return true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#flushed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#flushed = null;
    return this.#stream.writableLength === 0;
  }

  #drop(chunk: string | Uint8Array, cut: CutLine | null, why: string): void {
    this.#lost += linesIn(chunk) - (cut?.isLost === true ? 1 : 0);
    if (cut !== null) cut.isLost = true;
    this.#why = why;
  }

  /** Waits until a slow reader has read half of the waiting bytes: else each of its next rests would be a line of its own. */
  #took(): void {
    if (this.#lost > 0 && this.#stream.writableLength <= MAX_WAITING_BYTES / 2) this.#tell();
  }

  #tell(): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.#tellLost(lost, this.#why);
  }
}

/**
 * Has all that this process writes to `stream`, such as a task's `console.log`, go through an outlet: no write throws, and none
 * ends the process.
 */
export function tame(stream: NodeJS.WriteStream, tellLost: TellLost): void {
  const outlet = new Outlet(stream, tellLost);
  const plain = stream.write.bind(stream);
  const write = (chunk: unknown, ...rest: readonly unknown[]): boolean => {
    // A chunk of a wrong type is the caller's mistake: Node.js refuses it.
    if (typeof chunk !== 'string' && !isBytes(chunk)) return Reflect.apply(plain, undefined, [chunk, ...rest]) === true;
    const done = rest.find((one): one is () => void => typeof one === 'function');
    const encoding = typeof rest[0] === 'string' && Buffer.isEncoding(rest[0]) ? rest[0] : 'utf8';
    outlet.write(typeof chunk === 'string' && encoding !== 'utf8' ? Buffer.from(chunk, encoding) : chunk, done);
    return stream.writableLength < stream.writableHighWaterMark;
  };
  stream.write = write;
}

/** Of any realm: a task may print bytes that come from node:vm. */
function isBytes(chunk: unknown): chunk is Uint8Array {
  return ArrayBuffer.isView(chunk) && Object.prototype.toString.call(chunk) === '[object Uint8Array]';
}

function linesIn(chunk: string | Uint8Array): number {
  let lines = 0;
  if (typeof chunk === 'string') for (let at = -1; (at = chunk.indexOf('\n', at + 1)) !== -1;) lines++;
  else for (let at = -1; (at = chunk.indexOf(10, at + 1)) !== -1;) lines++;
  return Math.max(1, lines);
}

/** Longest part of a line that waits for the rest of it, bytes. */
const MAX_LINE_BYTES = 64 * 1024;

/** How much of a child's last words is kept while it starts, characters. */
const TAIL_LENGTH = 2_000;

/** How long after the children's end the rest of their output is waited for, ms: a process that a job left running may print for ever. */
const REST_MS = 200;

/** Where children's output goes; null: they inherit the worker's own stream. */
interface Outlets {
  readonly stdout: Outlet | null;
  readonly stderr: Outlet | null;
}

const NEWLINE = 10;

/**
 * Passes the output of children on to the worker's own stdout and stderr.
 *
 * Children do not write there themselves: a pipe whose reader stands still would hold them up, a closed pipe would kill the
 * programs that tasks start, and any process that has the pipe can change whether a write waits. The worker always reads from
 * its children, and drops the lines that it cannot pass on. A terminal is inherited: programs ask whether they have one.
 */
export class Relay {
  readonly #outlets: Outlets;
  /** Streams that have not ended. */
  readonly #open = new Map<Readable, Promise<void>>();

  constructor(outlets: Outlets) {
    this.#outlets = outlets;
  }

  /** For `stdio` of a child. */
  get stdio(): readonly ['pipe' | 'inherit', 'pipe' | 'inherit'] {
    const { stdout, stderr } = this.#outlets;
    return [stdout === null ? 'inherit' : 'pipe', stderr === null ? 'inherit' : 'pipe'];
  }

  /**
   * Passes on the output of a child.
   *
   * @returns gives the end of its stderr so far; after that call no more is kept
   */
  attach(stdout: Readable | null, stderr: Readable | null): () => string {
    this.#pass(stdout, this.#outlets.stdout, () => undefined);
    let tail: string | null = '';
    this.#pass(stderr, this.#outlets.stderr, (lines) => {
      if (tail !== null) tail = (tail + lines.toString('utf8')).slice(-TAIL_LENGTH);
    });
    return () => {
      const kept = tail ?? '';
      tail = null;
      return kept;
    };
  }

  /** Passes on the rest; to be called when no child lives. */
  async finish(): Promise<void> {
    const late = setTimeout(() => this.#abandon(), REST_MS);
    await Promise.all(this.#open.values());
    clearTimeout(late);
  }

  #abandon(): void {
    for (const stream of this.#open.keys()) stream.destroy();
  }

  #pass(from: Readable | null, to: Outlet | null, see: (lines: Buffer) => void): void {
    if (from === null || to === null) return;
    let rest: Buffer = Buffer.alloc(0);
    /** The line of which a piece has been passed on, and not its end. */
    let line: CutLine | null = null;
    const pass = (lines: Buffer): void => {
      if (lines.length === 0) return;
      see(lines);
      to.write(lines, undefined, line);
    };
    from.on('data', (chunk: Buffer) => {
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      // Whole lines, so that those of several children do not mix.
      if (end > 0 || rest.length + chunk.length > MAX_LINE_BYTES) {
        const cut = end > 0 ? end : chunk.length;
        const lines = chunk.subarray(0, cut);
        if (end === 0) line ??= { isLost: false };
        pass(rest.length === 0 ? lines : Buffer.concat([rest, lines]));
        rest = chunk.subarray(cut);
        if (end > 0) line = null;
      } else rest = Buffer.concat([rest, chunk]);
    });
    const ended = new Promise<void>((resolve) => {
      from.on('error', () => undefined); // It is closed then.
      from.on('close', () => {
        pass(rest);
        this.#open.delete(from);
        resolve();
      });
    });
    this.#open.set(from, ended);
  }
}
