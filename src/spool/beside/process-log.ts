/** What the processes print that a child's jobs have started: the worker reads it, and adds it to the log of the job that the child runs. */
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

export class ProcessLog {
  readonly #context: SpoolContext;
  readonly #options: Options;
  /** The job that the child has told that it runs. */
  #told: PrintingJob | null = null;
  #open: { readonly id: string; readonly attempt: number; readonly file: PrintedLog } | null = null;

  constructor(context: SpoolContext, options: Options) {
    this.#context = context;
    this.#options = options;
  }

  /** Never throws. @returns false when the child has not told which job it runs; then it is the one that it holds, and nobody's where it holds several */
  print(stream: 'stdout' | 'stderr', chunk: Buffer): boolean {
    const job = this.#told ?? this.#onlyHeld();
    if (job !== null) this.#fileOf(job).print(stream, chunk);
    return this.#told !== null;
  }

  /** From now on it is this job that prints; null: the run of that job is about to end. */
  printsFor(job: PrintingJob | null): void {
    this.#told = job;
    if (job === null) this.end();
  }

  end(): void {
    this.#open?.file.end();
    this.#open = null;
  }

  #fileOf({ id, attempt }: PrintingJob): PrintedLog {
    if (this.#open?.id === id && this.#open.attempt === attempt) return this.#open.file;
    this.end();
    const { logBytes: maxBytes, onEvent } = this.#options;
    const file = logFile(this.#context, { id, attempt, maxBytes, onEvent });
    this.#open = { id, attempt, file };
    return file;
  }

  /** Jobs whose outcomes are on their way to the disk lie there, too. Where they cannot be listed, what is printed is nobody's. */
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
