/** Those who wait for outcomes, by job. A wait ends once: by an outcome, an error, or its signal. Brokers find the outcomes. */
import type { JobRecord } from '../../job/job.ts';

/** A wait; either call ends it. */
interface Waiter {
  readonly resolve: (record: JobRecord | null) => void;
  readonly reject: (error: unknown) => void;
}

export class OutcomeWaits {
  readonly #waiting = new Map<string, Set<Waiter>>();
  readonly #onIdle: () => void;

  /** @param onIdle is called when the last wait has ended */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** How many jobs are waited for. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The jobs that are waited for now. */
  ids(): string[] {
    return [...this.#waiting.keys()];
  }

  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** One more wait: resolves with what `resolve` is called with, or with null when `signal` aborts. */
  add(id: string, signal: AbortSignal | null): Promise<JobRecord | null> {
    return new Promise<JobRecord | null>((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener('abort', onAbort);
        this.#remove(id, waiter);
      };
      const waiter: Waiter = {
        resolve: (record) => {
          leave();
          resolve(record);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const onAbort = (): void => waiter.resolve(null);
      signal?.addEventListener('abort', onAbort);
      const waiters = this.#waiting.get(id);
      if (waiters === undefined) this.#waiting.set(id, new Set([waiter]));
      else waiters.add(waiter);
    });
  }

  /** Ends all waits for the job; it is nothing where there are none. */
  resolve(id: string, record: JobRecord): void {
    for (const waiter of this.#waiting.get(id) ?? []) waiter.resolve(record);
  }

  /** Likewise. */
  reject(id: string, error: unknown): void {
    for (const waiter of this.#waiting.get(id) ?? []) waiter.reject(error);
  }

  #remove(id: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(id);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#onIdle();
  }
}
