/** Runs that wait for other jobs: each lends its slot, and the job that it waits for is the first to get it. */
import type { Lender, Run } from '../../app/current-job.ts';
import type { Slots } from './slots.ts';

/** How often a child that takes no more jobs looks for those that its runs wait for, ms. */
const LOOK_EVERY_MS = 200;

export class Lending implements Lender {
  readonly #slots: Slots;
  readonly #take: (id: string, queue: string | null) => Promise<void>;
  /** What each run waits for: a job, or null for any of many. */
  readonly #waits = new Map<Run, (string | null)[]>();

  /** @param take begins this job, if it is found ready and a slot is free. Never rejects */
  constructor(slots: Slots, take: (id: string, queue: string | null) => Promise<void>) {
    this.#slots = slots;
    this.#take = take;
  }

  waits(run: Run, { id, queue }: { readonly id: string | null; readonly queue: string }): void {
    const waits = this.#waits.get(run);
    if (waits !== undefined) return void waits.push(id);
    this.#waits.set(run, [id]);
    // Before others hear of the slot.
    this.#slots.lend(id === null ? null : () => this.#take(id, queue));
  }

  goesOn(run: Run, id: string | null): void {
    const waits = this.#waits.get(run);
    if (waits === undefined) return; // The run has ended before this wait.
    waits.splice(waits.indexOf(id), 1);
    if (waits.length === 0) this.hasEnded(run);
  }

  hasEnded(run: Run): void {
    if (this.#waits.size > 0 && this.#waits.delete(run)) this.#slots.takeBack();
  }

  /** No job is taken any more but those that runs of this process wait for. Resolves when nothing runs. */
  async finish(): Promise<void> {
    while (this.#slots.running > 0) {
      await this.#slots.news(LOOK_EVERY_MS);
      const awaited = new Set([...this.#waits.values()].flat());
      for (const id of awaited) if (id !== null) await this.#take(id, null);
    }
  }
}
