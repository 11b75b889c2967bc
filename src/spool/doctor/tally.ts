/** Counts things by kind and keeps the first of each: a broken disk has a million findings, and a reader has no use for them. */

/** Of each kind. */
export const MOST_KEPT = 100;

/** How many of a kind were not kept. */
export interface Cut<T> {
  /** One of those that were. */
  readonly like: T;
  readonly count: number;
}

export class Tally<T> {
  readonly #kindOf: (item: T) => string;
  readonly #kept: T[] = [];
  readonly #kinds = new Map<string, { readonly like: T; count: number }>();

  constructor(kindOf: (item: T) => string) {
    this.#kindOf = kindOf;
  }

  add(item: T): void {
    const name = this.#kindOf(item);
    const kind = this.#kinds.get(name) ?? { like: item, count: 0 };
    this.#kinds.set(name, kind);
    if (++kind.count <= MOST_KEPT) this.#kept.push(item);
  }

  /** In the order in which they came. */
  get kept(): readonly T[] {
    return this.#kept;
  }

  get cut(): readonly Cut<T>[] {
    return [...this.#kinds.values()].flatMap(({ like, count }) =>
      count > MOST_KEPT ? [{ like, count: count - MOST_KEPT }] : [],
    );
  }
}
