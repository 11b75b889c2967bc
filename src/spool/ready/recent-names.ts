/** Names of a moment ago: those that were tried or given out, and those that a feed leaves to the lookout. */

/** How long a name counts as recent, ms: it bounds what a job that cannot be claimed may cost. */
const RECENT_MS = 20;
/** How many names are remembered before old ones are dropped. */
const REMEMBERED = 20_000;

/** Names that are not tried again at once: they were given out, or their jobs were over a limit. */
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

/** A name is left to the lookout for one to two times this long, ms: longer than an idle lookout needs. */
const LEFT_FOR_MS = 2;

/**
 * The names that a feed leaves to the lookout, the idle child that watches pending/ itself. While a lookout is posted, the feed gives out
 * a new name only if its job still lies there after a few milliseconds: the lookout is busy, or may not take the job.
 */
export class Lookout {
  readonly #onLeft: (names: readonly string[]) => void;
  #isPosted = false;
  /** Names that came in this span of time, and in the one before. */
  #names = new Set<string>();
  #namesBefore = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  /** @param onLeft the lookout has had its time for these names, and may have taken them */
  constructor(onLeft: (names: readonly string[]) => void) {
    this.#onLeft = onLeft;
  }

  get isPosted(): boolean {
    return this.#isPosted;
  }

  post(isPosted: boolean): void {
    this.#isPosted = isPosted;
  }

  leave(name: string): void {
    this.#names.add(name);
    this.#timer ??= setTimeout(() => this.#endSpan(), LEFT_FOR_MS);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #endSpan(): void {
    const over = [...this.#namesBefore];
    this.#namesBefore = this.#names;
    this.#names = new Set();
    this.#timer = this.#namesBefore.size === 0 ? null : setTimeout(() => this.#endSpan(), LEFT_FOR_MS);
    this.#onLeft(over);
  }
}
