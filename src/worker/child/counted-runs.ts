/** What a child counts of its runs: in memory, and told to its worker in one message a second while there is anything to tell. */
import type { BrokerEvent, Claim } from '../../broker/worker-side.ts';
import { type Figures, type RunFigures, Tally } from '../../broker/statistics.ts';
import type { Settlement } from '../../job/lifecycle.ts';

const EVERY_MS = 1_000;

/** How a run went. */
interface Ran {
  readonly startedAtMs: number;
  readonly ms: number;
  /** False: the job ended without a run. */
  readonly isBegun: boolean;
}

/** Null of a job that is ready again as if nothing had been, or waits for a worker that knows its task. */
export function figuresOf(
  { job, standing }: Pick<Claim, 'job' | 'standing'>,
  settlement: Settlement,
  { startedAtMs, ms, isBegun }: Ran,
): RunFigures | null {
  if (settlement.kind === 'park' || settlement.kind === 'requeue') return null;
  const { enqueuedAtMs, options } = job;
  // Since when a job could run is in no file once it has run, or has waited for others.
  const isFirst = isBegun && standing.attempt === 1 && options.after === undefined;
  return {
    queue: standing.queue,
    task: job.task,
    how: settlement.kind === 'rerun' ? 'retried' : settlement.outcome.state,
    waitMs: isFirst ? startedAtMs - Math.max(enqueuedAtMs, options.etaMs ?? 0) : null,
    runMs: isBegun ? ms : null,
  };
}

/** Of a run that a recovery has ended, and of a job that has ended without one, because of others; null for all else. */
export function figuresOfEnded(event: BrokerEvent): RunFigures | null {
  if (event.kind !== 'recovered' && event.kind !== 'not-run') return null;
  const { job, standing } = event;
  const about = { queue: standing.queue, task: job.task, waitMs: null, runMs: null };
  if (event.kind === 'not-run') return { ...about, how: event.outcome.state };
  const { settlement, ranMs: runMs } = event;
  if (settlement.kind === 'rerun') return { ...about, runMs, how: 'retried' };
  return settlement.kind === 'publish' ? { ...about, runMs, how: settlement.outcome.state } : null;
}

export class CountedRuns {
  readonly #send: (figures: Figures) => void;
  #tally = new Tally();
  #timer: NodeJS.Timeout | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(send: (figures: Figures) => void) {
    this.#send = send;
  }

  add(run: RunFigures): void {
    this.#tally.addRun(run);
    if (this.#timer !== null) return;
    // After a pause at once: this process may be killed within the second.
    const leftMs = Math.max(0, this.#toldAt + EVERY_MS - performance.now());
    this.#timer = setTimeout(() => this.flush(), leftMs).unref();
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { tasks, crashes, restarts } = this.#tally;
    if (tasks.length === 0) return;
    this.#tally = new Tally();
    this.#toldAt = performance.now();
    this.#send({ tasks, crashes, restarts });
  }
}
