/** One process that runs jobs of the spool: an owner that takes the names of its source one by one, and examines each job it got. */
import type { Claim, Consumer, ConsumerOptions } from '../broker/worker-side.ts';
import { afterwards, isPromise, type Soon } from '../broker/soon.ts';
import { FsqError } from '../job/errors.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../job/names.ts';
import { NO_RULES } from '../job/queue-limits.ts';
import { isSuspect, revoked } from '../job/lifecycle.ts';
import { Admission } from './claims/admission.ts';
import { type Claimant, examine, take } from './claims/claim.ts';
import type { SpoolContext } from './disk/context.ts';
import { jobFileName, parseJobFileName } from './layout.ts';
import { DiskWait, waitForDisk } from './disk/disk-wait.ts';
import { HintedNames } from './claims/hinted-names.ts';
import type { Taken } from './job-file/holder.ts';
import { Instructions } from './claims/instructions.ts';
import { type NamesToTry, OwnNames } from './claims/names-to-try.ts';
import { register, type Registration } from './owners/owner.ts';
import { isMarked } from './notes/notes.ts';
import { isPassing, spoolError } from './disk/trouble.ts';

export class SpoolConsumer implements Consumer {
  readonly #context: SpoolContext;
  readonly #registration: Registration;
  readonly #claimant: Claimant;
  /** While an outcome or a claim waits for the disk, nothing more is claimed. */
  readonly #diskWait: DiskWait;
  readonly #names: NamesToTry;
  readonly #instructions: Instructions;
  readonly #alone: () => Promise<void> | null;
  readonly #queues: readonly string[] | null;

  static async open(context: SpoolContext, options: ConsumerOptions): Promise<SpoolConsumer> {
    const { queues, tasks, limits = NO_RULES, slots = 1, parent = null, sending, line, onEvent, signal } = options;
    const role = line === undefined ? 'consumer' : 'child';
    const about = {
      role,
      queues,
      tasks,
      slots,
      limits,
      parent,
      ...(sending === undefined ? {} : { sending }),
    } as const;
    const open = async (): Promise<SpoolConsumer> =>
      new SpoolConsumer(context, options, await register(context, about));
    if (line === undefined) return open();
    // A child takes the place of one that died, perhaps while the disk is full: its worker must not end for that.
    return waitForDisk({ onEvent, giveUp: signal }, open);
  }

  private constructor(context: SpoolContext, options: ConsumerOptions, registration: Registration) {
    const { onEvent, onRevoked, onTerminate, line, limits, queues, order, logBytes } = options;
    const { owner, directory } = registration;
    const onTrouble = (error: unknown): void => onEvent?.({ kind: isPassing(error) ? 'disk-wait' : 'unusable', error });
    this.#context = context;
    this.#alone = options.alone ?? (() => null);
    this.#queues = queues;
    this.#registration = registration;
    this.#diskWait = new DiskWait(onEvent);
    context.odd.onEvent = (event) => onEvent?.(event);
    const admission = Admission.of(context, limits);
    this.#claimant = { owner, directory, onEvent: (event) => this.#diskWait.hear(event), admission, logBytes };
    this.#names =
      line === undefined
        ? new OwnNames(context, { ...options, onForeign: (name) => onEvent?.({ kind: 'foreign', name }), onTrouble })
        : new HintedNames(context, line, {
            queues,
            order,
            isHeldBack: (name) => this.#isHeldBack(name),
            isLeftToOthers: (name) => this.#instructions.isLeftToOthers(name),
            onOwnLook: () => this.#instructions.lookForPauses(),
            onInstruction: (hint) => this.#instructions.hear(hint),
            onTrouble,
          });
    this.#instructions = new Instructions(context, {
      isAlone: line === undefined,
      onRevoked,
      onTerminate,
      onPaused: (paused) => this.#names.pause?.(paused),
      onTrouble,
    });
  }

  get owner(): string {
    return this.#registration.owner;
  }

  next(signal: AbortSignal): Soon<Claim | null> {
    const first = signal.aborted || this.#diskWait.isOn ? null : this.#tryNextName(signal);
    return first === null || isPromise(first) ? this.#search(signal, first) : first;
  }

  async take(id: string, queue: string | null): Promise<Claim | null> {
    const names = queue === null ? readyNamesOf(this.#context, id) : likelyNames(id, queue);
    for (const name of names) {
      const isServed = this.#queues?.includes(parseJobFileName(name)?.queue ?? '') ?? true;
      if (!isServed || this.#diskWait.isOn || this.#isHeldBack(name) || this.#instructions.isLeftToOthers(name))
        continue;
      if (isOfSuspect(name) && this.#alone() !== null) continue;
      const claim = await this.#tryName(name);
      if (claim !== null) return claim;
    }
    return null;
  }

  async close(): Promise<void> {
    this.#names.close();
    this.#instructions.stop();
    await this.#registration.release();
  }

  async #search(signal: AbortSignal, first: Soon<Claim | null>): Promise<Claim | null> {
    for (let claimed = await first; ; claimed = await this.#tryNextName(signal)) {
      if (claimed !== null) return claimed;
      if (this.#diskWait.isOn) await this.#diskWait.over(signal);
      if (signal.aborted) return null;
      if (this.#names.isEmpty) await this.#names.more(signal);
    }
  }

  /** Null when there is no name at hand, or nothing to run behind it. */
  #tryNextName(signal: AbortSignal): Soon<Claim | null> {
    const name = this.#names.next();
    if (name === null || this.#isHeldBack(name)) return null;
    const alone = isOfSuspect(name) ? this.#alone() : null;
    return alone === null ? this.#tryName(name) : alone.then(() => (signal.aborted ? null : this.#tryName(name)));
  }

  #tryName(name: string): Soon<Claim | null> {
    return afterwards(this.#tryTake(name), (taken) => (taken === null ? null : this.#examine(taken)));
  }

  /** Costs nothing while no queue is paused and nothing is limited. */
  #isHeldBack(name: string): boolean {
    return this.#claimant.admission?.wasRefused(name) === true || this.#instructions.isPaused(name);
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

  /** The job belongs to this process now: a look that the disk refuses is repeated until it succeeds. */
  #examine(taken: Taken): Soon<Claim | null> {
    const claim = waitForDisk(this.#claimant, () => examine(this.#context, this.#claimant, taken));
    return afterwards(claim, (given) =>
      given !== null && this.#instructions.isRevoked(given.job.id) ? this.#unlessRevoked(given) : given,
    );
  }

  /** A job that is revoked and comes back to be run is not begun. */
  #unlessRevoked(claim: Claim): Soon<Claim | null> {
    if (!isMarked(this.#context, claim.job.id)) return claim;
    return afterwards(claim.settle(revoked(claim, false), null), () => null);
  }
}

/** The name tells it, so that the job can stay where it is until this process has time for it. */
function isOfSuspect(fileName: string): boolean {
  // Nearly every name ends so: it need not be taken apart.
  if (fileName.endsWith('.0.json')) return false;
  const name = parseJobFileName(fileName);
  return name !== null && isSuspect(name);
}

/** How a job is named that was just sent by another. A wrong name costs a failed rename. */
function likelyNames(id: string, queue: string): readonly string[] {
  const queues = new Set([queue, DEFAULT_QUEUE]);
  return [...queues].map((one) => jobFileName({ id, queue: one, priority: DEFAULT_PRIORITY, attempt: 0, crashes: 0 }));
}

function readyNamesOf({ files, layout }: SpoolContext, id: string): readonly string[] {
  return files.list(layout.pending).filter((name) => parseJobFileName(name)?.id === id);
}
