/** Work that must not hold up other work: one thing after another, again and again (Rounds), and a long one in slices (Turns). */
import { setImmediate as yieldToOthers, setTimeout as wait } from 'node:timers/promises';

/** How long a slice is, ms. A recovery waits for one slice at most, and has a second in all. */
const SLICE_MS = 10;
/** How long a slice waits for urgent work, ms. */
const URGENT_FIRST_MS = 200;

/** Things done one at a time, in a line; some of them again and again. What fails is reported, and the next goes on. */
export class Rounds {
  readonly #onTrouble: (error: unknown) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #line: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  constructor(onTrouble: (error: unknown) => void) {
    this.#onTrouble = onTrouble;
  }

  /** The end of all that is in line; null when nothing is. */
  get underWay(): Promise<void> | null {
    return this.#waiting === 0 ? null : this.#line;
  }

  /** At once, then `everyMs()` after each round has ended. */
  repeat(everyMs: () => number, act: () => Promise<void>): void {
    const round = async (): Promise<void> => {
      await this.add(act);
      if (this.#isClosed) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        void round();
      }, everyMs());
      timer.unref();
      this.#timers.add(timer);
    };
    void round();
  }

  /** After what is in line. Resolves when it has ended, however it did. */
  add(act: () => Promise<void>): Promise<void> {
    const run = async (): Promise<void> => {
      try {
        await act();
      } catch (error) {
        this.#onTrouble(error);
      }
      this.#waiting--;
    };
    this.#waiting++;
    this.#line = this.#line.then(run);
    return this.#line;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#line;
  }
}

/**
 * Long work in slices. A function that does such work asks after each small piece whether its slice is over, and then lets others have their
 * turn. Urgent work, such as recovery, is waited for, but not for ever: on a full disk it may wait for what the long work frees.
 */
export class Turns {
  readonly #urgent: () => Promise<void> | null;
  readonly #signal: AbortSignal | undefined;
  #endsAtMs: number;

  /**
   * @param urgent the end of urgent work; null when there is none
   * @param signal aborted: the work is given up after the slice
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
