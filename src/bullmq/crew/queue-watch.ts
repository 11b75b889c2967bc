/** Waiting for jobs of several queues: each by BullMQ's own wait, over a connection of its own, while somebody is there to take them. */
import type { Engine, JobWaiter } from '../engine.ts';
import { QUEUES } from '../queue-names.ts';

/** How long one wait lasts, s: after that everybody is told to look, because a word may have been lost. */
export const WAIT_S = 5;
/** How often new queues are looked for without a word, ms. */
const NAMES_EVERY_MS = 5_000;
/** After an error of the wait, ms. */
const PAUSE_MS = 500;

interface WatchOptions {
  /** Null: all. */
  readonly queues: readonly string[] | null;
  /** True while somebody can take a job. */
  readonly isWanted: () => boolean;
  /** There may be a job in this queue. */
  readonly onJob: (queue: string) => void;
  /** These are the queues now. */
  readonly onQueues: (queues: readonly string[]) => void;
}

export class QueueWatch {
  readonly #engine: Engine;
  readonly #options: WatchOptions;
  readonly #waiters = new Map<string, { readonly backend: JobWaiter; isWaiting: boolean }>();
  #names: NodeJS.Timeout | null = null;
  #unsubscribe: () => void = () => undefined;
  #isClosed = false;

  constructor(engine: Engine, options: WatchOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  get queues(): readonly string[] {
    return [...this.#waiters.keys()];
  }

  async start(): Promise<void> {
    const { queues } = this.#options;
    if (queues !== null) return this.#watch(queues);
    this.#unsubscribe = await this.#engine.store.subscribe(QUEUES, () => void this.#lookForNames());
    await this.#lookForNames();
    this.#names = setInterval(() => void this.#lookForNames(), NAMES_EVERY_MS);
  }

  /** Somebody can take a job now. */
  wait(): void {
    for (const queue of this.#waiters.keys()) void this.#wait(queue);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#names !== null) clearInterval(this.#names);
    this.#unsubscribe();
    await Promise.all([...this.#waiters.values()].map(({ backend }) => backend.close(true).catch(() => undefined)));
  }

  async #lookForNames(): Promise<void> {
    try {
      this.#watch(await this.#engine.queues.all());
    } catch {
      // The next look tells.
    }
  }

  #watch(queues: readonly string[]): void {
    const added = queues.filter((queue) => !this.#waiters.has(queue));
    if (added.length === 0 || this.#isClosed) return;
    for (const queue of added) {
      const backend = this.#engine.waiter(queue);
      this.#waiters.set(queue, { backend, isWaiting: false });
    }
    this.#options.onQueues(this.queues);
    this.wait();
  }

  async #wait(queue: string): Promise<void> {
    const waiter = this.#waiters.get(queue);
    if (waiter === undefined || waiter.isWaiting) return;
    waiter.isWaiting = true;
    while (!this.#isClosed && this.#options.isWanted()) {
      try {
        const marker = await waiter.backend.waitForJob(WAIT_S);
        if (this.#isClosed) break;
        const dueMs = marker?.score ?? 0;
        // A marker with a time is of a delayed job: who looks then makes it ready, and sees when the next one is due.
        if (dueMs > this.#engine.nowMs()) this.#later(queue, dueMs);
        this.#options.onJob(queue);
      } catch {
        if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
    waiter.isWaiting = false;
  }

  /** A wait that lasts no longer than the usual one: beyond that all look anyway. */
  #later(queue: string, dueMs: number): void {
    const inMs = dueMs - this.#engine.nowMs();
    if (inMs <= WAIT_S * 1_000) setTimeout(() => this.#isClosed || this.#options.onJob(queue), inMs).unref();
  }
}
