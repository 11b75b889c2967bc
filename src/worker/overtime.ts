/**
 * The run of a child that has a time limit, as its supervisor sees it: the deadline, and what is done when it has come.
 *
 * The child says when such a run begins and when it ended. A run that ended just before its deadline must not have its child killed,
 * which may have begun another job by then. So the child is frozen first: what it said before that is heard while it can do nothing
 * more, and then it either lives on or dies with the very run whose time is over.
 */
import type { EndedRun } from '../broker/broker.ts';
import { after, type LongTimer } from '../app/long-timer.ts';
import type { JobOptions } from '../job/job.ts';

/** A run that a child has begun. */
export interface LimitedRun {
  readonly id: string;
  readonly task: string;
  readonly startedAtMs: number;
  readonly limitMs: number;
  /** What its task's registration says where the job's file says nothing. */
  readonly defaults: JobOptions;
}

export interface OvertimeActions {
  freeze(): void;
  thaw(): void;
  /** The time of this run is over: kill it. */
  onOver(run: LimitedRun): void;
}

/** How long a frozen child is listened to, ms: long enough for the kernel to stop its threads and for what it had said to arrive. */
const LISTEN_MS = 10;

export class Overtime {
  readonly #actions: OvertimeActions;
  #run: LimitedRun | null = null;
  #endsAt = 0;
  #timer: LongTimer | null = null;
  #isFrozen = false;
  #killed: LimitedRun | null = null;

  constructor(actions: OvertimeActions) {
    this.#actions = actions;
  }

  /** The child has begun this run. */
  begin(run: LimitedRun): void {
    this.ended();
    this.#run = run;
    this.#endsAt = performance.now() + run.limitMs;
    this.#timer = after(run.limitMs, () => this.#freeze(run));
  }

  /** The run that was told last has ended. */
  ended(): void {
    this.close();
    this.#run = null;
    if (this.#isFrozen) this.#actions.thaw();
    this.#isFrozen = false;
  }

  /** The process has ended. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /**
   * The run that the process died of, when its time was over; to be asked once the process has ended.
   *
   * @param wasKilled that it ended by SIGKILL: then its own watchdog may have been faster, as it is where this process was stopped
   */
  verdict(wasKilled: boolean): LimitedRun | null {
    return this.#killed ?? (wasKilled && performance.now() >= this.#endsAt ? this.#run : null);
  }

  #freeze(run: LimitedRun): void {
    this.#isFrozen = true;
    this.#actions.freeze();
    this.#timer = after(LISTEN_MS, () => {
      this.#isFrozen = false;
      this.#killed = run;
      this.#actions.onOver(run);
    });
  }
}

/** A run that was killed at its limit, as recovery is told of it. */
export function endedRun({ id, startedAtMs, limitMs, defaults }: LimitedRun): EndedRun {
  return { id, startedAtMs, ending: { kind: 'timed-out', limitMs }, defaults };
}
