/** What has become of the jobs of a drain: counted from what the worker's children tell, and from what is missing at the next look. Pure. */
import type { Unended } from '../../../broker/broker.ts';
import type { JobRecord, Outcome } from '../../../job/job.ts';
import type { RanJob } from '../../../worker/child/ran-jobs.ts';

/** How long back the rate looks, ms. */
const RATE_OVER_MS = 10_000;

export type EndState = Outcome['state'];

/** A job that has ended. */
export interface EndedJob {
  readonly id: string;
  readonly task: string;
  readonly state: EndState;
  /** Runs begun. */
  readonly attempts: number;
  /** How long the last of them took, ms; null: none began, or nobody knows. */
  readonly ms: number | null;
}

/** How the jobs of a task ended. */
export interface TaskCounts extends Readonly<Record<EndState, number>> {
  readonly task: string;
  /** How long their last runs took, all together, as far as that is known, ms. */
  readonly ms: number;
}

const NONE: Omit<TaskCounts, 'task'> = { succeeded: 0, failed: 0, revoked: 0, expired: 0, ms: 0 };

/**
 * Counts each end once. A child tells of its runs a moment later; jobs of other workers, and of children that died, are told by nobody, and
 * are missing at the next look. So an end may be heard of twice: by an outcome that was looked up, and from the child.
 */
export class Tally {
  readonly #tasks = new Map<string, TaskCounts>();
  /** Not ended when they were seen last. */
  #left = new Set<string>();
  /** Told to have ended; until a look does not see them any more. */
  readonly #told = new Set<string>();
  /** Counted by their outcome; a child may still tell of them. */
  readonly #found = new Set<string>();
  readonly #retrying = new Set<string>();
  #retries = 0;
  #total = 0;
  readonly #samples: { readonly atMs: number; readonly done: number }[] = [];

  get tasks(): readonly TaskCounts[] {
    return [...this.#tasks.values()].toSorted((a, b) => (a.task < b.task ? -1 : 1));
  }

  /** Runs that failed, and were followed by another or will be. */
  get retries(): number {
    return this.#retries;
  }

  /** Jobs that have failed, and have not run again since. */
  get retrying(): ReadonlySet<string> {
    return this.#retrying;
  }

  get done(): number {
    return this.tasks.reduce(
      (sum, { succeeded, failed, revoked, expired }) => sum + succeeded + failed + revoked + expired,
      0,
    );
  }

  /** Jobs that have ended, and those that were left at the last look. */
  get total(): number {
    return Math.max(this.#total, this.done);
  }

  /** So many jobs are left now. */
  expect(left: number): void {
    this.#total = this.done + left;
  }

  count(state: EndState): number {
    return this.tasks.reduce((sum, counts) => sum + counts[state], 0);
  }

  /** A child tells of a run. @returns the job when it has ended by that, and is counted now */
  ran({ id, task, attempt, state, ms }: RanJob): EndedJob | null {
    if (state === 'parked') return null;
    if (state === 'retried') {
      this.#retries++;
      this.#retrying.add(id);
      return null;
    }
    this.#told.add(id);
    if (this.#found.delete(id)) return null;
    return this.#add({ id, task, state, attempts: attempt, ms });
  }

  /** These have not ended. @returns those that had not before, have now, and of which nobody has told */
  saw(unended: readonly Pick<Unended, 'id'>[]): readonly string[] {
    const before = this.#left;
    this.#left = new Set(unended.map(({ id }) => id));
    const missing = [...before].filter((id) => !this.#left.has(id) && !this.#told.has(id) && !this.#found.has(id));
    // A job may have ended while the look went on, and be among those that it saw.
    for (const id of this.#told) if (!this.#left.has(id)) this.#told.delete(id);
    return missing;
  }

  /** It was missing, and is there: it moved during the look. */
  still(id: string): void {
    this.#left.add(id);
  }

  /** The outcome of a job that was missing. @returns it when it is counted now; null when a child has told of it meanwhile */
  found({ job, attempts, outcome }: JobRecord): EndedJob | null {
    if (outcome === null || this.#told.has(job.id) || this.#found.has(job.id)) return null;
    this.#found.add(job.id);
    const last = attempts.at(-1);
    const ms = last?.startedAtMs === undefined ? null : Math.max(0, last.endedAtMs - last.startedAtMs);
    return this.#add({ id: job.id, task: job.task, state: outcome.state, attempts: attempts.length, ms });
  }

  /** Jobs per second, of late; null where too little is known. */
  rate(nowMs: number): number | null {
    const { done } = this;
    this.#samples.push({ atMs: nowMs, done });
    while ((this.#samples[1]?.atMs ?? nowMs) < nowMs - RATE_OVER_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || nowMs - first.atMs < 500 || done === first.done) return null;
    return ((done - first.done) * 1_000) / (nowMs - first.atMs);
  }

  #add(job: EndedJob): EndedJob {
    const { id, task, state, ms } = job;
    const counts = this.#tasks.get(task) ?? { task, ...NONE };
    this.#tasks.set(task, { ...counts, [state]: counts[state] + 1, ms: counts.ms + (ms ?? 0) });
    this.#retrying.delete(id);
    return job;
  }
}
