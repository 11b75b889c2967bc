/** Names that were handed out, or given back, a moment ago. */

/** A name is not handed out again within this time, ms: it bounds what a job that cannot be claimed may cost. */
const AGAIN_MS = 20;
/** How many names are remembered before old ones are dropped. */
const REMEMBERED = 20_000;

export class HandedOut {
  readonly #untilMs = new Map<string, number>();
  readonly #jitterMs: number;

  /** @param jitterMs up to so much longer, at random: two that met do not meet again at once */
  constructor(jitterMs = 0) {
    this.#jitterMs = jitterMs;
  }

  add(name: string): void {
    if (this.#untilMs.size >= REMEMBERED) this.#forgetOld();
    this.#untilMs.set(name, performance.now() + AGAIN_MS + this.#jitterMs * Math.random());
  }

  hasRecent(name: string): boolean {
    const untilMs = this.#untilMs.get(name);
    return untilMs !== undefined && performance.now() < untilMs;
  }

  #forgetOld(): void {
    // Insertion order is time order up to renewals; half is enough to keep this rare.
    let surplus = REMEMBERED / 2;
    for (const name of this.#untilMs.keys()) {
      if (surplus-- === 0) break;
      this.#untilMs.delete(name);
    }
  }
}
