/** One process that runs jobs of the spool: an owner, and the names it tries next. */
import type { BrokerEvent, Claim, Consumer, ConsumerOptions, Hints } from '../broker/broker.ts';
import { type Claimant, examine, take, type Taken } from './claim.ts';
import type { SpoolContext } from './context.ts';
import { Feed } from './feed.ts';
import { hasCode } from './files.ts';
import { parseJobFileName } from './layout.ts';
import { register, type Registration } from './owner.ts';
import { withPatience } from './patience.ts';
import { isPassing, spoolError } from './trouble.ts';
import { DirectoryWatch } from './watch.ts';

/** How long hints may fail to come before it looks for itself, ms: a lost hint, or a parent that is stopped, costs this. */
const LOOK_YOURSELF_MS = 1_000;
/** Names taken from one look of its own. */
const OWN_LOOK = 16;
const REFUSED_FOR_MS = 60_000;

export class SpoolConsumer implements Consumer {
  readonly #context: SpoolContext;
  readonly #registration: Registration;
  readonly #claimant: Claimant;
  readonly #queues: readonly string[] | null;
  readonly #onEvent: ((event: BrokerEvent) => void) | undefined;
  readonly #feed: Feed | null;
  readonly #hints: Hints | null;
  readonly #pending: DirectoryWatch;
  readonly #refusedUntil = new Map<string, number>();
  #names: string[] = [];
  #next = 0;
  #wake: (() => void) | null = null;
  /** Names were asked for and have not come: one question is enough. */
  #hasAsked = false;
  /** A look of its own at pending/ is due, because of a change or because the last one failed. */
  #hasToLook = false;

  static async open(context: SpoolContext, options: ConsumerOptions, uniqueName: () => string): Promise<SpoolConsumer> {
    const role = options.hints === undefined ? 'consumer' : 'child';
    const { queues, tasks, mark = null, hints, onEvent, signal } = options;
    const open = async (): Promise<SpoolConsumer> =>
      new SpoolConsumer(
        context,
        options,
        await register(context, { role, queues, tasks, mark }, uniqueName),
        uniqueName,
      );
    if (hints === undefined) return open();
    // A child takes the place of one that died, perhaps while the disk is full: its worker must not end for that.
    return withPatience(onEvent, open, signal);
  }

  private constructor(
    context: SpoolContext,
    options: ConsumerOptions,
    registration: Registration,
    uniqueName: () => string,
  ) {
    const { onEvent, hints, queues } = options;
    const { owner, directory } = registration;
    this.#context = context;
    this.#registration = registration;
    this.#queues = queues;
    this.#onEvent = onEvent;
    this.#claimant = { owner, directory, uniqueName, ...(onEvent === undefined ? {} : { onEvent }) };
    this.#pending = new DirectoryWatch(context.files, context.layout.pending, () => undefined);
    this.#hints = hints ?? null;
    this.#feed = hints === undefined ? this.#ownFeed() : null;
    hints?.onNames((names) => {
      this.#hasAsked = false;
      this.#offer(names);
    });
  }

  get owner(): string {
    return this.#registration.owner;
  }

  async next(signal: AbortSignal): Promise<Claim | null> {
    while (!signal.aborted) {
      const name = this.#names[this.#next++];
      if (name === undefined) {
        await this.#moreNames(signal);
        continue;
      }
      const claimed = await this.#tryClaim(name);
      if (claimed !== null) return claimed;
    }
    return null;
  }

  async close(): Promise<void> {
    this.#feed?.close();
    await this.#registration.release();
  }

  async #tryClaim(name: string): Promise<Claim | null> {
    const taken = await this.#tryTake(name);
    if (taken === null) return null;
    // It is ours now, whatever the disk says: it is looked at until that succeeds.
    let claimed: Claim | null = null;
    await withPatience(this.#onEvent, async () => {
      claimed = await examine(this.#context, this.#claimant, taken);
    });
    return claimed;
  }

  async #tryTake(name: string): Promise<Taken | null> {
    if ((this.#refusedUntil.get(name) ?? 0) > performance.now()) return null;
    let taken: Taken | null = null;
    try {
      await withPatience(this.#onEvent, async () => {
        taken = take(this.#context, this.#claimant, name);
      });
    } catch (error) {
      if (hasCode(error, 'EROFS')) throw spoolError(error, `Nothing can be claimed in ${this.#context.layout.root}`);
      if (!hasCode(error, 'EACCES', 'EPERM', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'EBUSY')) throw error;
      this.#refusedUntil.set(name, performance.now() + REFUSED_FOR_MS);
      this.#onEvent?.({ kind: 'refused', name, error });
    }
    return taken;
  }

  #offer(names: readonly string[]): void {
    this.#names = this.#next >= this.#names.length ? [...names] : [...this.#names.slice(this.#next), ...names];
    this.#next = 0;
    this.#wake?.();
  }

  /** Resolves when there may be names to try, or when `signal` aborts. */
  #moreNames(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#hints === null ? null : setTimeout(() => this.#lookMyself(), LOOK_YOURSELF_MS);
      const wake = (): void => {
        if (timer !== null) clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#wake = null;
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake);
      this.#ask();
    });
  }

  #ask(): void {
    if (this.#feed === null) {
      if (!this.#hasAsked) this.#hints?.want();
      this.#hasAsked = true;
    } else {
      const names = this.#feed.take(OWN_LOOK);
      if (names.length > 0) this.#offer(names);
    }
  }

  #lookMyself(): void {
    try {
      if (this.#pending.hasChanged()) this.#hasToLook = true;
      if (this.#hasToLook) this.#offer(this.#namesInPending());
      this.#hasToLook = false;
    } catch (error) {
      this.#onEvent?.({ kind: isPassing(error) ? 'paused' : 'unusable', error });
    }
    this.#wake?.(); // Also after a failed look: the next one comes in a second.
  }

  #namesInPending(): readonly string[] {
    const { files, layout } = this.#context;
    const names = files.list(layout.pending).filter((name) => {
      const queue = parseJobFileName(name)?.queue;
      return queue !== undefined && (this.#queues === null || this.#queues.includes(queue));
    });
    return names.sort().slice(0, OWN_LOOK);
  }

  #ownFeed(): Feed {
    return new Feed(this.#context, {
      queues: this.#queues,
      onReady: () => this.#wake?.(),
      onForeign: (name) => this.#onEvent?.({ kind: 'foreign', name }),
      onTrouble: (error) => this.#onEvent?.({ kind: isPassing(error) ? 'paused' : 'unusable', error }),
    });
  }
}
