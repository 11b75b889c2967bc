/**
 * What the processes print that a child's jobs have started: the worker reads it, and adds it to the log of the job that the child runs. A
 * child tells which one before the process begins, but through another pipe: what is read before that is held back for a moment.
 */
import type { BrokerEvent, PrintingJob } from '../../broker/worker-side.ts';
import type { PrintedLog } from '../../job/values/printed-log.ts';
import type { SpoolContext } from '../disk/context.ts';
import { type JobName, parseJobFileName } from '../layout.ts';
import { logFile } from './log-file.ts';

interface Options {
  /** The child, by its name among owners. */
  readonly owner: string;
  readonly logBytes: number;
  readonly onEvent: (event: BrokerEvent) => void;
}

/** So much is held back, bytes. */
const MOST_EARLY_BYTES = 64 * 1024;

interface Printed {
  readonly stream: 'stdout' | 'stderr';
  readonly chunk: Buffer;
}

export class ProcessLog {
  readonly #context: SpoolContext;
  readonly #options: Options;
  /** The job that the child has told that it runs. */
  #told: PrintingJob | null = null;
  #open: { readonly id: string; readonly attempt: number; readonly file: PrintedLog } | null = null;
  #early: Printed[] = [];

  constructor(context: SpoolContext, options: Options) {
    this.#context = context;
    this.#options = options;
  }

  /**
   * Never throws.
   *
   * @returns false when the child has not told which job it runs; then it is the one that it holds. Where it holds several, it is the one that
   * it tells of in what has come by now, or the one that is left by then, and else nobody's
   */
  print(stream: 'stdout' | 'stderr', chunk: Buffer): boolean {
    const job = this.#told ?? this.#onlyHeld();
    if (job === null) this.#holdBack(stream, chunk);
    else this.#printAll(job, [...this.#takeEarly(), { stream, chunk }]);
    return this.#told !== null;
  }

  /** From now on it is this job that prints; null: the run of that job is about to end. */
  printsFor(job: PrintingJob | null): void {
    this.#told = job;
    if (job === null) return this.end();
    this.#printAll(job, this.#takeEarly());
  }

  end(): void {
    this.#open?.file.end();
    this.#open = null;
  }

  #printAll(job: PrintingJob, all: readonly Printed[]): void {
    for (const { stream, chunk } of all) this.#fileOf(job).print(stream, chunk);
  }

  #holdBack(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    const bytes = this.#early.reduce((sum, early) => sum + early.chunk.length, chunk.length);
    if (bytes > MOST_EARLY_BYTES) return;
    const early = this.#early;
    early.push({ stream, chunk });
    if (early.length > 1) return;
    // All messages that have come by now are read in the turn of the event loop that follows.
    setImmediate(() => setImmediate(() => this.#early === early && this.#takeEarly()));
  }

  #takeEarly(): readonly Printed[] {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  #fileOf({ id, attempt }: PrintingJob): PrintedLog {
    if (this.#open?.id === id && this.#open.attempt === attempt) return this.#open.file;
    this.end();
    const { logBytes: maxBytes, onEvent } = this.#options;
    const file = logFile(this.#context, { id, attempt, maxBytes, onEvent });
    this.#open = { id, attempt, file };
    return file;
  }

  /** Jobs whose outcomes are on their way to the disk lie there, too. Null where several do, or where they cannot be listed. */
  #onlyHeld(): JobName | null {
    const { files, layout } = this.#context;
    try {
      const names = files.list(`${layout.running}/${this.#options.owner}`).map(parseJobFileName);
      return names.length === 1 ? (names[0] ?? null) : null;
    } catch {
      return null;
    }
  }
}
