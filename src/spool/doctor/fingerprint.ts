/** Numbers that stand for texts, where millions of texts would take too much memory. */

/** Finds the ids that come more than once among millions, with eight bytes for each. */
export class Doubled {
  readonly #numbers: number[] = [];
  #several: ReadonlySet<number> | null = null;

  add(id: string): void {
    this.#numbers.push(fingerprint(id));
    this.#several = null;
  }

  /** True for what was added more than once; of a million others for hardly ever one, which the reader of its files finds out. */
  has(id: string): boolean {
    return this.#all().has(fingerprint(id));
  }

  get isEmpty(): boolean {
    return this.#all().size === 0;
  }

  #all(): ReadonlySet<number> {
    if (this.#several !== null) return this.#several;
    const sorted = Float64Array.from(this.#numbers).sort();
    this.#several = new Set(sorted.filter((number, i) => number === sorted[i - 1]));
    return this.#several;
  }
}

/** 53 bits that change with every character: two multiplicative hashes side by side, of 32 and 21 bits. */
export function fingerprint(text: string): number {
  let high = 1;
  let low = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x5bd1e995);
    high ^= high >>> 15;
    low = Math.imul(low ^ code, 0x9e3779b1);
    low ^= low >>> 13;
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
