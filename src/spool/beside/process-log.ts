/**
 * What the processes print that a child's jobs have started: the worker reads it, and adds it to the log of the job that the child runs. A
 * child tells which one before the process begins, but through another pipe: what is read before that is held back until the child tells.
 */
import { EarlyPrints, type Printed } from '../../broker/common/early-prints.ts';
import type { BrokerEvent, PrintingJob } from '../../broker/worker-side.ts';
import type { PrintedLog } from '../../job/values/printed-log.ts';
import type { SpoolContext } from '../disk/context.ts';
import { parseJobFileName } from '../layout.ts';
import { logFile } from './log-file.ts';

interface Options {
  /** The child, by its name among owners. */
  readonly owner: string;
  readonly logBytes: number;
  readonly onEvent: (event: BrokerEvent) => void;
}

/** A job and its attempt. */
type Attempt = Pick<PrintingJob, 'id' | 'attempt'>;

export class ProcessLog {
  readonly #context: SpoolContext;
  readonly #options: Options;
  /** The job that the child has told that it runs. */
  #told: PrintingJob | null = null;
  #open: { readonly id: string; readonly attempt: number; readonly file: PrintedLog } | null = null;
  readonly #early = new EarlyPrints();

  constructor(context: SpoolContext, options: Options) {
    this.#context = context;
    this.#options = options;
  }

  /**
   * Never throws.
   *
   * @returns false when the child has not told which job it runs; then it is the one that it holds. Where it holds several, it is the one of
   * them that is left when more is printed, or that the child tells of and that had begun, and else nobody's
   */
  print(stream: 'stdout' | 'stderr', chunk: Uint8Array): boolean {
    const printed = { stream, chunk };
    if (this.#told !== null) {
      this.#printAll(this.#told, [printed]);
      return true;
    }
    const held = this.#held();
    const only = held?.length === 1 ? held[0] : undefined;
    if (only === undefined)
      this.#early.hold(
        printed,
        held?.map(({ id }) => id),
      );
    else this.#printAll(only, [...this.#early.of(only.id), printed]);
    return false;
  }

  /** From now on it is this job that prints; null: the run of that job is about to end. */
  printsFor(job: PrintingJob | null): void {
    this.#told = job;
    if (job === null) return this.end();
    this.#printAll(job, this.#early.since(job.begunAtMs));
  }

  end(): void {
    this.#open?.file.end();
    this.#open = null;
  }

  #printAll(job: Attempt, all: readonly Printed[]): void {
    for (const { stream, chunk } of all) this.#fileOf(job).print(stream, chunk);
  }

  #fileOf({ id, attempt }: Attempt): PrintedLog {
    if (this.#open?.id === id && this.#open.attempt === attempt) return this.#open.file;
    this.end();
    const { logBytes: maxBytes, onEvent } = this.#options;
    const file = logFile(this.#context, { id, attempt, maxBytes, onEvent });
    this.#open = { id, attempt, file };
    return file;
  }

  /** What the child holds: jobs whose outcomes are on their way to the disk lie there, too. Null where they cannot be listed. */
  #held(): readonly Attempt[] | null {
    const { files, layout } = this.#context;
    try {
      return files.list(`${layout.running}/${this.#options.owner}`).flatMap((name) => parseJobFileName(name) ?? []);
    } catch {
      return null;
    }
  }
}
