/** A job's life as stretches of time, in which it waited or ran, from its sending to its end: for the command line and for pages. Pure. */
import type { Sighting } from '../../broker/broker.ts';
import { idsAfter } from '../../job/edges.ts';
import type { Failure } from '../../job/errors.ts';
import type { Attempt, JobRecord, Outcome } from '../../job/job.ts';
import { currentRun, pastRuns } from '../following/past-runs.ts';

/**
 * What a job waited for. `turn`: a worker; `time`: the time that its call named; `others`: the end of jobs that it comes after; `retry`:
 * as its backoff says; `process`: its process had died or was stopped; `sent-back`: it had ended, until somebody sent it back; `task`: a
 * worker that knows its task; `move`: its arrival in another place.
 */
export type WaitedFor = 'turn' | 'time' | 'others' | 'retry' | 'process' | 'sent-back' | 'task' | 'move';

/** How a run ended: as the job did, or with a failure or the death of its process after which the job ran again; `runs`: it has not. */
export type RunEnd = Outcome['state'] | 'lost' | 'runs';

/** Times are Unix ms by the clocks of whoever wrote them: a stretch may seem to begin before the one before it ended. */
export type Stretch =
  | {
      readonly kind: 'waited';
      readonly why: WaitedFor;
      /** Null: nobody knows. */
      readonly fromMs: number | null;
      /** Null: it waits. */
      readonly toMs: number | null;
    }
  | {
      readonly kind: 'ran';
      readonly attempt: number;
      readonly owner: string;
      /** Null: nobody knows. */
      readonly fromMs: number | null;
      /** Null: it runs. */
      readonly toMs: number | null;
      readonly end: RunEnd;
      readonly error?: Failure;
    }
  /** These attempts were interrupted, and nothing was written of them. */
  | { readonly kind: 'untold'; readonly from: number; readonly to: number };

export interface Timeline {
  readonly sentAtMs: number;
  readonly stretches: readonly Stretch[];
  /** Null: it has not ended. */
  readonly end: { readonly state: Outcome['state']; readonly atMs: number } | null;
}

/** True of a time in which the job had ended, until somebody sent it back: it waited for nothing. */
export function hadEnded(stretch: Stretch): boolean {
  return stretch.kind === 'waited' && stretch.why === 'sent-back';
}

/** What comes next has lasted since then. */
interface Since {
  readonly atMs: number | null;
  readonly why: WaitedFor;
}

/** Null where the job's file cannot be read. */
export function timelineOf(job: Sighting): Timeline | null {
  const { record } = job;
  if (record === null) return null;
  const { outcome, attempts } = record;
  const sentAtMs = record.job.enqueuedAtMs;
  const stretches: Stretch[] = [];
  let since: Since = { atMs: sentAtMs, why: firstWait(record) };
  const wait = (toMs: number | null): void => {
    if (toMs === null || (since.atMs !== null && toMs > since.atMs))
      stretches.push({ kind: 'waited', why: since.why, fromMs: since.atMs, toMs });
  };
  for (const past of pastRuns(job)) {
    if (past.kind === 'kept') {
      const { run } = past;
      if (run.startedAtMs !== undefined) wait(run.startedAtMs);
      const end = run === attempts.at(-1) && endsWithRun(record, run) ? (outcome?.state ?? null) : null;
      stretches.push(ran(run, end));
      since = { atMs: run.endedAtMs, why: nextWait(run, record) };
    } else {
      // How long it waited before, and since, nobody knows.
      if (past.kind === 'untold') stretches.push(past);
      since = { atMs: null, why: past.kind === 'untold' ? 'turn' : 'sent-back' };
    }
  }
  if (outcome !== null) {
    const atMs = job.endedAtMs ?? since.atMs ?? sentAtMs;
    if (attempts.at(-1)?.endedAtMs !== atMs) wait(atMs);
    return { sentAtMs, stretches, end: { state: outcome.state, atMs } };
  }
  const current = currentRun(job);
  if (current !== null) {
    const { attempt, owner, startedAtMs } = current;
    if (startedAtMs !== null) wait(startedAtMs);
    stretches.push({ kind: 'ran', attempt, owner, fromMs: startedAtMs, toMs: null, end: 'runs' });
  } else {
    if (job.isOnItsWay === true) since = { ...since, why: 'move' };
    else if (record.parked !== null) since = { ...since, why: 'task' };
    else if (since.why === 'sent-back' && job.readySinceMs !== undefined) {
      wait(job.readySinceMs);
      since = { atMs: job.readySinceMs, why: 'turn' };
    }
    wait(null);
  }
  return { sentAtMs, stretches, end: null };
}

/** A record says by a time of its own that it did not end with its last run. */
function endsWithRun({ outcome, kept }: JobRecord, { endedAtMs }: Attempt): boolean {
  return outcome !== null && (kept.endedAtMs === undefined || kept.endedAtMs === endedAtMs);
}

function ran({ attempt, owner, startedAtMs, endedAtMs, error }: Attempt, last: RunEnd | null): Stretch {
  const end = last ?? (error === undefined || error.code === 'FSQ_WORKER_LOST' ? 'lost' : 'failed');
  const times = { fromMs: startedAtMs ?? null, toMs: endedAtMs };
  return { kind: 'ran', attempt, owner, ...times, end, ...(error === undefined ? {} : { error }) };
}

function firstWait({ job: { options } }: JobRecord): WaitedFor {
  if (idsAfter(options).length > 0) return 'others';
  return options.etaMs === undefined ? 'turn' : 'time';
}

function nextWait({ attempt, error }: Attempt, { kept }: JobRecord): WaitedFor {
  if (attempt === kept.again) return 'sent-back';
  return error === undefined || error.code === 'FSQ_WORKER_LOST' ? 'process' : 'retry';
}
