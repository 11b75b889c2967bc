/**
 * Streams for lines that nothing may depend on, such as those of a log, and of what tasks and their processes print: a disk may be full,
 * a pipe closed, a reader slow for ever. A line that cannot be written is dropped and counted.
 */
import { reasonOf } from '../job/values/realm.ts';

/** How much may wait for a slow reader, bytes: some thousand lines of a log. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Is told how many lines were dropped, when the stream takes something again. */
type TellLost = (lines: number, why: string) => void;

/** A line that is written in pieces: however many are dropped, one line is lost. */
export interface CutLine {
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

type Destination = NodeJS.WritableStream & { readonly writableLength: number; readonly writableHighWaterMark: number };
type Chunk = string | Uint8Array;

/**
 * Has all that this process writes to `stream`, such as a task's `console.log`, go through an outlet: no write throws, and none
 * ends the process.
 *
 * @param to where it goes in the place of `stream`
 * @param hear is given each chunk as well
 * @returns writes a chunk as any other, and `hear` is not given it
 */
export function tame(
  stream: NodeJS.WriteStream,
  tellLost: TellLost,
  to: Destination = stream,
  hear: (chunk: Chunk) => void = () => undefined,
): (chunk: Chunk) => void {
  const outlet = new Outlet(to, tellLost);
  const plain = stream.write.bind(stream);
  const write = (chunk: unknown, ...rest: readonly unknown[]): boolean => {
    // A chunk of a wrong type is the caller's mistake: Node.js refuses it.
    if (typeof chunk !== 'string' && !isBytes(chunk)) return Reflect.apply(plain, undefined, [chunk, ...rest]) === true;
    const done = rest.find((one): one is () => void => typeof one === 'function');
    const encoding = typeof rest[0] === 'string' && Buffer.isEncoding(rest[0]) ? rest[0] : 'utf8';
    const text = typeof chunk === 'string' && encoding !== 'utf8' ? Buffer.from(chunk, encoding) : chunk;
    outlet.write(text, done);
    hear(text);
    return to.writableLength < to.writableHighWaterMark;
  };
  stream.write = write;
  return (chunk) => outlet.write(chunk);
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
