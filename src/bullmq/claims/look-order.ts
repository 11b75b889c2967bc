/** In which order a consumer looks at its queues: BullMQ has no order over several, so that a look at each is one question. Pure. */
import type { QueueOrder } from '../../broker/worker-side.ts';

export class LookOrder {
  #queues: readonly string[];
  #kind: QueueOrder['kind'] = 'age';
  /** The queue that is looked at first next time. */
  #first = 0;

  constructor(queues: readonly string[]) {
    this.#queues = queues;
  }

  set(queues: readonly string[], kind: QueueOrder['kind']): void {
    this.#queues = queues;
    this.#kind = kind;
  }

  /** All queues once. `listed`: as they are listed; else in turns. */
  next(): readonly string[] {
    const queues = this.#queues;
    if (queues.length <= 1 || this.#kind === 'listed') return queues;
    this.#first = (this.#first + 1) % queues.length;
    return [...queues.slice(this.#first), ...queues.slice(0, this.#first)];
  }
}
