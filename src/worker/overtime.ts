/**
 * The run of a child that has a time limit, as its supervisor sees it: the deadline, and what is done when it has come.
 *
 * The child says when such a run begins and when it ended. A run that ended just before its deadline must not have its child killed,
 * which may have begun another job by then. So, when the time has come, the supervisor first hears what the child has said until
 * then, and only then kills; and a child whose run ended later than its limit allows, by its own clock, which began sooner, waits
 * for the supervisor's pardon before it does anything more. Whoever is killed is so in the very run whose time is over. Nobody is
 * ever stopped: a supervisor that died in between would leave a process behind that neither works nor ends.
 */
import type { LimitedRun } from '../app/execute.ts';
import type { EndedRun } from '../broker/worker-side.ts';
import { after, type LongTimer } from '../app/timers.ts';

export interface OvertimeActions {
  /** It ended late, and nobody has killed it: it may go on. */
  pardon(): void;
  /** The time of this run is over: kill it. */
  onOver(run: LimitedRun): void;
}

/** How long the supervisor listens after the limit, ms: a round of its event loop, which reads all that has been said. */
const LISTEN_MS = 10;

export class Overtime {
  readonly #actions: OvertimeActions;
  #run: LimitedRun | null = null;
  #endsAt = 0;
  #timer: LongTimer | null = null;
  #killed: LimitedRun | null = null;

  constructor(actions: OvertimeActions) {
    this.#actions = actions;
  }

  /** The child has begun this run. */
  begin(run: LimitedRun): void {
    this.close();
    this.#run = run;
    this.#endsAt = performance.now() + run.limitMs;
    this.#timer = after(run.limitMs, () => (this.#timer = after(LISTEN_MS, () => this.#over(run))));
  }

  /** The run that was told last has ended; `isLate`: the child waits for a pardon. */
  ended(isLate: boolean): void {
    this.close();
    this.#run = null;
    if (isLate && this.#killed === null) this.#actions.pardon();
  }

  /** The process has ended. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /**
   * The run that the process died of, when its time was over; to be asked once the process has ended and all it said was heard.
   *
   * @param wasKilled that it ended by SIGKILL: then its own watchdog may have been faster, as it is where this process was stopped
   */
  verdict(wasKilled: boolean): LimitedRun | null {
    return this.#killed ?? (wasKilled && performance.now() >= this.#endsAt ? this.#run : null);
  }

  #over(run: LimitedRun): void {
    this.#killed = run;
    this.#actions.onOver(run);
  }
}

/** A run that was killed at its limit, as recovery is told of it. */
export function endedRun({ id, startedAtMs, limitMs, defaults }: LimitedRun): EndedRun {
  return { id, startedAtMs, ending: { kind: 'timed-out', limitMs }, defaults };
}
