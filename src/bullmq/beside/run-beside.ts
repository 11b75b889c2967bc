/** What one run shows of itself and keeps beside its job: progress, a checkpoint, what it prints. A run that does nothing of it costs nothing. */
import type { JsonValue } from '../../job/values/json.ts';
import type { ProgressReport } from '../../job/values/progress.ts';
import type { Engine } from '../engine.ts';
import type { Held } from '../claims/held-job.ts';

export class RunBeside {
  readonly #kept: JsonValue | undefined;

  /** @param kept by an earlier run; undefined: nothing */
  constructor(_engine: Engine, _held: Held, _logBytes: number, kept: JsonValue | undefined) {
    this.#kept = kept;
  }

  progress(_report: ProgressReport): void {}

  waitsFor(_ids: readonly string[]): void {}

  async checkpoint(_value: JsonValue): Promise<void> {}

  checkpointed(): JsonValue | undefined {
    return this.#kept;
  }

  print(_stream: 'stdout' | 'stderr', _text: string | Uint8Array): void {}

  /** The run is over: what it told last goes before its outcome. Null: nothing is to be waited for. */
  end(): Promise<void> | null {
    return null;
  }

  /** The job has succeeded: what was kept for a next run goes. */
  succeeded(): void {}
}
