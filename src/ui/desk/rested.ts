/** A look that costs something: its answer serves all who ask, until it has rested in proportion to that. */

/** @returns what a processor has worked for this process meanwhile, ms */
export function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

export interface Rest {
  /** Its answer is as old as this at least before it looks again, ms. */
  readonly leastMs: number;
  /** It rests for so many times as long as it has cost. */
  readonly factor: number;
  /** And no longer than this, ms. */
  readonly mostMs?: number;
}

export class Rested<T> {
  readonly #look: () => Promise<T>;
  readonly #rest: Rest;
  #answer: Promise<T> | null = null;
  /** By performance.now(). */
  #dueAt = 0;

  constructor(look: () => Promise<T>, rest: Rest) {
    this.#look = look;
    this.#rest = rest;
  }

  /** The last answer, or that of a look that is under way or begins now. A look that fails is not kept. */
  get(): Promise<T> {
    if (this.#answer === null || performance.now() >= this.#dueAt) this.#answer = this.#begin();
    return this.#answer;
  }

  /** Something has changed: the next who asks gets a new look. One that is under way may have seen what was before. */
  spoil(): void {
    this.#answer = null;
  }

  #begin(): Promise<T> {
    const before = process.cpuUsage();
    // Nobody begins another one while it is under way.
    this.#dueAt = Number.POSITIVE_INFINITY;
    const answer = this.#look().then(
      (value) => {
        if (this.#answer === answer) this.#dueAt = performance.now() + this.#restMs(before);
        return value;
      },
      (error: unknown) => {
        if (this.#answer === answer) this.#answer = null;
        throw error;
      },
    );
    return answer;
  }

  #restMs(before: NodeJS.CpuUsage): number {
    const { leastMs, factor, mostMs = Number.POSITIVE_INFINITY } = this.#rest;
    return Math.min(mostMs, Math.max(leastMs, factor * cpuMsSince(before)));
  }
}
