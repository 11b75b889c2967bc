/** What one run shows of itself and keeps beside its job: progress, a checkpoint, what it prints. A run that does nothing of it costs nothing. */
import { ToldProgress } from '../../broker/common/told-progress.ts';
import type { JsonValue } from '../../job/values/json.ts';
import type { Progress, ProgressReport } from '../../job/values/progress.ts';
import type { Held } from '../claims/held-job.ts';
import type { Engine } from '../engine.ts';
import { Checkpoints } from './checkpoints.ts';
import { type RunLog, storedLog } from './stored-log.ts';

export class RunBeside {
  readonly #engine: Engine;
  readonly #held: Held;
  readonly #logBytes: number;
  readonly #checkpoints: Checkpoints;
  #told: ToldProgress | null = null;
  /** Resolves when all reports that were written are there, or are lost. */
  #reporting: Promise<unknown> | null = null;
  #log: RunLog | null = null;

  /** @param kept by an earlier run; undefined: nothing */
  constructor(engine: Engine, held: Held, logBytes: number, kept: JsonValue | undefined) {
    this.#engine = engine;
    this.#held = held;
    this.#logBytes = logBytes;
    this.#checkpoints = new Checkpoints(engine, held, kept);
  }

  progress(report: ProgressReport): void {
    this.#progress().tell(report);
  }

  waitsFor(ids: readonly string[]): void {
    this.#progress().waitsFor(ids);
  }

  checkpoint(value: JsonValue): Promise<void> {
    return this.#checkpoints.keep(value);
  }

  checkpointed(): JsonValue | undefined {
    return this.#checkpoints.value;
  }

  print(stream: 'stdout' | 'stderr', text: string | Uint8Array): void {
    if (this.#logBytes === 0) return;
    const { id, standing } = this.#held;
    const run = { id, attempt: standing.attempt, maxBytes: this.#logBytes, place: this.#held };
    (this.#log ??= storedLog(this.#engine, run)).log.print(stream, text);
  }

  /** The run is over: what it told last goes before its outcome. Null: nothing is to be waited for. */
  end(): Promise<void> | null {
    this.#log?.log.end();
    this.#told?.end();
    const told = [this.#reporting, this.#log?.written() ?? null, this.#checkpoints.underWay];
    return told.every((one) => one === null) ? null : Promise.all(told).then(() => undefined);
  }

  /** The job has succeeded: what was kept for a next run goes. Null: nothing was. */
  succeeded(): Promise<void> | null {
    return this.#checkpoints.value === undefined ? null : this.#checkpoints.drop();
  }

  #progress(): ToldProgress {
    return (this.#told ??= new ToldProgress({
      attempt: this.#held.standing.attempt,
      nowMs: this.#engine.nowMs,
      keep: (text, told) => this.#keepReport(text, told),
    }));
  }

  #keepReport(text: string, told: Progress | null): void {
    // Whoever shows BullMQ's jobs shows a share in per cent, and no other number.
    const percent = told === null ? null : Math.floor(told.value * 100 + 1e-9);
    const { token } = this.#held;
    // A job does not fail because nobody can see how far it is.
    const sent = this.#engine.store.keepReport(this.#held, token, text, percent).catch(() => undefined);
    this.#reporting = this.#reporting === null ? sent : Promise.all([this.#reporting, sent]);
  }
}
