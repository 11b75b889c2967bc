/** In which order a consumer looks at its queues: BullMQ has no order over several, so that a look at each is one question. Pure. */
import { BY_AGE, type QueueOrder } from '../../broker/worker-side.ts';

const NO_WEIGHTS: ReadonlyMap<string, number> = new Map();

export class LookOrder {
  #queues: readonly string[];
  #order: QueueOrder = BY_AGE;
  /** What each queue has saved up in the rounds of the weights. */
  readonly #credit = new Map<string, number>();

  constructor(queues: readonly string[]) {
    this.#queues = queues;
  }

  get queues(): readonly string[] {
    return this.#queues;
  }

  set(queues: readonly string[], order: QueueOrder): void {
    this.#queues = queues;
    this.#order = order;
  }

  /** All queues once. `listed`: as they are listed; else in turns. */
  next(): readonly string[] {
    const queues = this.#queues;
    if (queues.length <= 1 || this.#order.kind === 'listed') return queues;
    return queues.toSorted((a, b) => this.#creditOf(b) - this.#creditOf(a));
  }

  /**
   * A job of `queue` was taken: smooth weighted round robin, as nginx chooses among servers: weights 2 and 1 give a b a, not a a b.
   *
   * @param looked as `next` gave them: those before the queue had nothing, and save nothing up
   */
  took(queue: string, looked: readonly string[]): void {
    if (looked.length <= 1 || this.#order.kind === 'listed') return;
    const had = looked.slice(looked.indexOf(queue));
    for (const each of had) this.#credit.set(each, this.#creditOf(each));
    const total = had.reduce((sum, each) => sum + this.#weightOf(each), 0);
    this.#credit.set(queue, (this.#credit.get(queue) ?? 0) - total);
  }

  /** With what this round adds. */
  #creditOf(queue: string): number {
    return (this.#credit.get(queue) ?? 0) + this.#weightOf(queue);
  }

  #weightOf(queue: string): number {
    return (this.#order.kind === 'age' ? NO_WEIGHTS : this.#order.weights).get(queue) ?? 1;
  }
}
