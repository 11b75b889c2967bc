/**
 * Gives out the names of ready jobs, the next first, and tells when there may be some again. A watch makes that fast, a poll makes it
 * sure. The state says where the names come from that are given out:
 *
 *   any state   a listing has names           ─► listed    no watch: beside names it costs more than it tells
 *   any state   no name is left               ─► waiting   watch, poll, and a timer where names are held back
 *   waiting     names come, and onReady       ─► told      the watch stays: lone jobs come one after another
 *   any state   reading tasks takes too long  ─► sorting   in the next turn onReady, and told
 *   any state   close                         ─► closed
 */
import { BY_AGE, type QueueOrder } from '../../broker/worker-side.ts';
import { NO_RULES } from '../../job/queue-limits.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Gate } from './gate.ts';
import { ReadyNames, type ReadyNamesOptions } from './ready-names.ts';
import { Lookout } from './recent-names.ts';
import { DirectoryWatch, Poll } from '../disk/watch.ts';

export interface FeedOptions extends Omit<ReadyNamesOptions, 'order'> {
  /** Default: by age. */
  readonly order?: QueueOrder;
  /** Default: nothing is held back. */
  readonly gate?: Gate;
  /** There may be something to take; called only after a `take` that came back empty. */
  readonly onReady: () => void;
  /** Looking failed; the next poll looks again. */
  readonly onTrouble: (error: unknown) => void;
}

/** Between two parts of a long backlog that is read, ms: a part takes twice as long. */
const READ_ON_MS = 10;

type State = 'listed' | 'told' | 'waiting' | 'sorting' | 'closed';

export class Feed {
  readonly #options: FeedOptions;
  readonly #gate: Gate;
  readonly #names: ReadyNames;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  readonly #lookout: Lookout;
  readonly #timers: { gate: NodeJS.Timeout | null; reading: NodeJS.Timeout | null } = { gate: null, reading: null };
  #state: State = 'listed';

  constructor(context: SpoolContext, options: FeedOptions) {
    this.#options = options;
    this.#gate = options.gate ?? new Gate(context, NO_RULES);
    this.#names = new ReadyNames(context, this.#gate, { order: BY_AGE, ...options });
    this.#watch = new DirectoryWatch(context.files, context.layout.pending, (name) =>
      this.#try(() => this.#hear(name)),
    );
    this.#poll = new Poll(() => this.#try(() => this.#check()), false);
    this.#lookout = new Lookout((names) => this.#try(() => this.#takeLeft(names)));
  }

  /** Up to `max` names, the next first. After [] the options' `onReady` is called once there may be some. */
  take(max: number): readonly string[] {
    const names: string[] = [];
    let isSorted = true;
    this.#try(() => {
      this.#gate.look();
      const isSure = (this.#names.size === 0 || this.#names.pace.isDue) && this.#list();
      isSorted = this.#names.giveOut(names, max);
      if (names.length > 0 || !isSorted || isSure) return;
      this.#become('waiting'); // First the watch, then the last look: the watch tells of a name that comes after it.
      this.#list();
      isSorted = this.#names.giveOut(names, max);
    });
    if (names.length === 0) this.#become(isSorted ? 'waiting' : 'sorting');
    else if (this.#state !== 'listed') this.#become('told');
    if (names.length > 0 && this.#names.hasUnread) this.#readOn();
    return names;
  }

  /** What waits is read on beside the jobs that run: the turn may be that of one far behind. */
  #readOn(): void {
    this.#timers.reading ??= setTimeout(() => {
      this.#timers.reading = null;
      if (this.#state === 'closed') return;
      this.#try(() => this.#names.readAhead());
      if (this.#names.hasUnread) this.#readOn();
    }, READ_ON_MS).unref();
  }

  /** While another process looks out, names are told only when that has left them. */
  setLookout(isPosted: boolean): void {
    this.#lookout.post(isPosted);
  }

  /** Names that are held back may be let through now. */
  recheck(): void {
    if (this.#state !== 'waiting') return;
    this.#try(() => {
      this.#gate.look();
      if (this.#names.isIncomplete && this.#names.pace.mayList) this.#list();
      this.#announceIfAny();
    });
  }

  /** How many names may be given out. */
  get size(): number {
    return this.#names.size;
  }

  close(): void {
    this.#become('closed');
  }

  /** The one place that changes the state, and that starts and stops what belongs to it. */
  #become(state: State): void {
    if (this.#state === 'closed') return;
    if (state === 'sorting' && this.#state !== 'sorting')
      setImmediate(() => this.#state === 'sorting' && this.#announce());
    this.#state = state;
    if (state === 'waiting') {
      this.#watch.open();
      if (!this.#poll.isOn) this.#poll.start();
      return this.#waitForGate();
    }
    this.#poll.stop();
    if (this.#timers.gate !== null) clearTimeout(this.#timers.gate);
    this.#timers.gate = null;
    // Beside names that were listed an event costs more than it tells, unless a new listing would cost even more.
    if (state === 'closed' || (state === 'listed' && !this.#names.pace.isLarge)) this.#watch.close();
    if (state !== 'closed') return;
    if (this.#timers.reading !== null) clearTimeout(this.#timers.reading);
    this.#lookout.close();
  }

  /** @returns whether the watch was open before: then it tells of every name that is missing here */
  #list(): boolean {
    if (this.#names.pace.isLarge) this.#watch.open();
    const isWatched = this.#watch.isOpen;
    if (isWatched && !this.#names.pace.mayList) {
      this.#names.isIncomplete = true; // A name that was given out and is still there is found by the poll.
      return true;
    }
    this.#watch.hasChanged();
    this.#names.list(isWatched);
    if (this.#names.size > 0) this.#become('listed');
    return isWatched;
  }

  #hear(name: string | null): void {
    if (this.#state !== 'waiting') {
      if (name !== null) this.#names.addIfUrgent(name);
    } else if (name === null) this.#check();
    else if (this.#lookout.isPosted) this.#lookout.leave(name);
    else if (!this.#names.wasGiven(name)) this.#add([name]);
  }

  #takeLeft(names: readonly string[]): void {
    if (this.#state !== 'waiting') return;
    const left = names.filter((name) => this.#names.isThere(name));
    if (left.length === 0) return;
    this.#gate.look();
    this.#add(left.toSorted());
  }

  #add(names: readonly string[]): void {
    const added = names.filter((name) => this.#names.add(name));
    if (added.length > 0) this.#announce();
    else this.#waitForGate();
  }

  #check(): void {
    if (this.#state !== 'waiting' || (!this.#watch.hasChanged() && !this.#names.isIncomplete)) return;
    this.#gate.look();
    this.#list();
    this.#announceIfAny();
  }

  #announceIfAny(): void {
    if (this.#names.size > 0) this.#announce();
    else this.#become('waiting');
  }

  #announce(): void {
    this.#become('told');
    this.#options.onReady();
  }

  #waitForGate(): void {
    const ms = this.#timers.gate !== null || !this.#names.hasMore ? null : this.#gate.againInMs();
    if (ms === null) return;
    this.#timers.gate = setTimeout(() => {
      this.#timers.gate = null;
      this.recheck();
    }, ms).unref();
  }

  /** A look that failed has not seen that nothing is there: the poll looks again, and soon. */
  #try(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#names.isIncomplete = true;
      if (this.#poll.isOn) this.#poll.start();
      this.#options.onTrouble(error);
    }
  }
}
