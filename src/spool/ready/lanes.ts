/**
 * Names of ready jobs by what may hold them back: a lane for each queue, and one for each task of a queue that is known to be held
 * back. They say which name comes next. Whether a lane is open is asked anew each time.
 */
import type { QueueOrder } from '../../broker/worker-side.ts';

export class Lane {
  readonly queue: string;
  /** Null: jobs of any task, or of tasks that are not known yet. */
  readonly task: string | null;
  /** In reverse order, so that the next is popped. */
  #names: string[] = [];
  /** Names that come after all of `#names`, in order. */
  #later: string[] = [];

  constructor(queue: string, task: string | null) {
    this.queue = queue;
    this.task = task;
  }

  get size(): number {
    return this.#names.length + this.#later.length;
  }

  /** The next name; '' when there is none. */
  get head(): string {
    return this.#names.at(-1) ?? this.#later[0] ?? '';
  }

  push(name: string): void {
    this.#later.push(name);
  }

  /** Puts a name where it belongs, unless it is there. It looks from the next name on, as a name that is put in is urgent. */
  insert(name: string): void {
    let at = this.#names.length;
    while (at > 0 && (this.#names[at - 1] ?? '') < name) at--;
    if (this.#names[at - 1] !== name) this.#names.splice(at, 0, name);
  }

  pop(): string | undefined {
    if (this.#names.length === 0) {
      this.#names = this.#later.reverse();
      this.#later = [];
    }
    return this.#names.pop();
  }

  includes(name: string): boolean {
    return this.#names.includes(name) || this.#later.includes(name);
  }

  sort(): void {
    this.#names = [...this.#names, ...this.#later].sort().reverse();
    this.#later = [];
  }
}

export class Lanes {
  readonly #order: QueueOrder;
  readonly #isOpen: (lane: Lane) => boolean;
  #lanes = new Map<string, Lane>();
  /** What each queue has saved up in the rounds of the weights. */
  readonly #credit = new Map<string, number>();

  constructor(order: QueueOrder, isOpen: (lane: Lane) => boolean) {
    this.#order = order;
    this.#isOpen = isOpen;
  }

  /** How many names there are, in open lanes and closed ones. */
  get size(): number {
    let size = 0;
    for (const lane of this.#lanes.values()) size += lane.size;
    return size;
  }

  /** Whether a name has a more urgent priority, its first character, than the next one of some lane. */
  isMoreUrgent(name: string): boolean {
    for (const { head } of this.#lanes.values()) if (head !== '' && name < head && name[0] !== head[0]) return true;
    return false;
  }

  clear(): void {
    this.#lanes = new Map();
  }

  /** Puts each lane's names in order. */
  sort(): void {
    for (const lane of this.#lanes.values()) lane.sort();
  }

  of(queue: string, task: string | null): Lane {
    const key = task === null ? queue : `${queue}\n${task}`;
    const lane = this.#lanes.get(key) ?? new Lane(queue, task);
    this.#lanes.set(key, lane);
    return lane;
  }

  /** How many names are in lanes that are open. */
  get openSize(): number {
    let size = 0;
    for (const lane of this.#lanes.values()) if (this.#isOpen(lane)) size += lane.size;
    return size;
  }

  /** The lane whose turn it is, or null when all that are open are empty. */
  next(): Lane | null {
    let first: Lane | null = null;
    let others: Lane[] | null = null; // Mostly there is one lane, and this is asked for every job: no array is made then.
    for (const lane of this.#lanes.values()) {
      if (lane.size === 0 || !this.#isOpen(lane)) continue;
      if (first === null) first = lane;
      else (others ??= []).push(lane);
    }
    return first === null || others === null ? first : this.#choose([first, ...others]);
  }

  #choose(open: readonly Lane[]): Lane | null {
    if (this.#order.kind === 'age') return soonest(open);
    const { weights } = this.#order;
    const queues = [...weights.keys()].filter((queue) => open.some((lane) => lane.queue === queue));
    const queue = this.#order.kind === 'listed' ? queues[0] : this.#turn(queues, weights);
    return soonest(open.filter((lane) => lane.queue === queue));
  }

  /** Smooth weighted round robin, as nginx chooses among servers: weights 2 and 1 give a b a, not a a b. */
  #turn(queues: readonly string[], weights: ReadonlyMap<string, number>): string | undefined {
    let best: string | undefined;
    let total = 0;
    for (const queue of queues) {
      const weight = weights.get(queue) ?? 1;
      const credit = (this.#credit.get(queue) ?? 0) + weight;
      total += weight;
      this.#credit.set(queue, credit);
      if (best === undefined || credit > (this.#credit.get(best) ?? 0)) best = queue;
    }
    if (best !== undefined) this.#credit.set(best, (this.#credit.get(best) ?? 0) - total);
    return best;
  }
}

/** The lane whose next name sorts first: the most urgent, then the oldest. */
function soonest(lanes: readonly Lane[]): Lane | null {
  let best: Lane | null = null;
  for (const lane of lanes) if (best === null || lane.head < best.head) best = lane;
  return best;
}
