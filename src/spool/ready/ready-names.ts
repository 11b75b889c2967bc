/**
 * The names of ready jobs that one process knows, in lanes. They come from listings of pending/ and one by one from a watch. Names of
 * queues and tasks that are held back stay in their lanes until they may start.
 *
 * Names are hints: several takers may get the same one, and one rename succeeds. A name that was given out and not taken comes
 * again with a later listing, so no job waits for a busy process while another is idle.
 */
import type { QueueOrder } from '../../broker/worker-side.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Gate, LimitedKind } from './gate.ts';
import { type Lane, Lanes } from './lanes.ts';
import { type JobName, parseJobFileName } from '../layout.ts';
import { RecentNames } from './recent-names.ts';

/** How long jobs are read for their tasks at a time, ms; and at least so many, however busy the machine is. */
const SORT_FOR_MS = 20;
const SORT_AT_LEAST = 16;
/** How many names that are no jobs' are remembered. */
const REMEMBERED = 20_000;

export interface ReadyNamesOptions {
  /** Null for all. */
  readonly queues: readonly string[] | null;
  readonly order: QueueOrder;
  /** A name in pending/ that is no job's; told once for each. */
  readonly onForeign?: (name: string) => void;
}

export class ReadyNames {
  readonly pace: ListingPace = new ListingPace();
  /** There may be jobs in pending/ that no lane has: a listing is wanted, also if the directory does not change any more. */
  isIncomplete = false;
  readonly #context: SpoolContext;
  readonly #gate: Gate;
  readonly #options: ReadyNamesOptions;
  readonly #lanes: Lanes;
  readonly #given = new RecentNames();
  readonly #foreign = new Set<string>();

  constructor(context: SpoolContext, gate: Gate, options: ReadyNamesOptions) {
    this.#context = context;
    this.#gate = gate;
    this.#options = options;
    this.#lanes = new Lanes(options.order, (lane) => gate.isOpen(lane));
  }

  /** How many names may be given out. */
  get size(): number {
    return this.#lanes.openSize;
  }

  /** Whether there may be names beside those that may be given out. */
  get hasMore(): boolean {
    return this.isIncomplete || this.#lanes.size > 0;
  }

  /** Whether the name was given out a moment ago. A watch tells of a name that leaves by the same event as of one that comes. */
  wasGiven(name: string): boolean {
    return this.#given.has(name);
  }

  isThere(name: string): boolean {
    const { files, layout } = this.#context;
    return files.exists(`${layout.pending}/${name}`);
  }

  /** Begins anew with what lies in pending/. @param isWatched a watch tells of what comes meanwhile and later */
  list(isWatched: boolean): void {
    const startedAt = performance.now();
    const names = this.#context.files.list(this.#context.layout.pending);
    this.isIncomplete = false;
    this.#lanes.clear();
    this.#gate.startListing();
    for (const name of names) {
      const parsed = this.#wanted(name);
      if (parsed === null) continue;
      if (this.#given.has(name)) this.isIncomplete = true;
      else this.#laneOf(parsed, name).push(name);
    }
    this.#lanes.sort();
    this.pace.listed(startedAt, isWatched);
  }

  /** Adds a name that has come; false if it may not be given out now. One that is held back is left to a later listing. */
  add(name: string): boolean {
    const parsed = this.#wanted(name);
    if (parsed === null) return false;
    const lane = this.#laneOf(parsed, name);
    if (!this.#gate.isOpen(lane)) {
      this.isIncomplete = true;
      return false;
    }
    if (!lane.includes(name)) lane.push(name);
    return true;
  }

  /**
   * Adds a name that has come beside others, if it is more urgent than they are, or if the turn may be that of its key. The others are left to a
   * later listing.
   */
  addIfUrgent(name: string): void {
    const isUrgent = this.#lanes.isMoreUrgent(name);
    if (!isUrgent && !this.#gate.hasKeys) return;
    if (this.wasGiven(name) || !this.isThere(name)) return;
    const parsed = this.#wanted(name);
    if (parsed === null) return;
    if (isUrgent) this.#laneOf(parsed, name).insert(name);
    else this.#lanes.unreadOf(parsed.queue).push(name);
  }

  /**
   * Appends the next names to `names`, which gets `max` of them at most. A job whose task turns out to be held back changes to
   * the lane of its task.
   *
   * @returns false when there are more to sort in this way, and others should have their turn first
   */
  giveOut(names: string[], max: number): boolean {
    const untilMs = performance.now() + SORT_FOR_MS;
    this.readAhead(untilMs);
    let held = 0;
    while (names.length < max) {
      const lane = this.#lanes.next();
      const name = lane?.pop();
      if (lane === null || name === undefined) return !this.hasUnread;
      if (!this.#gate.isInUse || this.#passes(lane, name)) {
        this.#given.add(name);
        names.push(name);
      } else if (++held >= SORT_AT_LEAST && performance.now() > untilMs) return false;
    }
    return true;
  }

  /** Whether there are names of jobs that must be read before one can tell whose turn it is. */
  get hasUnread(): boolean {
    return this.#lanes.nextUnread() !== null;
  }

  /** Reads such jobs, some of them at least, and puts their names into their lanes. */
  readAhead(untilMs: number = performance.now() + SORT_FOR_MS): void {
    for (let read = 1, lane = this.#lanes.nextUnread(); lane !== null; read++, lane = this.#lanes.nextUnread()) {
      const name = lane.pop() ?? '';
      this.#laneFor(lane.queue, this.#gate.limitedKind(name), name).push(name);
      if (read >= SORT_AT_LEAST && performance.now() > untilMs) return;
    }
  }

  #passes(lane: Lane, name: string): boolean {
    const { queue } = lane;
    const kind = lane.task === null ? this.#gate.limitedKind(name) : { task: lane.task, limitKey: lane.limitKey };
    const isOpen = this.#gate.isOpen({ queue, task: kind?.task ?? null, limitKey: kind?.limitKey ?? null });
    if (!isOpen) this.#laneFor(queue, kind, name).push(name);
    else {
      this.#gate.count(name, queue, kind);
      this.#lanes.served(lane);
    }
    return isOpen;
  }

  #laneOf({ queue, id }: JobName, name: string): Lane {
    const kind = this.#gate.knownKind(id);
    if (kind === undefined && this.#gate.hasKeys) return this.#lanes.unreadOf(queue);
    return this.#laneFor(queue, kind ?? null, name);
  }

  #laneFor(queue: string, kind: LimitedKind | null, name: string): Lane {
    if (kind === null || kind.limitKey === null) return this.#lanes.of(queue, kind?.task ?? null);
    return this.#lanes.ofKey(queue, kind.task, kind.limitKey, name.slice(0, 1));
  }

  /** Null for what is none of our jobs. */
  #wanted(name: string): JobName | null {
    const { queues, onForeign } = this.#options;
    const parsed = parseJobFileName(name);
    if (parsed !== null) return queues === null || queues.includes(parsed.queue) ? parsed : null;
    if (!this.#foreign.has(name) && this.#foreign.size < REMEMBERED) {
      this.#foreign.add(name);
      onForeign?.(name);
    }
    return null;
  }
}

/** A listing when there is nothing to give out may take a tenth of the time. */
const LISTING_COST_FACTOR = 10;
/** Listings that cost less than this, ms, may follow one another. */
const CHEAP_MS = 1;
/**
 * While there are names, pending/ is listed anew for urgent jobs: this often, ms, or for a twenty-fifth of the time. Where a watch
 * tells of urgent jobs, the listing is for those that the watch loses.
 */
const RELIST = { everyMs: 40, costFactor: 25, watchedFactor: 500 };
/**
 * A listing that takes longer than this, ms, comes too seldom to find urgent jobs: that is some fifty thousand names. The bound is not
 * lower, because a watch that is open makes each claim's rename twice as slow, which costs a worker a third of its jobs a second.
 */
const LARGE_MS = 50;

/** When pending/ is listed again, by what its listing costs. A directory that was huge stays slow to list: ext4 does not shrink it. */
class ListingPace {
  #nextAtMs = 0;
  #relistAtMs = 0;
  #isLarge = true;

  /** A listing has ended. */
  listed(startedAtMs: number, isWatched: boolean): void {
    const tookMs = performance.now() - startedAtMs;
    this.#nextAtMs = tookMs < CHEAP_MS ? 0 : startedAtMs + LISTING_COST_FACTOR * tookMs;
    this.#isLarge = tookMs > LARGE_MS;
    const costFactor = isWatched && this.#isLarge ? RELIST.watchedFactor : RELIST.costFactor;
    this.#relistAtMs = startedAtMs + Math.max(RELIST.everyMs, costFactor * tookMs);
  }

  /** Whether it may be listed because no name is left. */
  get mayList(): boolean {
    return performance.now() >= this.#nextAtMs;
  }

  /** Whether it is to be listed although there are names. */
  get isDue(): boolean {
    return performance.now() > this.#relistAtMs;
  }

  /** A watch has to tell of urgent jobs. True before the first listing, whose cost is not known. */
  get isLarge(): boolean {
    return this.#isLarge;
  }
}
