/** One process that runs jobs of the spool: an owner, and the names it tries next. */
import { type BrokerEvent, BY_AGE, type Claim, type Consumer, type ConsumerOptions } from '../broker/worker-side.ts';
import { afterwards, isPromise, type Soon } from '../broker/soon.ts';
import { FsqError } from '../job/errors.ts';
import { revoked } from '../job/lifecycle.ts';
import { NO_RULES } from '../job/queue-limits.ts';
import { Admission } from './admission.ts';
import { type Claimant, examine, take } from './claim.ts';
import type { SpoolContext } from './context.ts';
import { DiskWait, waitForDisk } from './disk-wait.ts';
import { Feed } from './feed.ts';
import { Gate } from './gate.ts';
import { type Hint, type Hints, hintsOver } from './ready/hints.ts';
import type { Taken } from './holder.ts';
import { parseJobFileName } from './layout.ts';
import { isMarked } from './revoked-jobs.ts';
import { Instructions } from './instructions.ts';
import { register, type Registration } from './owner.ts';
import { isPassing, spoolError } from './trouble.ts';
import { DirectoryWatch } from './watch.ts';

/**
 * How long hints may fail to come before it looks for itself, ms, doubling while it finds nothing: a lost hint, or a parent
 * that is stopped, costs this.
 */
const LOOK_YOURSELF_MS = { first: 1_000, longest: 10_000 };
/** Names taken from one look of its own. */
const OWN_LOOK = 16;
/** With this many names or more, new ones are asked for when half are left: such a batch is given for quick jobs only. */
const ASK_EARLY_FROM = 8;
/** Names that a lookout heard and has not tried; more are left to the others. */
const HEARD_AT_MOST = 64;

export class SpoolConsumer implements Consumer {
  readonly #context: SpoolContext;
  readonly #registration: Registration;
  readonly #claimant: Claimant;
  readonly #queues: readonly string[] | null;
  readonly #onEvent: ((event: BrokerEvent) => void) | undefined;
  /** While an outcome or a claim waits for the disk, nothing more is claimed. */
  readonly #diskWait: DiskWait;
  readonly #feed: Feed | null;
  readonly #hints: Hints | null;
  readonly #pending: DirectoryWatch;
  readonly #instructions: Instructions;
  #names: string[] = [];
  #next = 0;
  #lastTried: string | null = null;
  /** How many names are left when more are asked for; -1 when not before all are used. */
  #askAt = -1;
  #wake: (() => void) | null = null;
  /** What was asked and has not been answered: one question is enough. */
  #asked: 'nothing' | 'early' | 'idle' = 'nothing';
  #lookMs = LOOK_YOURSELF_MS.first;
  /** A look of its own at pending/ is due, because of a change or because the last one failed. */
  #hasToLook = false;

  static async open(context: SpoolContext, options: ConsumerOptions): Promise<SpoolConsumer> {
    const { queues, tasks, parent = null, line, onEvent, signal } = options;
    const role = line === undefined ? 'consumer' : 'child';
    const open = async (): Promise<SpoolConsumer> =>
      new SpoolConsumer(context, options, await register(context, { role, queues, tasks, parent }));
    if (line === undefined) return open();
    // A child takes the place of one that died, perhaps while the disk is full: its worker must not end for that.
    return waitForDisk({ onEvent, giveUp: signal }, open);
  }

  private constructor(context: SpoolContext, options: ConsumerOptions, registration: Registration) {
    const { onEvent, line, queues } = options;
    const hints = line === undefined ? null : hintsOver(line);
    const { owner, directory } = registration;
    this.#context = context;
    this.#registration = registration;
    this.#queues = queues;
    this.#onEvent = onEvent;
    this.#diskWait = new DiskWait(onEvent);
    context.odd.onEvent = (event) => onEvent?.(event);
    const admission = Admission.of(context, options.limits);
    this.#claimant = { owner, directory, onEvent: (event) => this.#diskWait.hear(event), admission };
    this.#pending = new DirectoryWatch(context.files, context.layout.pending, (name) => this.#hear(name));
    this.#hints = hints;
    const gate = hints === null ? new Gate(context, options.limits ?? NO_RULES) : null;
    this.#feed = gate === null ? null : this.#ownFeed(gate, options.order ?? BY_AGE);
    this.#instructions = new Instructions(context, {
      isAlone: hints === null,
      onRevoked: options.onRevoked,
      onPaused: (paused) => {
        gate?.pause(paused);
        this.#feed?.recheck();
      },
      onTrouble: (error) => this.#onTrouble(error),
    });
    hints?.listen((hint) => this.#listen(hint));
  }

  get owner(): string {
    return this.#registration.owner;
  }

  next(signal: AbortSignal): Soon<Claim | null> {
    const first = signal.aborted || this.#diskWait.isOn ? null : this.#tryNextName();
    return first === null || isPromise(first) ? this.#search(signal, first) : first;
  }

  async close(): Promise<void> {
    this.#feed?.close();
    this.#instructions.stop();
    this.#pending.close();
    await this.#registration.release();
  }

  async #search(signal: AbortSignal, first: Soon<Claim | null>): Promise<Claim | null> {
    for (let claimed = await first; ; claimed = await this.#tryNextName()) {
      if (claimed !== null) return claimed;
      if (this.#diskWait.isOn) await this.#diskWait.over(signal);
      if (signal.aborted) return null;
      if (this.#next >= this.#names.length) await this.#moreNames(signal);
    }
  }

  /** Null when there is no name at hand, or nothing to run behind it. */
  #tryNextName(): Soon<Claim | null> {
    const name = this.#names[this.#next];
    if (name === undefined) return null;
    this.#next++;
    this.#lastTried = name;
    if (this.#names.length - this.#next === this.#askAt) this.#askFor('early');
    if (this.#isHeldBack(name)) return null;
    return afterwards(this.#tryTake(name), (taken) => (taken === null ? null : this.#examine(taken)));
  }

  /** It is ours now, whatever the disk says: it is looked at until that succeeds. */
  #examine(taken: Taken): Soon<Claim | null> {
    const claim = waitForDisk(this.#claimant, () => examine(this.#context, this.#claimant, taken));
    return afterwards(claim, (given) => {
      if (given === null) return null;
      this.#lookMs = LOOK_YOURSELF_MS.first;
      return this.#instructions.isRevoked(given.job.id) ? this.#unlessRevoked(given) : given;
    });
  }

  /** What is revoked and comes back to be run is not begun. */
  #unlessRevoked(claim: Claim): Soon<Claim | null> {
    const { job } = claim;
    if (!isMarked(this.#context, job.id)) return claim;
    const settlement = revoked(claim, false);
    return afterwards(claim.settle(settlement, null), () => null);
  }

  #tryTake(name: string): Soon<Taken | null> {
    const { odd, layout } = this.#context;
    if (odd.isInUse && odd.isLeftAlone(`${layout.pending}/${name}`)) return null;
    const taken = waitForDisk(this.#claimant, () => take(this.#context, this.#claimant, name));
    return isPromise(taken) ? taken.catch((error: unknown) => this.#refuse(name, error)) : taken;
  }

  #refuse(name: string, error: unknown): null {
    const { odd, layout } = this.#context;
    if (odd.blame(error) === 'spool' && !(error instanceof FsqError))
      throw spoolError(error, `Nothing can be claimed in ${layout.root}`);
    odd.leaveAlone(`${layout.pending}/${name}`, error);
    return null;
  }

  #listen(hint: Hint): void {
    if (hint.type === 'names') {
      this.#asked = 'nothing';
      this.#pending.close();
      this.#offer(hint.names);
    } else if (hint.type === 'lookout') {
      if (hint.isPosted) this.#pending.open();
      else this.#standDown();
    } else this.#instructions.hear(hint);
  }

  #offer(names: readonly string[]): void {
    this.#names = this.#next >= this.#names.length ? [...names] : [...this.#names.slice(this.#next), ...names];
    this.#next = 0;
    this.#askAt = this.#hints !== null && names.length >= ASK_EARLY_FROM ? names.length >>> 1 : -1;
    this.#wake?.();
  }

  /** Resolves when there may be names to try, or when `signal` aborts. */
  #moreNames(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#hints === null ? null : setTimeout(() => this.#lookInVain(), this.#lookMs);
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
      this.#askFor('idle');
    } else {
      const names = this.#feed.take(OWN_LOOK);
      if (names.length > 0) this.#offer(names);
    }
  }

  /** An early question is repeated when it has become urgent. */
  #askFor(how: 'early' | 'idle'): void {
    if (this.#asked === how || this.#asked === 'idle') return;
    this.#asked = how;
    this.#hints?.want(how === 'idle');
  }

  /** Somebody else was given what we left lying: we ask anew, now or when we have nothing to do. */
  #standDown(): void {
    this.#pending.close();
    this.#asked = 'nothing';
    if (this.#wake !== null) this.#askFor('idle');
  }

  /** The same event tells of a name that came and of one that left, which was the last one we tried, as a rule. */
  #hear(name: string | null): void {
    if (name === null) {
      this.#hasToLook = true;
      return this.#lookMyself();
    }
    const isHeard = name === this.#lastTried || this.#names.length - this.#next >= HEARD_AT_MOST;
    if (isHeard || !this.#isWanted(name) || this.#isHeldBack(name) || this.#instructions.isLeftToOthers(name)) return;
    this.#names.push(name);
    this.#wake?.();
  }

  #isWanted(name: string): boolean {
    const queue = parseJobFileName(name)?.queue;
    return queue !== undefined && (this.#queues === null || this.#queues.includes(queue));
  }

  #lookInVain(): void {
    this.#lookMs = Math.min(LOOK_YOURSELF_MS.longest, 2 * this.#lookMs);
    this.#lookMyself();
  }

  #lookMyself(): void {
    try {
      if (this.#pending.hasChanged()) this.#hasToLook = true;
      if (this.#hasToLook) this.#offer(this.#namesInPending());
      this.#hasToLook = false;
    } catch (error) {
      this.#onTrouble(error);
    }
    this.#wake?.(); // Also after a failed look: the next one comes in a second.
  }

  /** Those to run first. Its worker may be busy with a listing of a million names: that must not be done in each child. */
  #namesInPending(): readonly string[] {
    const first: string[] = [];
    for (const name of this.#context.files.walk(this.#context.layout.pending)) {
      if (first.length === OWN_LOOK && name > (first.at(-1) ?? '')) continue;
      if (!this.#isWanted(name) || this.#isHeldBack(name)) continue;
      first.push(name);
      first.sort();
      if (first.length > OWN_LOOK) first.pop();
    }
    return first.filter((name) => !this.#instructions.isLeftToOthers(name));
  }

  /** Costs nothing while no queue is paused and nothing is limited. */
  #isHeldBack(name: string): boolean {
    if (this.#claimant.admission?.wasRefused(name) === true) return true;
    return this.#instructions.isPaused(name);
  }

  #ownFeed(gate: Gate, order: Required<ConsumerOptions>['order']): Feed {
    return new Feed(this.#context, {
      queues: this.#queues,
      order,
      gate,
      onReady: () => this.#wake?.(),
      onForeign: (name) => this.#onEvent?.({ kind: 'foreign', name }),
      onTrouble: (error) => this.#onTrouble(error),
    });
  }

  #onTrouble(error: unknown): void {
    this.#onEvent?.({ kind: isPassing(error) ? 'paused' : 'unusable', error });
  }
}
