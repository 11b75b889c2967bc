/**
 * Things done one at a time, in a line; some of them again and again. What fails is reported, and the next goes on.
 */
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
