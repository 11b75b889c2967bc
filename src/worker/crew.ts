/** The children of a worker: keeps the wanted number of them at work. */
import { type ChildMessage, isHeard, tell } from '../app/telling/diagnostics.ts';
import type { LimitedRun } from '../app/execute.ts';
import { type ChildEvents, WorkerChild } from './child-process.ts';
import type { Launch } from './launch.ts';
import { howOf, type Logger, seconds } from './log.ts';
import type { FromChild } from './messages.ts';
import type { Relay } from './relay.ts';
import { cannotStart, idleEndHint, Restarts } from './restart.ts';

/** A child that ends sooner, ms, and without a job, did not end because of a job: its database may be away, say. */
const IDLE_LIFE_MS = 5_000;

interface CrewOptions {
  /** How many children work, 1 to 512. */
  readonly concurrency: number;
  readonly log: Logger;
  /** Passes on what children print. */
  readonly relay: Relay;
  /** How the next child is started. */
  readonly launch: () => Launch;
}

export interface CrewEvents {
  onMessage(child: WorkerChild, message: FromChild): void;
  onPrinted(child: WorkerChild, stream: 'stdout' | 'stderr', chunk: Buffer): void;
  /** The child takes no more jobs, or has ended. */
  onLeaving(child: WorkerChild): void;
  /** The place of a child that left has been given to another. */
  onSuccession(): void;
  /** Recovers the jobs of a child that has ended. Gives whether it held any. */
  recover(child: WorkerChild, signal: NodeJS.Signals | null): Promise<boolean>;
  /** All children end before they are ready, and none starts any more. */
  onHopeless(message: string): void;
}

/**
 * A child's place among the children, until its jobs are recovered.
 *
 *   held ──it ends──► another starts there, at once or after a delay
 *    │ retire
 *    ├──► ceded: another has started there already
 *    └──► awaited: too many live at a time; another starts when it has ended
 */
type Place = 'held' | 'ceded' | 'awaited';

export class Crew implements ChildEvents {
  readonly #options: CrewOptions;
  readonly #events: CrewEvents;
  readonly #places = new Map<WorkerChild, Place>();
  readonly #restarts = new Restarts(() => this.#phase === 'running' && this.#fork());
  #phase: Phase = 'running';
  #tellEnd: () => void = () => undefined;
  /** Resolves when no child lives, what each held is recovered, and none will start. */
  readonly ended: Promise<void> = new Promise((resolve) => (this.#tellEnd = resolve));

  constructor(options: CrewOptions, events: CrewEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** 'running' until `end`: only then are children replaced. */
  get phase(): Phase {
    return this.#phase;
  }

  /** Those that live. */
  get children(): readonly WorkerChild[] {
    return [...this.#places.keys()].filter(({ state }) => state !== 'ended');
  }

  /** True when every place has a living child. A place whose child is to be replaced counts too, once any child has been ready. */
  get isComplete(): boolean {
    const isComing = this.#restarts.size > 0 && !this.#restarts.wasEverReady;
    return !isComing && this.children.length === this.#places.size;
  }

  /** @param neverGivesUp somebody is working on the modules: no number of failed starts is the end */
  start(neverGivesUp: boolean): void {
    if (neverGivesUp) this.#restarts.persist();
    // A signal, or trouble with the store, may come before each of them.
    for (let i = 0; i < this.#options.concurrency && this.#phase === 'running'; i++) this.#fork();
  }

  /** All children drain or stop, and no other starts. */
  end(phase: Exclude<Phase, 'running'>): void {
    this.#phase = phase;
    this.#restarts.cancel();
    for (const child of this.children) {
      this.#events.onLeaving(child);
      if (phase === 'draining') child.drain();
      else child.stop();
    }
    this.#endIfEmpty();
  }

  /**
   * The child takes no more jobs: another begins at once, while the outcomes of this one arrive. Where the disk lets none arrive,
   * no more than twice the number of children wait for it.
   */
  retire(child: WorkerChild, why: string, level: 'info' | 'debug' = 'info'): void {
    if (this.#phase !== 'running' || this.#places.get(child) !== 'held') return;
    this.#options.log[level](`child ${child.pid} is replaced: ${why}`);
    child.leave();
    this.#events.onLeaving(child);
    const hasRoom = this.children.length < 2 * this.#options.concurrency;
    this.#places.set(child, hasRoom ? 'ceded' : 'awaited');
    if (hasRoom) this.#fork();
    this.#events.onSuccession();
  }

  /** The task modules have changed: running children finish their jobs with the old ones, and new children start with the new ones. */
  renew(what: string): void {
    if (this.#phase !== 'running') return;
    this.#options.log.info(`${what} has changed: new children start, the old ones finish their jobs`);
    this.#restarts.cancel();
    for (const child of this.children) {
      if (this.#places.get(child) !== 'held') continue;
      this.retire(child, 'its modules have changed', 'debug');
      child.drain();
    }
    // Also in the places of children that could not load the old modules. A child that has just ended is replaced after its recovery.
    const taken = [...this.#places.values()].filter((place) => place !== 'ceded').length;
    for (let i = taken; i < this.#options.concurrency; i++) this.#fork();
  }

  /** Kills the child because the job that it runs is revoked with `terminate`. May be called again until the process has ended. */
  terminate(child: WorkerChild, id: string): void {
    if (child.deathCause !== null) return;
    child.killForJob();
    this.#options.log.warn(`job ${id} is revoked: child ${child.pid} is killed with all it has started`, { job: id });
  }

  /** Kills the child because what it runs may be another's by now. May be called again until the process has ended. */
  fence(child: WorkerChild, why: string): void {
    if (child.deathCause !== null) return;
    child.fence();
    this.#options.log.error(`${why}: child ${child.pid} is killed with all it has started`);
  }

  onMessage(child: WorkerChild, message: FromChild): void {
    if (message.type === 'ready') {
      this.#restarts.persist();
      const { owner, tasks } = message;
      tellOfChild(() => ({ kind: 'ready', pid: child.pid, owner, tasks: tasks.map(({ name }) => name) }));
    }
    if (message.type === 'retiring') this.retire(child, message.why);
    else this.#events.onMessage(child, message);
  }

  onPrinted(child: WorkerChild, stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#events.onPrinted(child, stream, chunk);
  }

  onOverdue(child: WorkerChild): void {
    this.#options.log.error(`child ${child.pid} ${child.start.complaint} It is killed.`);
    child.killGroup();
  }

  onOverLimit(child: WorkerChild, { id, task, limitMs }: LimitedRun): void {
    const limit = `its timeLimit of ${seconds(limitMs)}`;
    this.#options.log.error(`${task} ${id} has run for ${limit}: child ${child.pid} is killed with all it started`);
    child.killGroup();
  }

  onExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void {
    this.#events.onLeaving(child);
    const { pid, owner, deathCause } = child;
    tellOfChild(() => ({ kind: 'ended', pid, owner, code, signal, cause: toldCause(deathCause) }));
    void this.#afterExit(child, code, signal);
  }

  async #afterExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    // Processes that jobs of a parted child have started may live on. A job of any other child runs again, and must not meet its own.
    const hasParted = child.deathCause?.kind === 'parted';
    if (!hasParted) child.killGroup();
    if (!hasParted && this.#phase === 'draining') this.#options.log.error(child.endText(code, signal));
    const hasHeld = await this.#events.recover(child, signal);
    const place = this.#places.get(child);
    this.#places.delete(child);
    if (this.#phase !== 'running') return this.#endIfEmpty();
    if (place === 'held') return this.#replace(child, hasHeld, code, signal);
    if (code !== 0 && child.owner !== null)
      this.#options.log.error(`child ${child.pid} ${howOf(code, signal)} while its last outcomes were on their way`);
    if (place === 'awaited') this.#fork();
    this.#events.onSuccession();
  }

  #replace(child: WorkerChild, hasHeld: boolean, code: number | null, signal: NodeJS.Signals | null): void {
    const hasCrashed = child.deathCause?.kind === 'crashed';
    const where = hasCrashed && child.owner === null ? child.start.whereItEnded(signal) : '';
    const how = `${child.endText(code, signal)}${where}`;
    const startFailure = child.deathCause?.kind === 'unborn' ? child.deathCause.error : null;
    const wasOfUse = hasHeld || child.workedMs > IDLE_LIFE_MS;
    const delayMs = this.#restarts.replace({ wasOfUse, startFailure });
    if (delayMs === null) return this.#events.onHopeless(cannotStart(how, child.lastWords()));
    const hint = child.owner !== null && !wasOfUse ? idleEndHint(code) : '';
    this.#options.log.error(`${how}; a new one starts ${delayMs === 0 ? 'now' : `in ${delayMs} ms`}${hint}`);
  }

  #fork(): void {
    const child = new WorkerChild(this.#options.launch(), this.#options.relay, this);
    this.#places.set(child, 'held');
    const { pid } = child;
    if (pid !== null) tellOfChild(() => ({ kind: 'started', pid }));
  }

  /** Not while what a child held is on its way back: the recovery needs the store, which is closed at the end. */
  #endIfEmpty(): void {
    if (this.#places.size === 0) this.#tellEnd();
  }
}

/** Whether a job is to blame for a crash is the recovery's to know. */
function toldCause(cause: WorkerChild['deathCause']): Extract<ChildMessage, { kind: 'ended' }>['cause'] {
  return cause === null || cause.kind === 'blamed' || cause.kind === 'fenced' ? 'crashed' : cause.kind;
}

function tellOfChild(message: () => ChildMessage): void {
  if (isHeard('child')) tell('child', message());
}

type Phase = 'running' | 'draining' | 'stopping';
export type ShutdownSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'SIGQUIT';

const NUMBERS: Readonly<Record<ShutdownSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** First SIGTERM, SIGINT or SIGHUP: finish the jobs at hand. Second, or SIGQUIT: stop now, jobs are queued again. */
export function phaseAfter(phase: Phase, signal: ShutdownSignal): Phase {
  // A terminal that is closed sends it twice: by its shell and by the kernel.
  if (signal === 'SIGHUP' && phase !== 'running') return phase;
  return phase === 'running' && signal !== 'SIGQUIT' ? 'draining' : 'stopping';
}

/** 128 + the signal's number when a signal forced the end (as shells count); 1 when a job failed that counts; else 0. */
export function exitCodeAfter(phase: Phase, signal: ShutdownSignal | null, hasFailedJob: boolean): number {
  if (phase === 'stopping' && signal !== null) return 128 + NUMBERS[signal];
  return hasFailedJob ? 1 : 0;
}
