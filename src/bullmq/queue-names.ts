/** The names of all queues: BullMQ knows one at a time, so that each that fsq has sent to is kept in a table. */
import { DEFAULT_QUEUE, isQueueName } from '../job/names.ts';
import type { RawJob, Store } from './store.ts';

/** The table, and the topic on which a new name is told. */
export const QUEUES = 'queues';

/** Jobs that are asked for at once. */
const PAGE = 500;

export class QueueNames {
  readonly #store: Store;
  readonly #told = new Set<string>();
  #known: readonly string[] = [DEFAULT_QUEUE];

  constructor(store: Store) {
    this.#store = store;
  }

  /** Before the first job of a queue is sent: so that whoever takes from all queues finds it. */
  async tell(queues: Iterable<string>): Promise<void> {
    for (const queue of queues) {
      if (this.#told.has(queue)) continue;
      await this.#store.setField(QUEUES, queue, '1', { ifAbsent: true });
      this.#told.add(queue);
      this.#store.publish(QUEUES, queue);
    }
  }

  /** All of them, sorted, the default one among them. */
  async all(): Promise<readonly string[]> {
    const told = [...(await this.#store.fields(QUEUES)).keys()].filter(isQueueName);
    this.#known = [...new Set([DEFAULT_QUEUE, ...told])].sort();
    for (const queue of told) this.#told.add(queue);
    return this.#known;
  }

  /** Those that were known at the last look. */
  get known(): readonly string[] {
    return [...new Set([...this.#known, ...this.#told])];
  }

  /** The jobs of these ids, in their order; null where there is none. Asks for the names of the queues only where one is not found. */
  async look(ids: readonly string[]): Promise<readonly (RawJob | null)[]> {
    const { known } = this;
    const found = await this.#store.look(ids, known);
    if (!found.includes(null)) return found;
    const all = await this.all();
    if (all.every((queue) => known.includes(queue))) return found;
    return this.#store.look(ids, all);
  }

  /** Whether each has ended, as `Store.stages` tells; asked in parts, so that others are served in between. */
  async stages(ids: readonly string[]): Promise<readonly ('open' | 'ended' | null)[]> {
    const found: ('open' | 'ended' | null)[] = [];
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE);
      const { known } = this;
      const first = await this.#store.stages(page, known);
      const all = first.includes(null) ? await this.all() : known;
      const isNew = all.some((queue) => !known.includes(queue));
      found.push(...(isNew ? await this.#store.stages(page, all) : first));
    }
    return found;
  }
}
