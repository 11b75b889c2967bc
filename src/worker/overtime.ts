/**
 * The deadline of a child's run, as the supervisor keeps it. The supervisor must kill the child in the very run that is over its limit,
 * and never in the next one:
 *
 * - The child says when a run with a limit begins and when it has ended. At the deadline the supervisor first reads all messages
 *   that have come, and kills only if the end of the run is not among them.
 * - The child's own clock starts before the supervisor's. A child whose run ended after the limit by that clock begins nothing more
 *   until the supervisor has pardoned it: a kill may be on its way.
 * - The child is never stopped (SIGSTOP) meanwhile: if the supervisor died then, the child would neither work nor end.
 */
import type { LimitedRun } from '../app/execute.ts';
import type { EndedRun } from '../broker/worker-side.ts';
import { after, type LongTimer } from '../app/timers.ts';

export interface OvertimeActions {
  /** The run ended late, and the child is not killed: it may go on. */
  pardon(): void;
  /** This run has reached its limit. */
  onOver(run: LimitedRun): void;
}

/** How long the supervisor listens after the limit, ms: one round of its event loop reads all messages that have come. */
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
   * The run for whose limit the process was killed; null if it ended for another reason. To be asked after the child's last message.
   *
   * @param wasKilled the process ended by SIGKILL. Its own watchdog may have sent that, as it does where this process was stopped
   */
  verdict(wasKilled: boolean): LimitedRun | null {
    return this.#killed ?? (wasKilled && performance.now() >= this.#endsAt ? this.#run : null);
  }

  #over(run: LimitedRun): void {
    this.#killed = run;
    this.#actions.onOver(run);
  }
}

/** A run that was killed at its limit, for the keeper's recovery. */
export function endedRun({ id, startedAtMs, limitMs, defaults }: LimitedRun): EndedRun {
  return { id, startedAtMs, ending: { kind: 'timed-out', limitMs }, defaults };
}
