/** Names of a moment ago: those that were handed out, or given back, and those that a lookout was left to take. */

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

/** What comes is left to the lookout for one to two times this long, ms: longer than it needs when it is idle. */
const LEFT_FOR_MS = 2;

/** Names that are left to the lookout, which hears of them too. Those that it has had time for may lie there still. */
export class LeftLying {
  readonly #onOver: (names: readonly string[]) => void;
  /** What was heard in this span of time, and in the one before. */
  #heard = new Set<string>();
  #heardBefore = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  /** @param onOver the time for these names is over: what lies there still was left, by a lookout that is busy or may not take it */
  constructor(onOver: (names: readonly string[]) => void) {
    this.#onOver = onOver;
  }

  hear(name: string): void {
    this.#heard.add(name);
    this.#timer ??= setTimeout(() => this.#endSpan(), LEFT_FOR_MS);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #endSpan(): void {
    const over = [...this.#heardBefore];
    this.#heardBefore = this.#heard;
    this.#heard = new Set();
    this.#timer = this.#heardBefore.size === 0 ? null : setTimeout(() => this.#endSpan(), LEFT_FOR_MS);
    this.#onOver(over);
  }
}
