/** What one run shows of itself and keeps beside its job: progress, a checkpoint, what it prints. A run that does nothing of it costs nothing. */
import type { JsonValue } from '../../job/values/json.ts';
import type { ProgressReport } from '../../job/values/progress.ts';
import type { Held } from '../claims/held-job.ts';
import type { Engine } from '../engine.ts';
import { Checkpoints } from './checkpoints.ts';
import { RunReport } from './run-report.ts';
import { type RunLog, storedLog } from './stored-log.ts';

export class RunBeside {
  readonly #engine: Engine;
  readonly #held: Held;
  readonly #logBytes: number;
  readonly #checkpoints: Checkpoints;
  #report: RunReport | null = null;
  #log: RunLog | null = null;

  /** @param kept by an earlier run; undefined: nothing */
  constructor(engine: Engine, held: Held, logBytes: number, kept: JsonValue | undefined) {
    this.#engine = engine;
    this.#held = held;
    this.#logBytes = logBytes;
    this.#checkpoints = new Checkpoints(engine, held, kept);
  }

  progress(report: ProgressReport): void {
    (this.#report ??= new RunReport(this.#engine, this.#held)).tell(report);
  }

  waitsFor(ids: readonly string[]): void {
    (this.#report ??= new RunReport(this.#engine, this.#held)).waitsFor(ids);
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
    const told = [this.#report?.end() ?? null, this.#log?.written() ?? null, this.#checkpoints.underWay];
    return told.every((one) => one === null) ? null : Promise.all(told).then(() => undefined);
  }

  /** The job has succeeded: what was kept for a next run goes. Null: nothing was. */
  succeeded(): Promise<void> | null {
    return this.#checkpoints.value === undefined ? null : this.#checkpoints.drop();
  }
}
