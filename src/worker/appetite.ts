/** How many names a child is given at a time. */

/** Names at a time at most: then a message costs little beside the jobs. */
const MOST = 128;
/** A child that needs less than this for what it was given may have more, ms; one that needs longer gets less. */
const QUICK_MS = 20;

export class Appetite {
  #names = 1;
  /** Null when what it was given last has been accounted for. */
  #fedAt: number | null = null;
  #isIdle = false;

  /** How many names to give it now. */
  get names(): number {
    return this.#names;
  }

  /** True while the child has asked for names and has none left. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** The child has dealt with what it was given, or half of it, and wants more. */
  digest(isIdle: boolean): void {
    this.#isIdle = isIdle;
    if (this.#fedAt !== null) this.#names = nextAppetite(this.#names, performance.now() - this.#fedAt);
    this.#fedAt = null;
  }

  /** It was given so many names. */
  feed(): void {
    this.#fedAt = performance.now();
    this.#isIdle = false;
  }
}

/**
 * The next number of names for a child that needed `tookMs` for the last `given`. It grows while jobs are quick and falls
 * to one when they are slow, because a name given to a busy child waits for it while others might run it. Pure.
 */
export function nextAppetite(given: number, tookMs: number): number {
  return tookMs < QUICK_MS ? Math.min(MOST, given * 2) : Math.max(1, Math.floor((given * QUICK_MS) / tookMs));
}
