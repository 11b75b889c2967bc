/**
 * Long work in slices: whoever does it asks after each small piece whether its slice is over, and lets others have their turn
 * then. What is more urgent, such as recovery, is waited for, but not for ever: on a full disk it may wait in turn for what
 * this work frees.
 */
import { setImmediate as yieldToOthers, setTimeout as wait } from 'node:timers/promises';

/** How long a slice is, ms: a fraction of what P5 leaves for a recovery, which waits for no more than one of them. */
const SLICE_MS = 10;
/** How long a slice waits for what is more urgent, ms. */
const URGENT_FIRST_MS = 200;

export class Turns {
  readonly #urgent: () => Promise<void> | null;
  readonly #signal: AbortSignal | undefined;
  #endsAtMs: number;

  /**
   * @param urgent what is under way that goes first; null when nothing is
   * @param signal aborted: the work is given up where it stands
   */
  constructor(urgent: () => Promise<void> | null = () => null, signal?: AbortSignal) {
    this.#urgent = urgent;
    this.#signal = signal;
    this.#endsAtMs = performance.now() + SLICE_MS;
  }

  get isOver(): boolean {
    return performance.now() > this.#endsAtMs;
  }

  /** Resolves when the next slice may begin. @throws the signal's reason when the work is given up */
  async next(): Promise<void> {
    await yieldToOthers();
    this.#signal?.throwIfAborted();
    const urgent = this.#urgent();
    if (urgent !== null) {
      const enough = new AbortController();
      const patience = wait(URGENT_FIRST_MS, undefined, { signal: enough.signal, ref: false }).catch(() => undefined);
      await Promise.race([urgent, patience]);
      enough.abort();
    }
    this.#endsAtMs = performance.now() + SLICE_MS;
  }
}
