/** Shared fsyncs of directories: many names are made durable by one call. */
import type { Files } from './files.ts';

interface Pending {
  running: Promise<void>;
  /** The round after the running one; joined by everybody who comes while that runs. */
  next: Promise<void> | null;
}

/**
 * One fsync at a time per directory. Who asks while one is under way waits for the next, because the running one may have
 * begun before their rename; all who wait for the next share it.
 */
export class SyncQueue {
  readonly #files: Files;
  readonly #pending = new Map<string, Pending>();

  constructor(files: Files) {
    this.#files = files;
  }

  /** @throws the system error of the fsync: what was renamed before may not be durable. */
  sync(directory: string): Promise<void> {
    const pending = this.#pending.get(directory);
    if (pending === undefined) return this.#start(directory);
    pending.next ??= pending.running.then(
      () => this.#start(directory),
      () => this.#start(directory),
    );
    return pending.next;
  }

  #start(directory: string): Promise<void> {
    const running = this.#syncNow(directory);
    const entry: Pending = { running, next: null };
    this.#pending.set(directory, entry);
    const done = (): void => {
      if (entry.next === null) this.#pending.delete(directory);
    };
    running.then(done, done);
    return running;
  }

  async #syncNow(directory: string): Promise<void> {
    const fd = this.#files.openDirectory(directory);
    try {
      await this.#files.sync(fd);
    } finally {
      this.#files.close(fd);
    }
  }
}
