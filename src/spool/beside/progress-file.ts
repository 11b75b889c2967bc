/** How far a job's runs are, in progress/<id>.json: written now and then while a run tells it, and once more when the run ends. */
import type { SpoolContext } from '../disk/context.ts';
import type { HeldFile } from '../job-file/holder.ts';
import { MAX_DETAIL_BYTES, parseProgress, type Progress, type ProgressReport } from '../../job/values/progress.ts';
import { readBeside, replaceBeside } from './beside-files.ts';

/** A run writes no more often, ms: a task may tell its progress a million times. */
const EVERY_MS = 250;
/** A detail, and the numbers around it. */
const MAX_FILE_BYTES = MAX_DETAIL_BYTES + 4_096;

/** The progress of one run. */
export class ProgressFile {
  readonly #context: SpoolContext;
  readonly #run: HeldFile;
  /** What is not written yet. */
  #pending: Progress | null = null;
  /** What was written last. */
  #written: Progress | null = null;
  #waitsFor: readonly string[] = [];
  #writtenAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: SpoolContext, run: HeldFile) {
    this.#context = context;
    this.#run = run;
  }

  /** A task that never lets a timer fire has its reports written all the same. */
  tell(report: ProgressReport): void {
    this.#pending = { ...report, attempt: this.#run.name.attempt, atMs: this.#context.nowMs() };
    const leftMs = this.#writtenAt + EVERY_MS - performance.now();
    if (leftMs <= 0) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), leftMs).unref();
  }

  /** For these jobs the run waits, without an end. */
  waitsFor(ids: readonly string[]): void {
    this.#waitsFor = ids;
    this.#write();
  }

  /** Nothing is told after this. The last report is there before the outcome of the run. */
  end(): void {
    if (this.#pending !== null) this.#write();
    else this.#stop();
  }

  #write(): void {
    this.#stop();
    this.#writtenAt = performance.now();
    try {
      const told = this.#pending ?? this.#written ?? { attempt: this.#run.name.attempt, atMs: this.#context.nowMs() };
      const waits = this.#waitsFor.length === 0 ? {} : { waitsFor: this.#waitsFor };
      replaceBeside(this.#context, this.#run, 'progress', `${JSON.stringify({ v: 1, ...told, ...waits })}\n`);
      this.#written = this.#pending ?? this.#written;
      this.#pending = null;
    } catch {
      // A job does not fail because nobody can see how far it is. The next report, or the end of the run, tries again.
    }
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Why what lies there is no report; null where one does, or nothing. @throws the system error unchanged when the disk refuses */
export function doubtInProgress(context: SpoolContext, id: string): string | null {
  const reading = readBeside(context, 'progress', id, MAX_FILE_BYTES);
  if (reading.kind === 'corrupt') return reading.reason;
  return reading.kind === 'gone' || parseProgress(reading.text) !== null ? null : 'it is no report';
}

/** The last report of the runs of a job; null when there is none that can be read. */
export function readProgress(context: SpoolContext, id: string): Progress | null {
  return parseProgress(readReport(context, id));
}

/** The same as it was written: `parseProgress` and `parseWaits` read it. '' when there is none. */
export function readReport(context: SpoolContext, id: string): string {
  try {
    const reading = readBeside(context, 'progress', id, MAX_FILE_BYTES);
    return reading.kind === 'text' ? reading.text : '';
  } catch {
    return ''; // It is there for people, who must be able to see the job also where the disk refuses this.
  }
}
