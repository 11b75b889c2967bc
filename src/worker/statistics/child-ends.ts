/** What the end of a child means: for the jobs that it held, and for the statistics. Pure. */
import type { Loss } from '../../broker/common/restarts.ts';
import type { BrokerEvent, Death, EndedRun } from '../../broker/worker-side.ts';
import { type Crash, type Figures, Tally } from '../../broker/statistics.ts';
import { NO_OPTIONS } from '../../job/job-options.ts';
import { figuresOfEnded } from '../child/counted-runs.ts';
import { type RanJob, ranJob } from '../child/ran-jobs.ts';
import type { DeathCause } from '../child-process.ts';

/** What the end of a child means for its jobs. One that ended because of one of them may have held others: those have not crashed. */
export function deathOf({ kind }: DeathCause): Death {
  if (kind === 'crashed' || kind === 'parted') return 'crashed';
  return kind === 'stopped' ? 'stopped' : 'interrupted';
}

/** The run because of which a child ended, for the keeper's recovery. A job that was revoked says so itself. */
export function endedRun(cause: DeathCause): EndedRun | undefined {
  if (cause.kind === 'blamed') return { id: cause.id, ending: { kind: 'crashed' }, defaults: NO_OPTIONS };
  if (cause.kind !== 'over-limit') return;
  const { id, startedAtMs, limitMs, defaults } = cause.run;
  return { id, startedAtMs, ending: { kind: 'timed-out', limitMs }, defaults };
}

interface ChildEnd {
  readonly cause: DeathCause;
  readonly signal: NodeJS.Signals | null;
  /** It had told that it is ready. */
  readonly wasReady: boolean;
}

/** Null where somebody wanted it so. */
export function crashOf({ cause, signal, wasReady }: ChildEnd): Crash | null {
  switch (cause.kind) {
    case 'stopped':
    case 'parted':
    case 'revoked':
    case 'fenced':
      return null;
    case 'unborn':
      return 'start';
    case 'over-limit':
      return 'time-limit';
    case 'blamed':
      return 'job';
    case 'crashed':
      if (!wasReady) return 'start';
      if (signal === null) return 'exit';
      return signal === 'SIGABRT' ? 'abort' : 'signal';
  }
}

/** Why a child died, or was killed, before its time; null: it was told to end, or ended in order. */
export function lossOf(end: ChildEnd): Loss | null {
  const { kind } = end.cause;
  return kind === 'revoked' || kind === 'fenced' ? kind : crashOf(end);
}

/** @param isReplaced another child starts in its place; null: it did not crash, and nothing takes its place */
export function figuresOfEnd(end: ChildEnd, isReplaced: boolean): Figures | null {
  const crash = crashOf(end);
  if (crash === null && !isReplaced) return null;
  return { tasks: [], crashes: crash === null ? {} : { [crash]: 1 }, restarts: isReplaced ? 1 : 0 };
}

/** What became of a job that a recovery has sent back, or ended; null: nothing, or no recovery tells of it. */
export function ranOfEvent(event: BrokerEvent): RanJob | null {
  return event.kind === 'recovered' ? ranJob(event, event.settlement, event.ranMs) : null;
}

/** What a recovery, or a job that ended without a run, adds; null: nothing. */
export function figuresOfEvent(event: BrokerEvent): Figures | null {
  const run = figuresOfEnded(event);
  if (run === null) return null;
  const tally = new Tally();
  tally.addRun(run);
  return { tasks: tally.tasks, crashes: {}, restarts: 0 };
}
