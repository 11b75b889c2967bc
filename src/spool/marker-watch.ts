/** Hearing of files whose names say all, as in cancel/ and queues/: at once by a watch, surely by a poll, and again and again while there are any. */
import type { Files } from './files.ts';
import { DirectoryWatch, Poll } from './watch.ts';

/** What was found: empty when there are none. */
interface Found {
  readonly size: number;
}

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
  }

  #hear(): void {
    this.#poll.start();
    this.#look(true);
  }

  #look(isSure: boolean): void {
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
  }
}
