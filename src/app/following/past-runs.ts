/** The runs of a job, as its record and the counter in its name tell them together: one that is over may have left no record. Pure. */
import type { Sighting } from '../../broker/broker.ts';
import type { Attempt } from '../../job/job.ts';

export type PastRun =
  | { readonly kind: 'kept'; readonly run: Attempt }
  /** These attempts were interrupted, such as by a worker that was told to stop at once: nothing was written of them. */
  | { readonly kind: 'untold'; readonly from: number; readonly to: number }
  /** Under this attempt the job had ended without a run, and was sent back. */
  | { readonly kind: 'no-run'; readonly attempt: number };

/** In their order. */
export function pastRuns({
  record,
  standing,
  state,
  isTorn,
}: Pick<Sighting, 'record' | 'standing' | 'state' | 'isTorn'>): PastRun[] {
  if (record === null || isTorn === true) return [];
  const { attempts, outcome, kept } = record;
  const past: PastRun[] = [];
  let next = 1;
  const untold = (to: number): void => {
    if (next <= to) past.push({ kind: 'untold', from: next, to });
    next = Math.max(next, to + 1);
  };
  const fillUpTo = (attempt: number): void => {
    const { again = 0 } = kept;
    if (next <= again && again <= attempt) {
      untold(again - 1);
      past.push({ kind: 'no-run', attempt: again });
      next = again + 1;
    }
    untold(attempt);
  };
  for (const run of attempts) {
    if (Number.isSafeInteger(run.attempt)) fillUpTo(run.attempt - 1);
    past.push({ kind: 'kept', run });
    next = Math.max(next, run.attempt + 1);
  }
  // No run came to an outcome that names its attempt.
  if (outcome !== null) fillUpTo((kept.attempt ?? 1) - 1);
  else fillUpTo(standing.attempt - (state === 'running' ? 1 : 0));
  return past;
}

/** The run that goes on. Null where none does, also where what became of it is written already, and only its file has not moved yet. */
export function currentRun({
  record,
  standing: { attempt },
  state,
  owner,
  startedAtMs,
}: Sighting): { readonly attempt: number; readonly owner: string; readonly startedAtMs: number | null } | null {
  if (state !== 'running' || owner === null) return null;
  const isWritten = record?.attempts.at(-1)?.attempt === attempt;
  return isWritten ? null : { attempt, owner, startedAtMs };
}
