/**
 * Which jobs are ready, in order: sorted names from a listing, then what the watch reports. Names of queues and tasks that are
 * held back stay here until they may start.
 *
 * Names are hints. Several takers may get the same name; one rename succeeds. A name that was handed out and not taken
 * comes again with the next listing, so nothing waits behind a busy process while another is idle.
 */
import { BY_AGE, type QueueOrder } from '../broker/worker-side.ts';
import { NO_RULES } from '../job/queue-limits.ts';
import type { SpoolContext } from './context.ts';
import { Gate } from './gate.ts';
import { HandedOut, LeftLying } from './handed-out.ts';
import { type Lane, Lanes } from './lanes.ts';
import { type JobName, parseJobFileName } from './layout.ts';
import { ListingPace } from './listing-pace.ts';
import { DirectoryWatch, Poll } from './watch.ts';

export interface FeedOptions {
  readonly queues: readonly string[] | null;
  /** Default: by age. */
  readonly order?: QueueOrder;
  /** Default: nothing is held back. */
  readonly gate?: Gate;
  /** There may be something to take; called only after a `take` that came back empty. */
  readonly onReady: () => void;
  /** A name in pending/ that is no job's; told once for each. */
  readonly onForeign?: (name: string) => void;
  /** Looking failed; the next poll looks again. */
  readonly onTrouble: (error: unknown) => void;
}

/** How long jobs are read for their tasks at a time, ms. */
const CLASSIFY_FOR_MS = 20;
/** How many names that are no jobs' are remembered. */
const REMEMBERED = 20_000;

export class Feed {
  readonly #context: SpoolContext;
  readonly #options: FeedOptions;
  readonly #gate: Gate;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  readonly #handedOut = new HandedOut();
  readonly #foreign = new Set<string>();
  readonly #lanes: Lanes;
  readonly #isOpen: (lane: Lane) => boolean;
  #isWaiting = false;
  /** There are jobs that the lanes do not have. */
  #isStale = false;
  readonly #pace = new ListingPace();
  #hasLookout = false;
  readonly #left = new LeftLying((names) => this.#try(() => this.#takeLeft(names)));
  #gateTimer: NodeJS.Timeout | null = null;
  #classifyUntilMs = 0;
  /** Names of which the task is not known yet are left, and this turn's time is over. */
  #isClassifying = false;

  constructor(context: SpoolContext, options: FeedOptions) {
    this.#context = context;
    this.#options = options;
    this.#gate = options.gate ?? new Gate(context, NO_RULES);
    this.#isOpen = (lane) => !this.#gate.isInUse || this.#gate.isOpen(lane);
    this.#lanes = new Lanes(options.order ?? BY_AGE);
    this.#watch = new DirectoryWatch(context.files, context.layout.pending, (name) =>
      this.#try(() => this.#hear(name)),
    );
    this.#poll = new Poll(() => this.#try(() => this.#check()), false);
  }

  /** Up to `max` names, the next first. After [] the options' `onReady` is called once there may be some. */
  take(max: number): readonly string[] {
    const names: string[] = [];
    this.#try(() => {
      this.#gate.look();
      this.#classifyUntilMs = performance.now() + CLASSIFY_FOR_MS;
      if (this.size === 0) this.#fill();
      else if (this.#pace.isDue) this.#relist();
      const hadSome = this.size > 0;
      this.#giveOut(names, max);
      // All turned out to be held back: the watch was closed for nothing.
      if (names.length === 0 && hadSome && !this.#isClassifying) this.#fill();
      this.#giveOut(names, max);
    });
    this.#isWaiting = names.length === 0;
    if (this.#isWaiting && this.#isClassifying) this.#goOnSoon();
    else if (this.#isWaiting) this.#waitForGate();
    return names;
  }

  #giveOut(names: string[], max: number): void {
    while (names.length < max) {
      const name = this.#nextName();
      if (name === null) break;
      this.#handedOut.add(name);
      names.push(name);
    }
  }

  /** While somebody else looks out, names are told only when they were left lying. */
  setLookout(isPosted: boolean): void {
    this.#hasLookout = isPosted;
  }

  /** What is held back may be let through now. */
  recheck(): void {
    if (!this.#isWaiting) return;
    this.#try(() => {
      this.#gate.look();
      if (this.#isStale && this.#pace.mayList) this.#list();
      if (this.size > 0) this.#announce();
      else this.#waitForGate();
    });
  }

  /** How many names may be handed out. */
  get size(): number {
    return this.#lanes.openSize(this.#isOpen);
  }

  close(): void {
    this.#isWaiting = false;
    this.#poll.stop();
    this.#watch.close();
    this.#left.close();
    if (this.#gateTimer !== null) clearTimeout(this.#gateTimer);
  }

  /** A failed look never reads as "nothing there": the next poll comes, whatever happened. */
  #try(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#isStale = true;
      this.#poll.start();
      this.#options.onTrouble(error);
    }
  }

  /** The next of an open lane. Whose task turns out to be held back changes to its lane. */
  #nextName(): string | null {
    for (;;) {
      const lane = this.#lanes.next(this.#isOpen);
      const name = lane?.pop();
      if (lane === null || name === undefined) return null;
      if (!this.#gate.isInUse) return name;
      const task = lane.task ?? this.#limitedTask(name);
      if (this.#gate.isOpen({ queue: lane.queue, task })) {
        this.#gate.count(name, lane.queue, task);
        return name;
      }
      this.#lanes.of(lane.queue, task).push(name);
      this.#isClassifying = performance.now() > this.#classifyUntilMs;
      if (this.#isClassifying) return null;
    }
  }

  /** Reading a long backlog for its tasks leaves others their turn. */
  #goOnSoon(): void {
    setImmediate(() => {
      if (this.#isWaiting) this.#announce();
    });
  }

  #limitedTask(name: string): string | null {
    if (!this.#gate.hasTasks) return null;
    const parsed = parseJobFileName(name);
    return parsed === null ? null : this.#gate.limitedTask(parsed, name);
  }

  /** Watch, then check: what comes after the listing is reported by the watch. */
  #fill(): void {
    if (!this.#pace.mayList && this.#watch.isOpen) {
      this.#isStale = true; // A name that was handed out and is still there is found by the poll.
      if (!this.#poll.isOn) this.#poll.start();
      return;
    }
    if (this.#pace.isLarge) this.#watch.open();
    this.#list();
    if (this.size > 0) {
      if (!this.#pace.isLarge) this.#watch.close(); // While there are names, events would only cost time.
      this.#poll.stop();
      return;
    }
    if (!this.#watch.isOpen) {
      this.#watch.open();
      this.#list();
    }
    if (!this.#poll.isOn) this.#poll.start();
  }

  /** Where a listing costs much, events tell of urgent names meanwhile. */
  #relist(): void {
    this.#list();
    if (!this.#pace.isLarge && this.size > 0) this.#watch.close(); // It was open when they came.
    if (!this.#pace.isLarge || this.#watch.isOpen) return;
    this.#watch.open();
    this.#list(); // For what came before the watch.
  }

  #list(): void {
    const startedAt = performance.now();
    this.#watch.hasChanged();
    const names = this.#context.files.list(this.#context.layout.pending);
    this.#isStale = false;
    this.#lanes.clear();
    this.#gate.startListing();
    for (const name of names) {
      const parsed = this.#wanted(name);
      if (parsed === null) continue;
      if (this.#handedOut.hasRecent(name)) this.#isStale = true;
      else this.#lanes.of(parsed.queue, this.#gate.knownTask(parsed.id)).push(name);
    }
    this.#lanes.sort();
    this.#pace.listed(startedAt, this.#watch.isOpen);
  }

  #hear(name: string | null): void {
    if (!this.#isWaiting) return this.#hearUrgent(name);
    if (name === null) return this.#check();
    if (this.#hasLookout) return this.#left.hear(name);
    // The same event tells of a name that came and of one that left: the latter was handed out a moment ago.
    if (this.#handedOut.hasRecent(name) || !this.#addIfOpen(name)) return;
    this.#announce();
  }

  /** Beside a long backlog only what is more urgent than the next of it counts. */
  #hearUrgent(name: string | null): void {
    if (name === null || !this.#lanes.isMoreUrgent(name)) return;
    // The same event tells of a name that came and of one that left.
    if (this.#handedOut.hasRecent(name) || !this.#context.files.exists(`${this.#context.layout.pending}/${name}`))
      return;
    const parsed = this.#wanted(name);
    if (parsed !== null) this.#lanes.of(parsed.queue, this.#gate.knownTask(parsed.id)).insert(name);
  }

  /** What cannot be given out now is found by a later listing. */
  #addIfOpen(name: string): boolean {
    const parsed = this.#wanted(name);
    if (parsed === null) return false;
    const lane = this.#lanes.of(parsed.queue, this.#gate.knownTask(parsed.id));
    if (!this.#gate.isOpen(lane)) {
      this.#isStale = true;
      this.#waitForGate();
      return false;
    }
    if (!lane.includes(name)) lane.push(name);
    return true;
  }

  #check(): void {
    if (!this.#isWaiting) return;
    if (!this.#watch.hasChanged() && !this.#isStale) return;
    this.#list();
    this.#gate.look();
    if (this.size > 0) this.#announce();
    else this.#waitForGate();
  }

  #waitForGate(): void {
    if (this.#gateTimer !== null || (this.#lanes.size === 0 && !this.#isStale)) return;
    const ms = this.#gate.againInMs();
    if (ms === null) return;
    this.#gateTimer = setTimeout(() => {
      this.#gateTimer = null;
      this.recheck();
    }, ms);
    this.#gateTimer.unref();
  }

  #takeLeft(names: readonly string[]): void {
    const { files, layout } = this.#context;
    const left = names.filter((name) => files.exists(`${layout.pending}/${name}`));
    if (!this.#isWaiting || left.length === 0) return;
    this.#gate.look();
    const added = left.toSorted().filter((name) => this.#addIfOpen(name));
    if (added.length > 0) this.#announce();
  }

  #announce(): void {
    this.#isWaiting = false;
    this.#poll.start();
    this.#options.onReady();
  }

  /** Null for what is none of our jobs. */
  #wanted(name: string): JobName | null {
    const parsed = parseJobFileName(name);
    if (parsed === null) {
      if (!this.#foreign.has(name) && this.#foreign.size < REMEMBERED) {
        this.#foreign.add(name);
        this.#options.onForeign?.(name);
      }
      return null;
    }
    return this.#options.queues === null || this.#options.queues.includes(parsed.queue) ? parsed : null;
  }
}
