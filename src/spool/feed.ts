/**
 * Which jobs are ready, in order: a sorted batch of names from one listing, then what the watch reports.
 *
 * Names are hints. Several takers may get the same name; one rename succeeds. A name that was handed out and not taken
 * comes again with the next listing, so nothing waits behind a busy process while another is idle.
 */
import type { SpoolContext } from './context.ts';
import { parseJobFileName } from './layout.ts';
import { DirectoryWatch, Poll } from './watch.ts';

export interface FeedOptions {
  readonly queues: readonly string[] | null;
  /** There may be something to take; called only after a `take` that came back empty. */
  readonly onReady: () => void;
  /** A name in pending/ that is no job's; told once for each. */
  readonly onForeign?: (name: string) => void;
  /** Looking failed; the next poll looks again. */
  readonly onTrouble: (error: unknown) => void;
}

/** A name is not handed out again within this time, ms: it bounds what a job that cannot be claimed may cost. */
const HAND_OUT_AGAIN_MS = 20;
/** What comes while a lookout is posted is left to it for one to two times this long, ms: longer than it needs when it is idle. */
const LEFT_TO_LOOKOUT_MS = 2;
/** How many names are remembered as handed out before old ones are dropped. */
const REMEMBERED = 20_000;

export class Feed {
  readonly #context: SpoolContext;
  readonly #options: FeedOptions;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  readonly #handedOutAtMs = new Map<string, number>();
  readonly #foreign = new Set<string>();
  /** Ready names in reverse order, so that the next is popped. */
  #backlog: string[] = [];
  #isWaiting = false;
  #hasHeldBack = false;
  #nextListingAtMs = 0;
  #hasLookout = false;
  /** What was heard while a lookout is posted: in this span of time, and in the one before. */
  #heard = new Set<string>();
  #heardBefore = new Set<string>();
  #spanTimer: NodeJS.Timeout | null = null;

  constructor(context: SpoolContext, options: FeedOptions) {
    this.#context = context;
    this.#options = options;
    this.#watch = new DirectoryWatch(context.files, context.layout.pending, (name) =>
      this.#try(() => this.#hear(name)),
    );
    this.#poll = new Poll(() => this.#try(() => this.#check()), false);
  }

  /** Up to `max` names, the next first. After [] the options' `onReady` is called once there may be some. */
  take(max: number): readonly string[] {
    if (this.#backlog.length === 0) this.#try(() => this.#fill());
    const names: string[] = [];
    while (names.length < max) {
      const name = this.#backlog.pop();
      if (name === undefined) break;
      this.#handOut(name);
      names.push(name);
    }
    this.#isWaiting = names.length === 0;
    return names;
  }

  /** While somebody else looks out, names are told only when they were left lying. */
  setLookout(isPosted: boolean): void {
    this.#hasLookout = isPosted;
  }

  /** How many names are at hand. */
  get size(): number {
    return this.#backlog.length;
  }

  close(): void {
    this.#isWaiting = false;
    this.#poll.stop();
    this.#watch.close();
    if (this.#spanTimer !== null) clearTimeout(this.#spanTimer);
  }

  /** A failed look never reads as "nothing there": the next poll comes, whatever happened. */
  #try(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#hasHeldBack = true;
      this.#poll.start();
      this.#options.onTrouble(error);
    }
  }

  /** Watch, then check: what comes after the listing is reported by the watch. */
  #fill(): void {
    if (performance.now() < this.#nextListingAtMs && this.#watch.isOpen) return;
    this.#list();
    if (this.#backlog.length > 0) {
      this.#watch.close(); // While there is a backlog, events would only cost time.
      this.#poll.stop();
      return;
    }
    if (this.#watch.isOpen) return;
    this.#watch.open();
    this.#list();
    this.#poll.start();
  }

  #list(): void {
    const startedAt = performance.now();
    this.#watch.hasChanged();
    this.#hasHeldBack = false;
    const names: string[] = [];
    for (const name of this.#context.files.list(this.#context.layout.pending)) {
      if (!this.#isWanted(name)) continue;
      if (this.#wasJustHandedOut(name)) this.#hasHeldBack = true;
      else names.push(name);
    }
    this.#backlog = names.sort().reverse();
    // A directory that was huge stays slow to list: ext4 does not shrink it. The watch bridges the time between.
    const tookMs = performance.now() - startedAt;
    this.#nextListingAtMs = tookMs < 1 ? 0 : startedAt + 10 * tookMs;
  }

  #hear(name: string | null): void {
    if (!this.#isWaiting) return;
    if (name === null) return this.#check();
    if (this.#hasLookout) return this.#leaveToLookout(name);
    // The same event tells of a name that came and of one that left: the latter was handed out a moment ago.
    if (!this.#isWanted(name) || this.#wasJustHandedOut(name) || this.#backlog.includes(name)) return;
    this.#backlog.unshift(name);
    this.#announce();
  }

  #check(): void {
    if (!this.#isWaiting) return;
    if (!this.#watch.hasChanged() && !this.#hasHeldBack) return;
    this.#list();
    if (this.#backlog.length > 0) this.#announce();
  }

  #leaveToLookout(name: string): void {
    this.#heard.add(name);
    this.#spanTimer ??= setTimeout(() => this.#try(() => this.#endSpan()), LEFT_TO_LOOKOUT_MS);
  }

  /** What was heard before this span began and lies there still was left: the lookout is busy. */
  #endSpan(): void {
    const { files, layout } = this.#context;
    const left = [...this.#heardBefore].filter((name) => files.exists(`${layout.pending}/${name}`));
    this.#heardBefore = this.#heard;
    this.#heard = new Set();
    this.#spanTimer =
      this.#heardBefore.size === 0 ? null : setTimeout(() => this.#try(() => this.#endSpan()), LEFT_TO_LOOKOUT_MS);
    if (!this.#isWaiting || left.length === 0) return;
    this.#backlog = left
      .filter((name) => this.#isWanted(name))
      .toSorted()
      .toReversed();
    if (this.#backlog.length > 0) this.#announce();
  }

  #announce(): void {
    this.#isWaiting = false;
    this.#poll.start();
    this.#options.onReady();
  }

  #isWanted(name: string): boolean {
    const parsed = parseJobFileName(name);
    if (parsed === null) {
      if (!this.#foreign.has(name) && this.#foreign.size < REMEMBERED) {
        this.#foreign.add(name);
        this.#options.onForeign?.(name);
      }
      return false;
    }
    return this.#options.queues === null || this.#options.queues.includes(parsed.queue);
  }

  #handOut(name: string): void {
    if (this.#handedOutAtMs.size >= REMEMBERED) this.#forgetOld();
    this.#handedOutAtMs.set(name, performance.now());
  }

  #wasJustHandedOut(name: string): boolean {
    const atMs = this.#handedOutAtMs.get(name);
    return atMs !== undefined && performance.now() - atMs < HAND_OUT_AGAIN_MS;
  }

  #forgetOld(): void {
    // Insertion order is time order up to renewals; half is enough to keep this rare.
    let surplus = REMEMBERED / 2;
    for (const name of this.#handedOutAtMs.keys()) {
      if (surplus-- === 0) break;
      this.#handedOutAtMs.delete(name);
    }
  }
}
