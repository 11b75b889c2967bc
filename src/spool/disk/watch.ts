/**
 * Changes in a directory: a watch tells of them soon, a poll finds them in any case.
 *
 * Watches lose events without an error (inotify(7): queue overflow, limits), so every user of a watch also polls. The mtime of the
 * directory makes a poll one stat.
 */
import type { DirectoryStamp, Files, Watch } from './files.ts';

/**
 * For so long after a change, a directory's mtime may stand still although names change, ms: one tick of the slowest kernel
 * clock, with room.
 */
export const RACY_MS = 30;

export class DirectoryWatch {
  readonly #files: Files;
  readonly #path: string;
  readonly #onEvent: (name: string | null) => void;
  #watch: Watch | null = null;
  #seen: DirectoryStamp | null = null;
  #seenAtMs = 0;

  constructor(files: Files, path: string, onEvent: (name: string | null) => void) {
    this.#files = files;
    this.#path = path;
    this.#onEvent = onEvent;
  }

  get isOpen(): boolean {
    return this.#watch !== null;
  }

  /** Starts the watch, where the system has one to give. Without it the poll alone decides how soon a change is seen. */
  open(): void {
    if (this.#watch !== null || process.env['FSQ_WATCH'] === '0') return;
    try {
      this.#watch = this.#files.watch(this.#path, this.#onEvent, () => this.close());
    } catch {
      this.#watch = null; // No inotify instances left, or none here at all: polling goes on.
    }
  }

  close(): void {
    this.#watch?.close();
    this.#watch = null;
  }

  /**
   * True if names may have changed since the last call. Call it before listing: a change during the listing is then seen
   * by the next call.
   *
   * @throws the system error when the directory cannot be looked at
   */
  hasChanged(): boolean {
    const stamp = this.#files.directoryStamp(this.#path);
    const before = this.#seen;
    const wasRacy = this.#seenAtMs - (before?.modifiedAtMs ?? 0) < RACY_MS;
    this.#seen = stamp;
    this.#seenAtMs = Date.now();
    return before === null || wasRacy || stamp.modifiedAtMs !== before.modifiedAtMs || stamp.inode !== before.inode;
  }
}

/** A poll that is quick after activity and slows down without: 20 ms, doubled each time up to 1 s, or more when a round is costly. */
export class Poll {
  readonly #act: () => void;
  readonly #isRef: boolean;
  #timer: NodeJS.Timeout | null = null;
  #intervalMs = FIRST_POLL_MS;

  /** @param isRef whether waiting for the next round keeps the process alive */
  constructor(act: () => void, isRef: boolean) {
    this.#act = act;
    this.#isRef = isRef;
  }

  /** Starts, or makes it quick again. */
  start(): void {
    this.#intervalMs = FIRST_POLL_MS;
    this.stop();
    this.#schedule();
  }

  get isOn(): boolean {
    return this.#timer !== null;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#round(), this.#delayMs());
    if (!this.#isRef) this.#timer.unref();
  }

  /** At its slowest a poll runs together with the others of the process: to wake up costs more than to look. */
  #delayMs(): number {
    if (this.#intervalMs !== LONGEST_POLL_MS) return this.#intervalMs;
    return LONGEST_POLL_MS - (performance.now() % LONGEST_POLL_MS);
  }

  #round(): void {
    const startedAt = performance.now();
    this.#timer = null;
    this.#intervalMs = Math.min(LONGEST_POLL_MS, 2 * this.#intervalMs);
    this.#schedule();
    this.#act();
    this.#intervalMs = Math.max(this.#intervalMs, COST_FACTOR * (performance.now() - startedAt));
  }
}

const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 1_000;
/** A round may take a twentieth of the time at most. */
const COST_FACTOR = 20;
