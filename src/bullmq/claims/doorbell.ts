/** Wakes a consumer that waits for a job. A ring while it is looking is kept for the next wait. */
export class Doorbell {
  #ring: (() => void) | null = null;
  #hasRung = false;

  get isWaitedFor(): boolean {
    return this.#ring !== null;
  }

  ring(): void {
    if (this.#ring === null) this.#hasRung = true;
    else this.#ring();
  }

  /** Resolves at a ring, after `ms`, or when `signal` aborts. @param onWait called when it begins to wait */
  async wait(signal: AbortSignal, ms: number, onWait: () => void): Promise<void> {
    if (this.#hasRung) {
      this.#hasRung = false;
      return;
    }
    let over: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (over = resolve));
    this.#ring = over;
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
    onWait();
    await waiting;
    signal.removeEventListener('abort', over);
    clearTimeout(timer);
    this.#ring = null;
  }
}
