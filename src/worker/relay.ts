/**
 * Passes the output of children on to the worker's own stdout and stderr.
 *
 * Children do not write there themselves: a pipe whose reader stands still would hold them up, a closed pipe would kill the
 * programs that tasks start, and any process that has the pipe can change whether a write waits. The worker always reads from
 * its children, and drops the lines that it cannot pass on. A terminal is inherited: programs ask whether they have one.
 */
import type { Readable } from 'node:stream';
import type { CutLine, Outlet } from './outlet.ts';

/** Longest part of a line that waits for the rest of it, bytes. */
const MAX_LINE_BYTES = 64 * 1024;

/** How much of a child's last words is kept while it starts, characters. */
const TAIL_LENGTH = 2_000;

/** How long after the children's end the rest of their output is waited for, ms: a process that a job left running may print for ever. */
const REST_MS = 200;

/** Where children's output goes; null: they inherit the worker's own stream. */
export interface Outlets {
  readonly stdout: Outlet | null;
  readonly stderr: Outlet | null;
}

const NEWLINE = 10;

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
