/** How far a run is, and for whom it waits: written now and then while the run tells it, and once more when it ends. */
import type { Progress, ProgressReport } from '../../job/values/progress.ts';
import type { Held } from '../claims/held-job.ts';
import type { Engine } from '../engine.ts';

/** A run writes no more often, ms: a task may tell its progress a million times. */
const EVERY_MS = 250;

export class RunReport {
  readonly #engine: Engine;
  readonly #held: Held;
  /** What is not written yet. */
  #pending: Progress | null = null;
  /** What was written last. */
  #written: Progress | null = null;
  #waitsFor: readonly string[] = [];
  #writtenAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  /** Resolves when all that was written is there, or is lost. */
  #underWay: Promise<unknown> | null = null;

  constructor(engine: Engine, held: Held) {
    this.#engine = engine;
    this.#held = held;
  }

  /** A task that never lets a timer fire has its reports sent all the same. */
  tell(report: ProgressReport): void {
    this.#pending = { ...report, attempt: this.#held.standing.attempt, atMs: this.#engine.nowMs() };
    const leftMs = this.#writtenAt + EVERY_MS - performance.now();
    if (leftMs <= 0) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), leftMs).unref();
  }

  waitsFor(ids: readonly string[]): void {
    this.#waitsFor = ids;
    this.#write();
  }

  /** Nothing is told after this. Null: all is there. */
  end(): Promise<unknown> | null {
    if (this.#pending !== null) this.#write();
    this.#stop();
    return this.#underWay;
  }

  #write(): void {
    this.#stop();
    this.#writtenAt = performance.now();
    const { standing, token } = this.#held;
    const about = { attempt: standing.attempt, atMs: this.#engine.nowMs() };
    const told = this.#pending ?? this.#written;
    const waits = this.#waitsFor.length === 0 ? {} : { waitsFor: this.#waitsFor };
    const text = JSON.stringify({ v: 1, ...(told ?? about), ...waits });
    // Whoever shows BullMQ's jobs shows a share in per cent, and no other number.
    const percent = this.#pending === null ? null : Math.floor(this.#pending.value * 100 + 1e-9);
    this.#written = told;
    this.#pending = null;
    // A job does not fail because nobody can see how far it is.
    const sent = this.#engine.store.keepReport(this.#held, token, text, percent).catch(() => undefined);
    this.#underWay = this.#underWay === null ? sent : Promise.all([this.#underWay, sent]);
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
