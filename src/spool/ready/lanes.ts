/**
 * Names of ready jobs by what may hold them back: a lane for each queue, one for each task of a queue that is known to be held
 * back, and one for each limit key of a task that has a limit for each. They say which name comes next. Whether a lane is open is asked
 * anew each time.
 */
import type { QueueOrder } from '../../broker/worker-side.ts';

export class Lane {
  readonly queue: string;
  /** Null: jobs of any task, or of tasks that are not known yet. */
  readonly task: string | null;
  /** Of a task with a limit for each key: '' for jobs without one. Null: no such limit. */
  readonly limitKey: string | null;
  /** In reverse order, so that the next is popped. */
  #names: string[] = [];
  /** Names that come after all of `#names`, in order. */
  #later: string[] = [];

  constructor(queue: string, task: string | null, limitKey: string | null = null) {
    this.queue = queue;
    this.task = task;
    this.limitKey = limitKey;
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

/** How many lanes with limit keys are counted, of those that belong together: it matters only whether there are few names. */
const COUNTED = 64;

/**
 * The lanes of one task's jobs with one priority, in one queue, where the task has a limit for each key. They have turns: the next is that
 * which waits for the longest time since a name of its key was given out. There may be a hundred thousand of them, so none is looked at
 * but those that are closed, of which there are not more than jobs that run.
 */
class KeyedLanes {
  readonly #queue: string;
  readonly #task: string;
  readonly #turns: Turns;
  /** By key, the next one first. */
  #lanes = new Map<string, Lane>();

  constructor(queue: string, task: string, turns: Turns) {
    this.#queue = queue;
    this.#task = task;
    this.#turns = turns;
  }

  get all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** A name that is in one of them, for its priority; '' when all are empty. */
  get someHead(): string {
    for (const { head } of this.#lanes.values()) if (head !== '') return head;
    return '';
  }

  of(limitKey: string): Lane {
    const lane = this.#lanes.get(limitKey) ?? new Lane(this.#queue, this.#task, limitKey);
    this.#lanes.set(limitKey, lane);
    return lane;
  }

  /** Null when all that are open are empty. */
  next(isOpen: (lane: Lane) => boolean): Lane | null {
    for (const [key, lane] of this.#lanes) {
      if (lane.size === 0) this.#lanes.delete(key);
      else if (isOpen(lane)) return lane;
    }
    return null;
  }

  /** How many names the first lanes that are open hold. */
  openSize(isOpen: (lane: Lane) => boolean): number {
    let size = 0;
    let counted = 0;
    for (const lane of this.#lanes.values()) {
      if (lane.size === 0 || !isOpen(lane)) continue;
      size += lane.size;
      if (++counted === COUNTED) break;
    }
    return size;
  }

  /** A name of that key was given out: it is the last now. */
  served(limitKey: string): void {
    const lane = this.#lanes.get(limitKey);
    this.#lanes.delete(limitKey);
    if (lane !== undefined) this.#lanes.set(limitKey, lane);
  }

  sort(): void {
    const all = [...this.#lanes].map(([key, lane]) => ({ key, lane, turn: this.#turns.of(this.#task, key) }));
    for (const { lane } of all) lane.sort();
    all.sort((a, b) => a.turn - b.turn || (a.lane.head < b.lane.head ? -1 : 1));
    this.#lanes = new Map(all.map(({ key, lane }) => [key, lane]));
  }
}

/** How many limit keys are remembered that have had a turn: of the others it is as if they had none. */
const REMEMBERED_TURNS = 20_000;

/** When names of each limit key were given out last, of all queues and priorities: listings begin with new lanes. */
class Turns {
  readonly #last = new Map<string, number>();
  #count = 0;

  of(task: string, limitKey: string): number {
    return this.#last.get(`${task}\n${limitKey}`) ?? 0;
  }

  take(task: string, limitKey: string): void {
    const key = `${task}\n${limitKey}`;
    this.#last.delete(key);
    this.#last.set(key, ++this.#count);
    if (this.#last.size <= REMEMBERED_TURNS) return;
    for (const [oldest] of this.#last) return void this.#last.delete(oldest);
  }
}

export class Lanes {
  readonly #order: QueueOrder;
  readonly #isOpen: (lane: Lane) => boolean;
  readonly #turns = new Turns();
  #lanes = new Map<string, Lane>();
  /** By queue, task and priority. */
  #keyed = new Map<string, KeyedLanes>();
  /** By queue: names of jobs that must be read before one can tell their lane. */
  #unread = new Map<string, Lane>();
  /** What each queue has saved up in the rounds of the weights. */
  readonly #credit = new Map<string, number>();

  constructor(order: QueueOrder, isOpen: (lane: Lane) => boolean) {
    this.#order = order;
    this.#isOpen = isOpen;
  }

  /** How many names there are, in open lanes and closed ones. */
  get size(): number {
    return [...this.#all()].reduce((size, lane) => size + lane.size, 0);
  }

  /** Whether a name has a more urgent priority, its first character, than the next one of some lane. */
  isMoreUrgent(name: string): boolean {
    const isMore = (head: string): boolean => head !== '' && name < head && name[0] !== head[0];
    for (const { head } of this.#lanes.values()) if (isMore(head)) return true;
    for (const { head } of this.#unread.values()) if (isMore(head)) return true;
    for (const keyed of this.#keyed.values()) if (isMore(keyed.someHead)) return true;
    return false;
  }

  clear(): void {
    this.#lanes = new Map();
    this.#keyed = new Map();
    this.#unread = new Map();
  }

  /** Puts each lane's names in order. */
  sort(): void {
    for (const lane of [...this.#lanes.values(), ...this.#unread.values()]) lane.sort();
    for (const keyed of this.#keyed.values()) keyed.sort();
  }

  /** Where the names of a key's jobs go, which begin with their priority. */
  ofKey(queue: string, task: string, limitKey: string, priority: string): Lane {
    const group = `${queue}\n${task}\n${priority}`;
    const keyed = this.#keyed.get(group) ?? new KeyedLanes(queue, task, this.#turns);
    this.#keyed.set(group, keyed);
    return keyed.of(limitKey);
  }

  /** Where names of jobs go that are not read yet. */
  unreadOf(queue: string): Lane {
    const lane = this.#unread.get(queue) ?? new Lane(queue, null);
    this.#unread.set(queue, lane);
    return lane;
  }

  /** The lane whose next name is to be read first; null when all are read. */
  nextUnread(): Lane | null {
    // Nearly always there are none, and this is asked for every batch.
    return this.#unread.size === 0 ? null : soonest([...this.#unread.values()].filter(({ size }) => size > 0));
  }

  /** A name of this lane was given out. */
  served({ task, limitKey }: Lane): void {
    if (task === null || limitKey === null) return;
    this.#turns.take(task, limitKey);
    for (const keyed of this.#keyed.values()) keyed.served(limitKey);
  }

  of(queue: string, task: string | null): Lane {
    const key = task === null ? queue : `${queue}\n${task}`;
    const lane = this.#lanes.get(key) ?? new Lane(queue, task);
    this.#lanes.set(key, lane);
    return lane;
  }

  /** How many names are in lanes that are open, as far as they are counted. */
  get openSize(): number {
    let size = 0;
    for (const lanes of [this.#lanes, this.#unread])
      for (const lane of lanes.values()) if (this.#isOpen(lane)) size += lane.size;
    for (const keyed of this.#keyed.values()) size += keyed.openSize(this.#isOpen);
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
    if (this.#keyed.size > 0) {
      for (const keyed of this.#keyed.values()) {
        const lane = keyed.next(this.#isOpen);
        if (lane === null) continue;
        if (first === null) first = lane;
        else (others ??= []).push(lane);
      }
    }
    return first === null || others === null ? first : this.#choose([first, ...others]);
  }

  *#all(): Generator<Lane> {
    yield* this.#lanes.values();
    yield* this.#unread.values();
    for (const keyed of this.#keyed.values()) yield* keyed.all;
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
