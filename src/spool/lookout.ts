/**
 * What a feed leaves to the lookout, the idle child that watches pending/ itself. A name that is heard while one is posted is
 * told only if its job still lies there after a few milliseconds: the lookout is busy, or may not take it.
 */

/** A name is left to the lookout for one to two times this long, ms: longer than an idle lookout needs. */
const LEFT_FOR_MS = 2;

export class Lookout {
  readonly #onLeft: (names: readonly string[]) => void;
  #isPosted = false;
  /** What was heard in this span of time, and in the one before. */
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
