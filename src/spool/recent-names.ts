/** Names of a moment ago, which are not tried again at once: they were handed out, or their jobs were over a limit. */

/** How long a name counts as recent, ms: it bounds what a job that cannot be claimed may cost. */
const RECENT_MS = 20;
/** How many names are remembered before old ones are dropped. */
const REMEMBERED = 20_000;

export class RecentNames {
  readonly #untilMs = new Map<string, number>();
  readonly #jitterMs: number;

  /** @param jitterMs up to so much longer, at random: two processes that met do not meet again at once */
  constructor(jitterMs = 0) {
    this.#jitterMs = jitterMs;
  }

  add(name: string): void {
    if (this.#untilMs.size >= REMEMBERED) this.#forgetOld();
    this.#untilMs.set(name, performance.now() + RECENT_MS + this.#jitterMs * Math.random());
  }

  has(name: string): boolean {
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
