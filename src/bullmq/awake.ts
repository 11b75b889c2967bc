/**
 * Keeps the process alive while something is asked of a server, and no longer: the sockets themselves keep no process alive. A program
 * that has sent its jobs ends, as it does with a spool, whether or not it has closed what it used.
 */
export class Awake {
  readonly #onWake: () => void;
  /** Nothing happens when it is over. */
  readonly #timer: NodeJS.Timeout;
  #count = 0;

  /** @param onWake called when something is asked after a time in which nothing was */
  constructor(onWake: () => void) {
    this.#onWake = onWake;
    this.#timer = setInterval(() => undefined, 2 ** 31 - 1).unref();
  }

  get isAwake(): boolean {
    return this.#count > 0;
  }

  /** While somebody takes them. */
  async *through<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    this.begin();
    try {
      yield* items;
    } finally {
      this.end();
    }
  }

  begin(): void {
    if (this.#count++ > 0) return;
    this.#timer.ref();
    this.#onWake();
  }

  end(): void {
    if (--this.#count === 0) this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
