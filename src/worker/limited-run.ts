/** Runs that have a time limit, in the process that runs them: who is told, and what is wound up and unwound. */
import { after } from '../app/long-timer.ts';
import type { Claim } from '../broker/broker.ts';
import { afterwards, type Soon } from '../broker/soon.ts';
import type { JobOptions } from '../job/job.ts';
import type { Ending } from '../job/lifecycle.ts';
import { softLimitError, type TimeLimits } from '../job/time-limits.ts';
import type { RunTerms } from './execute.ts';
import type { LimitedRun } from './overtime.ts';

/** Who keeps the hard limit: the supervisor, and a watchdog of our own. */
export interface LimitKeepers {
  begun(run: LimitedRun): void;
  /** @param isLate later than the limit allows: when it resolves, no kill is on its way */
  ended(isLate: boolean): Soon<void>;
}

/** Runs the job by `act` within its limits. `defaults`: what its task's registration says. */
export function runWithin(
  limits: TimeLimits,
  { job }: Claim,
  defaults: JobOptions,
  keepers: LimitKeepers,
  stop: AbortSignal,
  act: (terms: RunTerms) => Soon<Ending>,
): Soon<Ending> {
  const { id, task } = job;
  const { timeLimitMs, softTimeLimitMs } = limits;
  const startedAtMs = Date.now();
  // Before anybody hears of it: whoever keeps the limit must not see its end sooner than we do.
  const endsAt = performance.now() + (timeLimitMs ?? Number.POSITIVE_INFINITY);
  const own = new AbortController();
  // Not AbortSignal.any(): what it makes hangs on `stop` for as long as the process lives.
  const onStop = (): void => own.abort(stop.reason);
  stop.addEventListener('abort', onStop);
  if (stop.aborted) onStop(); // Revoked in the moment in which it began.
  const soft =
    softTimeLimitMs === null
      ? null
      : after(softTimeLimitMs, () => own.abort(softLimitError(id, task, softTimeLimitMs)));
  if (timeLimitMs !== null) keepers.begun({ id, task, startedAtMs, limitMs: timeLimitMs, defaults });
  const deadline = timeLimitMs === null ? null : startedAtMs + timeLimitMs;
  return afterwards(act({ signal: own.signal, deadline }), (ending) => {
    soft?.cancel();
    stop.removeEventListener('abort', onStop);
    if (timeLimitMs === null) return ending;
    return afterwards(keepers.ended(performance.now() >= endsAt), () => ending);
  });
}
