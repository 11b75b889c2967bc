/**
 * How far a run is, and for whom it waits: told as often as its task likes, written now and then, and once more when the run ends. Brokers
 * keep what is written.
 */
import type { Progress, ProgressReport } from '../../job/values/progress.ts';

/** A run writes no more often, ms: a task may tell its progress a million times. */
const EVERY_MS = 250;

/** One run, and where its report is kept. */
export interface Reporting {
  readonly attempt: number;
  readonly nowMs: () => number;
  /**
   * Keeps the whole report in the place of the one before. `told` is the progress in it that is new; null: only whom it waits for is. When it
   * throws, the next report, or the end of the run, tries again.
   */
  readonly keep: (text: string, told: Progress | null) => void;
}

export class ToldProgress {
  readonly #reporting: Reporting;
  /** What is not written yet. */
  #pending: Progress | null = null;
  /** What was written last. */
  #written: Progress | null = null;
  #waitsFor: readonly string[] = [];
  #writtenAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(reporting: Reporting) {
    this.#reporting = reporting;
  }

  /** A task that never lets a timer fire has its reports written all the same. */
  tell(report: ProgressReport): void {
    this.#pending = { ...report, ...this.#about() };
    const leftMs = this.#writtenAt + EVERY_MS - performance.now();
    if (leftMs <= 0) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), leftMs).unref();
  }

  /** For these jobs the run waits, without an end. */
  waitsFor(ids: readonly string[]): void {
    this.#waitsFor = ids;
    this.#write();
  }

  /** Nothing is told after this. The last report is on its way before the outcome of the run. */
  end(): void {
    if (this.#pending !== null) this.#write();
    this.#stop();
  }

  #write(): void {
    this.#stop();
    this.#writtenAt = performance.now();
    const told = this.#pending ?? this.#written;
    const waits = this.#waitsFor.length === 0 ? {} : { waitsFor: this.#waitsFor };
    try {
      this.#reporting.keep(JSON.stringify({ v: 1, ...(told ?? this.#about()), ...waits }), this.#pending);
    } catch {
      return; // A job does not fail because nobody can see how far it is.
    }
    this.#written = told;
    this.#pending = null;
  }

  #about(): Pick<Progress, 'attempt' | 'atMs'> {
    return { attempt: this.#reporting.attempt, atMs: this.#reporting.nowMs() };
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
