/**
 * What the processes print that a child's jobs have started: the worker reads it, and adds it to the log of the job that the child runs. A
 * child tells which one when it is asked for it, which takes a moment: what comes before is held back, and given to that run if it was read
 * after the run began.
 */
import { EarlyPrints } from '../../broker/common/early-prints.ts';
import type { PrintingJob } from '../../broker/worker-side.ts';
import type { Engine } from '../engine.ts';
import { type RunLog, storedLog } from './stored-log.ts';

export class ProcessPrints {
  readonly #engine: Engine;
  readonly #maxBytes: number;
  #told: PrintingJob | null = null;
  #log: RunLog | null = null;
  readonly #early = new EarlyPrints();

  /** @param maxBytes of a log; 0: nothing is kept */
  constructor(engine: Engine, maxBytes: number) {
    this.#engine = engine;
    this.#maxBytes = maxBytes;
  }

  /** @returns false when the child has not told which job it runs */
  print(stream: 'stdout' | 'stderr', chunk: Uint8Array): boolean {
    if (this.#maxBytes === 0) return true;
    if (this.#log !== null) this.#log.log.print(stream, chunk);
    else this.#early.hold({ stream, chunk });
    return this.#told !== null;
  }

  /** From now on it is this job that prints; null: the run of that job is about to end. */
  printsFor(job: PrintingJob | null): void {
    this.end();
    this.#told = job;
    if (job === null || this.#maxBytes === 0) return;
    const place = this.#engine.queues.look([job.id]).then(
      ([raw = null]) => raw,
      () => null,
    );
    this.#log = storedLog(this.#engine, { ...job, maxBytes: this.#maxBytes, place });
    for (const { stream, chunk } of this.#early.since(job.begunAtMs)) this.#log.log.print(stream, chunk);
  }

  end(): void {
    this.#log?.log.end();
    this.#log = null;
  }
}
