/** Outcomes on their way to the disk: how many may be, and what happens when one does not arrive. */

/**
 * How many jobs of a child may have run and not be settled: enough that their fsyncs share the journal's commits. After the
 * death of the process they are published as they are, and a power cut makes them run again.
 */
const MOST = 32;

export class Settling {
  readonly #underWay = new Set<Promise<void>>();
  readonly #failed = new AbortController();
  #error: unknown = null;

  /** Aborted when a settlement failed: nothing more should be begun. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Resolves when there is room for one more. */
  async add(settled: Promise<void>): Promise<void> {
    const ended = settled.then(
      () => void this.#underWay.delete(ended),
      (error: unknown) => {
        this.#underWay.delete(ended);
        this.#error ??= error;
        this.#failed.abort();
      },
    );
    this.#underWay.add(ended);
    if (this.#underWay.size >= MOST) await Promise.race(this.#underWay);
  }

  /** Waits for all. @throws what the first settlement that failed threw */
  async end(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#error !== null) throw this.#error;
  }
}
