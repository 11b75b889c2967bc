/** The first names of very many, in the order of their queues: the others are not kept. */
import type { QueueOrder } from '../../broker/worker-side.ts';
import { parseJobFileName } from '../layout.ts';
import { Lanes } from './lanes.ts';

export class FirstNames {
  readonly #order: QueueOrder;
  readonly #most: number;
  /** They remember whose turn it was: a look that takes a few names goes on where the last one stopped. */
  readonly #lanes: Lanes;

  /** @param most how many are given at a time */
  constructor(order: QueueOrder, most: number) {
    this.#order = order;
    this.#most = most;
    this.#lanes = new Lanes(order, () => true);
  }

  /** Of `names`, which may be in any order. @param isCandidate asked only of names that are among the first so far */
  of(names: Iterable<string>, isCandidate: (name: string) => boolean): readonly string[] {
    const byQueue = new Map<string, string[]>();
    for (const name of names) {
      // By age all queues are as one, and a name is not even read that comes too late.
      const queue = this.#order.kind === 'age' ? '' : (parseJobFileName(name)?.queue ?? '');
      const first = byQueue.get(queue) ?? [];
      if (first.length === this.#most && name > (first.at(-1) ?? '')) continue;
      if (!isCandidate(name)) continue;
      byQueue.set(queue, first);
      first.push(name);
      first.sort();
      if (first.length > this.#most) first.pop();
    }
    return this.#inTurn(byQueue);
  }

  #inTurn(byQueue: ReadonlyMap<string, readonly string[]>): readonly string[] {
    this.#lanes.clear();
    for (const [queue, names] of byQueue) for (const name of names) this.#lanes.of(queue, null).push(name);
    const first: string[] = [];
    while (first.length < this.#most) {
      const name = this.#lanes.next()?.pop();
      if (name === undefined) break;
      first.push(name);
    }
    return first;
  }
}
