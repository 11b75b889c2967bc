/** Passes on what children print, to the worker's own stdout and stderr, and tells apart what a child and what its processes print. */
import type { Readable } from 'node:stream';
import type { CutLine, Outlet } from './outlet.ts';

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

/** Descriptors of a child, behind the channel, for what it prints itself; null: it prints to its stdout, or stderr. */
export interface OwnDescriptors {
  readonly stdout: 4 | null;
  readonly stderr: 5 | null;
}

/** The streams of a child, by their descriptors. */
type ChildStreams = readonly unknown[];

/** Is given what a child has not printed itself: a process that it has started has, or Node.js. */
type HearOthers = (stream: 'stdout' | 'stderr', chunk: Buffer) => void;

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
  readonly #tellsApart: boolean;
  /** Streams that have not ended. */
  readonly #open = new Map<Readable, Promise<void>>();

  /** @param tellsApart what a child prints itself comes through streams of its own, so that what comes through others is its processes' */
  constructor(outlets: Outlets, tellsApart = false) {
    this.#outlets = outlets;
    this.#tellsApart = tellsApart;
  }

  /** For `stdio` of a child. */
  get stdio(): readonly ('pipe' | 'inherit' | 'ignore' | 'ipc')[] {
    const { stdout, stderr } = this.#outlets;
    const { own } = this;
    const streams = [stdout, stderr].map((outlet) => (outlet === null ? 'inherit' : 'pipe'));
    const itsOwn = [own.stdout, own.stderr].map((descriptor) => (descriptor === null ? 'ignore' : 'pipe'));
    return ['ignore', ...streams, 'ipc', ...(this.#tellsApart ? itsOwn : [])];
  }

  /** Where a child prints. */
  get own(): OwnDescriptors {
    const { stdout, stderr } = this.#outlets;
    return {
      stdout: stdout === null || !this.#tellsApart ? null : 4,
      stderr: stderr === null || !this.#tellsApart ? null : 5,
    };
  }

  /**
   * Passes on the output of a child.
   *
   * @param hearOthers where the relay tells apart
   * @returns gives the end of its stderr so far; after that call no more is kept
   */
  attach(streams: ChildStreams, hearOthers: HearOthers = () => undefined): () => string {
    const { stdout, stderr } = this.#outlets;
    let tail: string | null = '';
    const keepTail = (lines: Buffer): void => {
      if (tail !== null) tail = (tail + lines.toString('utf8')).slice(-TAIL_LENGTH);
    };
    const hear: HearOthers = this.#tellsApart ? hearOthers : () => undefined;
    const nobody = (): void => undefined;
    this.#pass(streams[1], stdout, nobody, (chunk) => hear('stdout', chunk));
    this.#pass(streams[2], stderr, keepTail, (chunk) => hear('stderr', chunk));
    this.#pass(streams[4], stdout, nobody, nobody);
    this.#pass(streams[5], stderr, keepTail, nobody);
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

  #pass(from: unknown, to: Outlet | null, see: (lines: Buffer) => void, hear: (chunk: Buffer) => void): void {
    if (to === null || !isReadable(from)) return;
    let rest: Buffer = Buffer.alloc(0);
    /** The line of which a piece has been passed on, and not its end. */
    let line: CutLine | null = null;
    const pass = (lines: Buffer): void => {
      if (lines.length === 0) return;
      see(lines);
      to.write(lines, undefined, line);
    };
    from.on('data', (chunk: Buffer) => {
      hear(chunk);
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

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'readable' in stream;
}
