/**
 * Names that a child's worker gives it. The child asks for them, and the worker may post it as the lookout: of the idle children the
 * one that watches pending/ itself. The state says what was asked last:
 *
 *   supplied          half of many names are left  ─► early     it asks
 *   supplied, early   all names are used           ─► idle      it asks, and has nothing to do
 *   idle              the worker posts it          ─► lookout   watch of pending/
 *   lookout           the worker relieves it       ─► supplied, or idle where it waits; what it only heard of is soon dropped
 *   any state         the worker gives names       ─► supplied
 *
 * A hint may be lost, and a worker may be stopped: a child that waits for a second looks at pending/ itself, then less and less often.
 */
import { BY_AGE, type Line, type QueueOrder } from '../../broker/worker-side.ts';
import { FirstNames } from '../ready/first-names.ts';
import { type Hint, parseTold, type Want } from '../ready/hints.ts';
import type { SpoolContext } from '../disk/context.ts';
import { parseJobFileName } from '../layout.ts';
import { NameQueue, type NamesToTry, Waiter } from './names-to-try.ts';
import { DirectoryWatch } from '../disk/watch.ts';

/** How long hints may fail to come before a child looks itself, ms. It doubles with every such look, until names come. */
const LOOK_YOURSELF_MS = { first: 1_000, longest: 10_000 };
/** Names taken from one look of its own. */
const OWN_LOOK = 16;
/** With so many names or more, new ones are asked for when half are left: such a batch is given for quick jobs only. */
const ASK_EARLY_FROM = 8;
/** Of what a lookout has heard of when it is relieved, quick jobs are tried; after a long one another job may be next, ms. */
const TRIED_WITHIN_MS = 20;
/** A lookout keeps so many names that it has not tried; more are left to the others. */
const KEPT_AT_MOST = 64;

export interface HintedNamesOptions {
  /** Null for all. */
  readonly queues: readonly string[] | null;
  /** Whose jobs come first where it looks for itself; default: by age. */
  readonly order?: QueueOrder | undefined;
  /** Whether the job must not be tried now. */
  readonly isHeldBack: (name: string) => boolean;
  /** Whether the job is left to other workers; it may cost reading the job. */
  readonly isLeftToOthers: (name: string) => boolean;
  /** It looks for itself: what its worker has to tell may not have come, either. */
  readonly onOwnLook: () => void;
  /** The worker has told something else than names. */
  readonly onInstruction: (hint: Exclude<Hint, NameHint>) => void;
  readonly onTrouble: (error: unknown) => void;
}

type NameHint = Extract<Hint, { readonly type: 'names' | 'lookout' }>;
type State = 'supplied' | 'early' | 'idle' | 'lookout';

export class HintedNames implements NamesToTry {
  readonly #options: HintedNamesOptions;
  readonly #line: Line;
  readonly #pending: PendingDirectory;
  readonly #names: NameQueue;
  readonly #waiter = new Waiter();
  #state: State = 'supplied';
  /** How many names are left when it asks early; -1: it does not. */
  #earlyAt = -1;
  #lookMs = LOOK_YOURSELF_MS.first;

  constructor(context: SpoolContext, line: Line, options: HintedNamesOptions) {
    this.#options = options;
    this.#line = line;
    this.#names = new NameQueue(options.order);
    this.#pending = new PendingDirectory(context, options, (name) => this.#hear(name));
    line.listen(
      (word) => {
        const told = parseTold(word);
        if (told?.type === 'names' || told?.type === 'lookout') this.#beTold(told);
        else if (told !== null) options.onInstruction(told);
      },
      () => options.onInstruction({ type: 'alone' }),
    );
  }

  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  next(): string | null {
    const name = this.#names.shift();
    if (this.#names.size === this.#earlyAt && this.#state === 'supplied') this.#become('early');
    return name;
  }

  async more(signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.#lookInVain(), this.#lookMs);
    const woken = this.#waiter.wait(signal);
    if (this.#state === 'supplied' || this.#state === 'early') this.#become('idle');
    await woken;
    clearTimeout(timer);
  }

  close(): void {
    this.#pending.unwatch();
  }

  #beTold(hint: NameHint): void {
    if (hint.type === 'names') {
      this.#become('supplied');
      this.#add(hint.names);
    } else if (hint.isPosted) this.#become('lookout');
    else {
      this.#names.endHearing(TRIED_WITHIN_MS);
      this.#become(this.#waiter.isOn ? 'idle' : 'supplied');
    }
  }

  /** The one place that changes the state: it asks, and opens and closes the watch. */
  #become(state: State): void {
    this.#state = state;
    if (state === 'lookout') this.#pending.watch();
    else this.#pending.unwatch();
    if (state === 'early' || state === 'idle')
      this.#line.say({ type: 'want', isIdle: state === 'idle' } satisfies Want);
  }

  #add(names: readonly string[]): void {
    if (names.length > 0) this.#lookMs = LOOK_YOURSELF_MS.first;
    this.#names.give(names);
    this.#earlyAt = names.length >= ASK_EARLY_FROM ? names.length >>> 1 : -1;
    this.#waiter.wake();
  }

  /** A name has come, or has left: the watch tells of both by the same event. As a rule, the last one that was tried has left. */
  #hear(name: string | null): void {
    if (name === null) return this.#look(true);
    if (name === this.#names.last || this.#names.size >= KEPT_AT_MOST) return;
    if (!this.#pending.isCandidate(name) || this.#options.isLeftToOthers(name)) return;
    this.#lookMs = LOOK_YOURSELF_MS.first;
    this.#names.hear(name, parseJobFileName(name)?.queue ?? '');
    this.#waiter.wake();
  }

  #lookInVain(): void {
    this.#lookMs = Math.min(LOOK_YOURSELF_MS.longest, 2 * this.#lookMs);
    this.#look(false);
  }

  #look(hasChanged: boolean): void {
    try {
      const names = this.#pending.first(hasChanged);
      if (names !== null) this.#add(names);
    } catch (error) {
      this.#options.onTrouble(error);
    }
    this.#waiter.wake(); // Also after a look that failed: the next one comes in time.
  }
}

/** The directory of ready jobs, as a child sees it that looks itself. */
class PendingDirectory {
  readonly #context: SpoolContext;
  readonly #options: HintedNamesOptions;
  readonly #watch: DirectoryWatch;
  readonly #first: FirstNames;
  /** It has changed since it was listed, or the last listing has failed. */
  #hasChanged = false;

  constructor(context: SpoolContext, options: HintedNamesOptions, onEvent: (name: string | null) => void) {
    this.#context = context;
    this.#options = options;
    this.#first = new FirstNames(options.order ?? BY_AGE, OWN_LOOK);
    this.#watch = new DirectoryWatch(context.files, context.layout.pending, onEvent);
  }

  watch(): void {
    this.#watch.open();
  }

  unwatch(): void {
    this.#watch.close();
  }

  /** Whether the job is of a queue that this child serves, and may be tried now. */
  isCandidate(name: string): boolean {
    const queue = parseJobFileName(name)?.queue;
    const { queues, isHeldBack } = this.#options;
    return queue !== undefined && (queues === null || queues.includes(queue)) && !isHeldBack(name);
  }

  /**
   * The names to try first; null when nothing has changed since the last listing. Only a few are kept: the worker may be busy listing a
   * million names, and its children must not all do the same.
   */
  first(isKnownToHaveChanged: boolean): readonly string[] | null {
    const { files, layout } = this.#context;
    if (this.#watch.hasChanged() || isKnownToHaveChanged) this.#hasChanged = true;
    if (!this.#hasChanged) return null;
    this.#options.onOwnLook();
    const first = this.#first.of(files.walk(layout.pending), (name) => this.isCandidate(name));
    const names = first.filter((name) => !this.#options.isLeftToOthers(name));
    this.#hasChanged = false;
    return names;
  }
}
