/** Where a consumer gets the names from that it tries: here from a look of its own, in hinted-names.ts from its worker. */
import type { ConsumerOptions } from '../../broker/worker-side.ts';
import { NO_RULES } from '../../job/queue-limits.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Feed, type FeedOptions } from '../ready/feed.ts';
import { Gate } from '../ready/gate.ts';

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
    this.#names.add(names);
  }

  close(): void {
    this.#feed.close();
  }
}

/** Names to try, one after another. */
export class NameQueue {
  #names: string[] = [];
  #next = 0;
  #last: string | null = null;

  get size(): number {
    return this.#names.length - this.#next;
  }

  /** The name that was tried last. */
  get last(): string | null {
    return this.#last;
  }

  add(names: readonly string[]): void {
    this.#names = this.size === 0 ? [...names] : [...this.#names.slice(this.#next), ...names];
    this.#next = 0;
  }

  push(name: string): void {
    if (this.size === 0) {
      this.#names.length = 0;
      this.#next = 0;
    }
    this.#names.push(name);
  }

  shift(): string | null {
    const name = this.#names[this.#next];
    if (name === undefined) return null;
    this.#next++;
    this.#last = name;
    return name;
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
