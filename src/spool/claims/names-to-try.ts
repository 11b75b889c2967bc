/** Where a consumer gets the names from that it tries: here from a look of its own, in hinted-names.ts from its worker. */
import { BY_AGE, type ConsumerOptions, type QueueOrder } from '../../broker/worker-side.ts';
import { NO_RULES } from '../../job/queue-limits.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Feed, type FeedOptions } from '../ready/feed.ts';
import { Gate } from '../ready/gate.ts';
import { Lanes } from '../ready/lanes.ts';

export interface NamesToTry {
  /** True when `next` has nothing to give. */
  readonly isEmpty: boolean;
  /** The next name to try; null when there is none at hand. */
  next(): string | null;
  /** Resolves when there may be names, or when `signal` aborts. Called when it is empty, by one caller at a time. */
  more(signal: AbortSignal): Promise<void>;
  /** These queues are paused, and no others. The consumer checks each name itself: a source that looks ahead saves it names. */
  pause?(queues: ReadonlySet<string>): void;
  close(): void;
}

/** Names taken from one look of its own. */
const OWN_LOOK = 16;

type OwnNamesOptions = Pick<ConsumerOptions, 'limits'> & Omit<FeedOptions, 'gate' | 'onReady'>;

/** Names from a feed of its own: of a consumer that no worker looks out for. */
export class OwnNames implements NamesToTry {
  readonly #gate: Gate;
  readonly #feed: Feed;
  readonly #names = new NameQueue();
  readonly #waiter = new Waiter();

  constructor(context: SpoolContext, options: OwnNamesOptions) {
    this.#gate = new Gate(context, options.limits ?? NO_RULES);
    this.#feed = new Feed(context, { ...options, gate: this.#gate, onReady: () => this.#waiter.wake() });
  }

  pause(queues: ReadonlySet<string>): void {
    this.#gate.pause(queues);
    this.#feed.recheck();
  }

  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  next(): string | null {
    return this.#names.shift();
  }

  async more(signal: AbortSignal): Promise<void> {
    const names = this.#feed.take(OWN_LOOK);
    if (names.length === 0) return this.#waiter.wait(signal);
    this.#names.give(names);
  }

  close(): void {
    this.#feed.close();
  }
}

/** Names to try: those that were given, one after another, then those that were heard of, in the order of the queues. */
export class NameQueue {
  #given: string[] = [];
  #next = 0;
  readonly #heard: Lanes;
  #heardCount = 0;
  #heardUntilMs = Number.POSITIVE_INFINITY;
  #last: string | null = null;

  constructor(order: QueueOrder = BY_AGE) {
    this.#heard = new Lanes(order, () => true);
  }

  get size(): number {
    return this.#given.length - this.#next + this.#heardCount;
  }

  /** The name that was tried last. */
  get last(): string | null {
    return this.#last;
  }

  give(names: readonly string[]): void {
    const left = this.#given.length - this.#next;
    this.#given = left === 0 ? [...names] : [...this.#given.slice(this.#next), ...names];
    this.#next = 0;
  }

  /** Names that come while another job runs are not tried in the order of their coming: the last may be the most urgent. */
  hear(name: string, queue: string): void {
    this.#heardUntilMs = Number.POSITIVE_INFINITY;
    const lane = this.#heard.of(queue, null);
    const before = lane.size;
    lane.insert(name);
    this.#heardCount += lane.size - before; // A watch may tell of a name twice.
  }

  /** No more names are heard of: those that are left are dropped unless they are tried within this time, ms. */
  endHearing(withinMs: number): void {
    this.#heardUntilMs = performance.now() + withinMs;
  }

  shift(): string | null {
    const name = this.#given[this.#next] ?? this.#shiftHeard();
    if (name === null) return null;
    if (this.#next < this.#given.length) this.#next++;
    this.#last = name;
    return name;
  }

  #shiftHeard(): string | null {
    if (this.#heardCount === 0) return null;
    if (performance.now() > this.#heardUntilMs) {
      this.#heard.clear();
      this.#heardCount = 0;
      return null;
    }
    this.#heardCount--;
    return this.#heard.next()?.pop() ?? null;
  }
}

/** Lets one caller wait until it is woken. */
export class Waiter {
  #wake: (() => void) | null = null;

  get isOn(): boolean {
    return this.#wake !== null;
  }

  wake(): void {
    this.#wake?.();
  }

  /** Resolves with `wake`, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = (): void => {
        signal.removeEventListener('abort', end);
        this.#wake = null;
        resolve();
      };
      const end = this.#wake;
      signal.addEventListener('abort', end);
    });
  }
}
