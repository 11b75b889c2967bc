/** The job that a task runs for, as the task sees it; and one run of a job: its signal and its deadline. */
import { type Duration, durationMs } from '../job/units.ts';
import type { BesideJob } from '../broker/worker-side.ts';
import type { Job, Standing } from '../job/job.ts';
import { refuse, RetryError, UsageError } from '../job/errors.ts';
import type { JsonValue, Serialisable } from '../job/values/json.ts';
import { checkedNote, MAX_CHECKPOINT_BYTES } from '../job/values/payload.ts';
import { checkedProgress, type Progress, type ProgressReport } from '../job/values/progress.ts';
import { isOptions } from '../job/values/realm.ts';
import { format } from '../job/text.ts';

/**
 * The job that is running in this asynchronous context.
 *
 * @typeParam Checkpoint what the task keeps as checkpoints. It is believed, not checked
 */
export interface CurrentJob<Checkpoint = JsonValue> {
  readonly id: string;
  readonly task: string;
  /** 1 in the first run. Pass it on with `id` where a side effect must not happen twice. */
  readonly attempt: number;
  readonly queue: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Aborted when the run should end: its job was revoked, its `softTimeLimit` has come, or its worker is stopped by force. Its
   * `reason` is an error that says which.
   */
  readonly signal: AbortSignal;
  /** When the run is killed, Unix ms; null where it has no `timeLimit`. */
  readonly deadline: number | null;
  /**
   * Ends this run and has the job run again; it counts as one of the job's retries. When none is left the job fails.
   *
   * @throws RetryError always: that is how the run ends
   */
  retry(options?: RetryOptions): never;
  /**
   * Shows how far this run is, to `info()`, `fsq show` and `fsq ls`. May be called as often as you like: four times a second it is
   * written down, and the last time. Where the disk refuses, it is not shown.
   *
   * @param value from 0 to 1, or how much is done of how much
   * @param detail for people and programs, at most 64 KiB of JSON; no number alone, which would be meant as the total
   * @throws UsageError, NotSerialisableError for anything else
   */
  progress<Detail>(
    value: number | Amounts,
    detail?: Detail & Serialisable<Detail> & (Detail extends number ? never : unknown),
  ): void;
  /**
   * Keeps `value` with the job, at most 1 MiB of JSON, in the place of the checkpoint before. When it resolves it is on disk, and
   * the next attempt finds it in `checkpointed`, whatever ends this one. It goes when the job succeeds.
   *
   * @throws NotSerialisableError, UsageError for what cannot be kept; SpoolError when the disk refuses for good
   */
  checkpoint(value: Checkpoint & Serialisable<Checkpoint>): Promise<void>;
  /** The last checkpoint of this job, read when it is asked for; undefined when there is none. */
  readonly checkpointed: Checkpoint | undefined;
}

/** How much is done of how much: `done` from 0 to `total`. */
export interface Amounts {
  readonly done: number;
  readonly total: number;
}

export interface RetryOptions {
  /** How long the job waits. Default: as its backoff says. */
  readonly countdown?: Duration;
  /** The error that made it necessary, for the job's record. */
  readonly cause?: unknown;
}

/** `currentJob().retry`. */
function retry(options: RetryOptions = {}): never {
  if (!isOptions(options)) return refuse('options of retry()', 'an object', options);
  const { countdown, ...rest } = options;
  const unknown = Object.keys(rest).find((key) => key !== 'cause');
  if (unknown !== undefined)
    throw new UsageError(`Unknown option ${format(unknown)} of retry(); known are countdown, cause`);
  throw new RetryError(countdown === undefined ? null : durationMs(countdown, 'countdown'), rest);
}

/** The part of a worker that begins other jobs while a run waits. */
export interface Lender {
  /** The run waits, also for the job `id`, if there is one that it waits for. */
  waits(run: Run, job: { readonly id: string | null; readonly queue: string }): void;
  /** One of its waits is over. */
  goesOn(run: Run, id: string | null): void;
  /** The run has ended, whatever it has left waiting. */
  hasEnded(run: Run): void;
}

/** One run of a job: the signal that its task gets, which is made only when the task asks for it, and its deadline. */
export class Run {
  /** When the run is killed, Unix ms; null where it has no time limit. */
  deadline: number | null = null;
  /** True when the task has ended; what it has left behind may still run. */
  isOver = false;
  readonly lender: Lender | null;
  readonly #stop: AbortSignal | null;
  #beside: BesideJob | null;
  #controller: AbortController | null = null;
  #reason: { readonly reason: unknown } | null = null;

  /**
   * @param stop aborts every run of the process; null: nobody does
   * @param beside where the run tells and keeps things; null: nowhere else than in this run
   * @param lender hears when the run waits for other jobs; null: nobody does
   */
  constructor(stop: AbortSignal | null, beside: BesideJob | null = null, lender: Lender | null = null) {
    this.lender = lender;
    this.#stop = stop;
    this.#beside = beside;
  }

  get beside(): BesideJob {
    return (this.#beside ??= new InMemory());
  }

  get signal(): AbortSignal {
    if (this.#controller !== null) return this.#controller.signal;
    this.#controller = new AbortController();
    // Not AbortSignal.any(): its signal would hang on `stop` for as long as the process lives.
    this.#stop?.addEventListener('abort', this.#onStop);
    if (this.#stop?.aborted === true) this.#onStop();
    if (this.#reason !== null) this.#controller.abort(this.#reason.reason);
    return this.#controller.signal;
  }

  /** The task should end, because of `reason`. The first reason counts. */
  abort(reason: unknown): void {
    this.#reason ??= { reason };
    this.#controller?.abort(this.#reason.reason);
  }

  /** The task has ended: nothing is kept of it. */
  end(): void {
    this.isOver = true;
    this.lender?.hasEnded(this);
    if (this.#controller !== null) this.#stop?.removeEventListener('abort', this.#onStop);
  }

  readonly #onStop = (): void => this.abort(this.#stop?.reason);
}

/** What runs of a job tell and keep that has no place among the jobs of a broker. */
export class InMemory implements BesideJob {
  /** The run that goes on. */
  attempt = 1;
  /** The last report. */
  shown: Progress | null = null;
  #checkpoint: string | null = null;

  progress(report: ProgressReport): void {
    this.shown = { ...report, attempt: this.attempt, atMs: Date.now() };
  }

  waitsFor(): void {
    // Nobody else sees this run.
  }

  async checkpoint(value: JsonValue): Promise<void> {
    this.#checkpoint = JSON.stringify(value);
  }

  checkpointed(): JsonValue | undefined {
    return this.#checkpoint === null ? undefined : (JSON.parse(this.#checkpoint) as JsonValue);
  }
}

/**
 * The answer of `currentJob()`. A class, because each literal with a getter is given a hidden class of its own, which is old from
 * the start and keeps all of its job alive until the next full collection.
 */
export class RunningJob implements CurrentJob {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly queue: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly retry: CurrentJob['retry'] = retry;
  readonly #run: Run;

  constructor(
    { id, task, headers }: Pick<Job, 'id' | 'task' | 'headers'>,
    { attempt, queue }: Pick<Standing, 'attempt' | 'queue'>,
    run: Run,
  ) {
    this.id = id;
    this.task = task;
    this.attempt = attempt;
    this.queue = queue;
    this.headers = headers;
    this.#run = run;
  }

  /** Whether the run that `job` tells of is over. False where another copy of fsq tells of it. */
  static hasEnded(job: CurrentJob): boolean {
    return #run in job && job.#run.isOver;
  }

  /** The task of `job` waits, for the job `id` if that is known, until the function that this gives is called. */
  static beginWait(job: CurrentJob, id: string | null): () => void {
    const run = #run in job && !job.#run.isOver ? job.#run : null;
    run?.lender?.waits(run, { id, queue: job.queue });
    return () => run?.lender?.goesOn(run, id);
  }

  /** From now on everybody can see that the task of `job` waits for these jobs. */
  static tellWaits(job: CurrentJob, ids: readonly string[]): void {
    if (#run in job && !job.#run.isOver) job.#run.beside.waitsFor(ids);
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get deadline(): number | null {
    return this.#run.deadline;
  }

  progress(value: unknown, detail?: unknown): void {
    this.#run.beside.progress(checkedProgress(value, detail));
  }

  async checkpoint(value: unknown): Promise<void> {
    await this.#run.beside.checkpoint(checkedNote(value, 'checkpoint', MAX_CHECKPOINT_BYTES));
  }

  get checkpointed(): JsonValue | undefined {
    return this.#run.beside.checkpointed();
  }
}
