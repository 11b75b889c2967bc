/**
 * A watch of notes, which are files whose names say all, as in cancel/ and queues/. A file system watch tells of them at once, a
 * poll in any case. While there are any, the watcher tells of them again and again.
 */
import type { Files } from '../disk/files.ts';
import { DirectoryWatch, Poll } from '../disk/watch.ts';

/** What a look has found: of size 0 when there are no notes. */
interface Found {
  readonly size: number;
}

/** Looks take a fifth of the time at most, however many events come: thousands may come at once. */
const COST_FACTOR = 4;

export interface NoteWatchOptions<T extends Found> {
  readonly directory: string;
  readonly read: () => T;
  /** Called also when the last note has gone. */
  readonly onFound: (found: T) => void;
  readonly onTrouble: (error: unknown) => void;
}

export class NoteWatch<T extends Found> {
  readonly #options: NoteWatchOptions<T>;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  /** True when the last look found notes, or failed. */
  #hasOpen = false;
  /** The earliest time of a look that an event asks for, by performance.now(). */
  #nextLookAt = 0;
  #later: NodeJS.Timeout | null = null;

  constructor(files: Files, options: NoteWatchOptions<T>) {
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

  /** Looks at once, or when the last look is long enough ago. One look serves all events that come until then. */
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
