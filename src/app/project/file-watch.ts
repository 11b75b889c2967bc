/**
 * Notices when files of the user's project have changed, by looking at them: that works on every file system, in containers too,
 * with editors that put a new file in place of the old one, and through links. For `fsq worker --watch`, at a developer's desk.
 */
import { statSync } from 'node:fs';

/** How often it looks, ms. A thousand files take about 5 ms. */
const LOOK_EVERY_MS = 250;

export class FileWatch {
  readonly #onChange: (paths: readonly string[]) => void;
  /** The stamp of each file when its change was last told. */
  readonly #told = new Map<string, string>();
  #changed: ReadonlyMap<string, string> = new Map();
  readonly #timer: NodeJS.Timeout;

  /**
   * @param onChange called with the files that have changed, once they stay as they are from one look to the next: a change of
   *   many files, as by a checkout, is one
   */
  constructor(onChange: (paths: readonly string[]) => void) {
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Watches these as well. Add a file before it is read: a change between the reading and this call is not noticed. */
  add(paths: readonly string[]): void {
    for (const path of paths) if (!this.#told.has(path)) this.#told.set(path, stampOf(path));
  }

  /** Stops watching these. */
  forget(paths: readonly string[]): void {
    for (const path of paths) this.#told.delete(path);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const changed = new Map<string, string>();
    for (const [path, told] of this.#told) {
      const stamp = stampOf(path);
      if (stamp !== told) changed.set(path, stamp);
    }
    const isSettled =
      changed.size === this.#changed.size && [...changed].every(([path, stamp]) => this.#changed.get(path) === stamp);
    this.#changed = changed;
    if (changed.size === 0 || !isSettled) return;
    for (const [path, stamp] of changed) this.#told.set(path, stamp);
    this.#changed = new Map();
    this.#onChange([...changed.keys()]);
  }
}

/** Changes when the file does, when another is put in its place, and when it comes or goes. */
function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino, dev } = statSync(path);
    return `${mtimeMs} ${size} ${ino} ${dev}`;
  } catch {
    return 'gone'; // Not there, or not to be read: a change when it is again.
  }
}
