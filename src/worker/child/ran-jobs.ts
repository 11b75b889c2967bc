/** What became of the jobs that a child ran, for a worker that counts them: told in parcels, because quick jobs follow each other without a pause. */
import type { Job, Outcome, Standing } from '../../job/job.ts';
import type { Settlement } from '../../job/lifecycle.ts';
import { isRecord } from '../../job/values/realm.ts';

/** A run that has ended and is settled. `retried`: another run follows. */
export interface RanJob {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly state: Outcome['state'] | 'retried' | 'parked';
  /** How long it ran; null where it did not begin, or nobody has seen its end. */
  readonly ms: number | null;
}

const STATES: readonly unknown[] = ['succeeded', 'failed', 'revoked', 'expired', 'retried', 'parked'];

/** Null when the job is ready again as if nothing had been. */
export function ranJob(
  { job, standing }: { readonly job: Pick<Job, 'id' | 'task'>; readonly standing: Pick<Standing, 'attempt'> },
  settlement: Settlement,
  ms: number | null,
): RanJob | null {
  const told = { id: job.id, task: job.task, attempt: standing.attempt, ms };
  switch (settlement.kind) {
    case 'publish':
      return { ...told, state: settlement.outcome.state };
    case 'rerun':
      return { ...told, state: 'retried' };
    case 'park':
      return { ...told, state: 'parked' };
    case 'requeue':
      return null;
  }
}

export function isRanJob(value: unknown): value is RanJob {
  if (!isRecord(value)) return false;
  const { id, task, attempt, state, ms } = value;
  const areTexts = typeof id === 'string' && typeof task === 'string';
  return areTexts && typeof attempt === 'number' && (ms === null || typeof ms === 'number') && STATES.includes(state);
}

/**
 * Gathers runs that went well until this process has nothing else to do, and tells of all others at once. One that dies before has told less: whoever
 * must know asks the broker for the rest.
 */
export class RanJobs {
  readonly #send: (runs: readonly RanJob[]) => void;
  #runs: RanJob[] = [];

  constructor(send: (runs: readonly RanJob[]) => void) {
    this.#send = send;
  }

  add(run: RanJob): void {
    const count = this.#runs.push(run);
    if (run.state !== 'succeeded') this.flush();
    else if (count === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const runs = this.#runs;
    this.#runs = [];
    if (runs.length > 0) this.#send(runs);
  }
}
