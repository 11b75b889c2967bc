/** Hearing of files whose names say all, as in cancel/ and queues/: at once by a watch, surely by a poll, and again and again while there are any. */
import type { Files } from './files.ts';
import { DirectoryWatch, Poll } from './watch.ts';

/** What was found: empty when there are none. */
interface Found {
  readonly size: number;
}

/** A look may take a fifth of the time at most, however many events tell of changes: thousands come at once. */
const COST_FACTOR = 4;

export interface MarkerWatchOptions<T extends Found> {
  readonly directory: string;
  readonly read: () => T;
  /** Also told when there are none any more. */
  readonly onFound: (found: T) => void;
  readonly onTrouble: (error: unknown) => void;
}

export class MarkerWatch<T extends Found> {
  readonly #options: MarkerWatchOptions<T>;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  /** There were some at the last look, or it failed. */
  #hasOpen = false;
  /** When the next look is due that an event asks for, by performance.now(). */
  #nextLookAt = 0;
  #later: NodeJS.Timeout | null = null;

  constructor(files: Files, options: MarkerWatchOptions<T>) {
    this.#options = options;
    this.#watch = new DirectoryWatch(files, options.directory, () => this.#hear());
    this.#poll = new Poll(() => this.#look(false), false);
  }

  start(): void {
    this.#watch.open();
    this.#poll.start();
    this.#look(true);
  }

  stop(): void {
    this.#watch.close();
    this.#poll.stop();
    if (this.#later !== null) clearTimeout(this.#later);
  }

  /** At once, or when the last look is far enough back: what is heard until then is seen by one look. */
  #hear(): void {
    if (this.#later !== null) return;
    this.#poll.start();
    const inMs = this.#nextLookAt - performance.now();
    if (inMs <= 0) return this.#look(true);
    this.#later = setTimeout(() => {
      this.#later = null;
      this.#look(true);
    }, inMs).unref();
  }

  #look(isSure: boolean): void {
    const startedAt = performance.now();
    try {
      if (!this.#watch.hasChanged() && !this.#hasOpen && !isSure) return;
      const found = this.#options.read();
      const isNews = found.size > 0 || this.#hasOpen;
      this.#hasOpen = found.size > 0;
      if (isNews) this.#options.onFound(found);
    } catch (error) {
      this.#hasOpen = true;
      this.#options.onTrouble(error);
    }
    const endedAt = performance.now();
    this.#nextLookAt = endedAt + COST_FACTOR * (endedAt - startedAt);
  }
}
