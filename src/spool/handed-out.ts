/** Names that were handed out, or given back, a moment ago. */

/** A name is not handed out again within this time, ms: it bounds what a job that cannot be claimed may cost. */
const AGAIN_MS = 20;
/** How many names are remembered before old ones are dropped. */
const REMEMBERED = 20_000;

export class HandedOut {
  readonly #atMs = new Map<string, number>();

  add(name: string): void {
    if (this.#atMs.size >= REMEMBERED) this.#forgetOld();
    this.#atMs.set(name, performance.now());
  }

  hasRecent(name: string): boolean {
    const atMs = this.#atMs.get(name);
    return atMs !== undefined && performance.now() - atMs < AGAIN_MS;
  }

  #forgetOld(): void {
    // Insertion order is time order up to renewals; half is enough to keep this rare.
    let surplus = REMEMBERED / 2;
    for (const name of this.#atMs.keys()) {
      if (surplus-- === 0) break;
      this.#atMs.delete(name);
    }
  }
}
