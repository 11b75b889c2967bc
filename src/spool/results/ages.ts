/** How old a file is, when the wall clock cannot be trusted. */

/** A difference between the two clocks that is a step, not drift, ms. */
const STEP_MS = 60_000;
/** An age that is doubted, ms: a file is there a year beyond its time only if no worker ran so long, or if the clock is wrong. */
const IMPLAUSIBLE_MS = 365 * 24 * 3_600_000;

interface Reading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/**
 * The wall clock is set by hand, corrected after a boot without a battery, or stands still while a machine sleeps. Only time that
 * was lived through makes a file older. Pure but for what it remembers.
 */
export class Ages {
  /** Steps forward: what was written by `untilMs` looks older by `byMs` than it is. */
  readonly #steps: { readonly untilMs: number; readonly byMs: number }[] = [];
  #first: Reading | null = null;
  #last: Reading = { wallMs: 0, monotonicMs: 0 };

  /** Compares the clocks; to be called before each round of questions. @param monotonicMs of a clock that cannot be set */
  observe(wallMs: number, monotonicMs: number): void {
    const expectedMs = this.#last.wallMs + monotonicMs - this.#last.monotonicMs;
    const byMs = wallMs - expectedMs;
    if (this.#first !== null && byMs > STEP_MS) this.#steps.push({ untilMs: expectedMs, byMs });
    this.#first ??= { wallMs, monotonicMs };
    this.#last = { wallMs, monotonicMs };
  }

  /**
   * True if the file has lived longer than its time, `ttlMs`. One that seems to have done so for more than a year is given one
   * more life under our eyes: the clock may have been set while no worker ran.
   */
  isOver(modifiedAtMs: number, ttlMs: number): boolean {
    const { wallMs, monotonicMs } = this.#last;
    const steppedMs = this.#steps.reduce((sum, { untilMs, byMs }) => sum + (modifiedAtMs <= untilMs ? byMs : 0), 0);
    const ageMs = wallMs - modifiedAtMs - steppedMs;
    if (ageMs < ttlMs) return false;
    const watchedMs = monotonicMs - (this.#first?.monotonicMs ?? monotonicMs);
    return ageMs < ttlMs + IMPLAUSIBLE_MS || watchedMs >= ttlMs;
  }
}
