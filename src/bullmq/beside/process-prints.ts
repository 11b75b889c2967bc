/**
 * What the processes print that a child's jobs have started: the worker reads it, and adds it to the log of the job that the child runs. A
 * child tells which one when it is asked for it, which takes a moment: what comes before is held back.
 */
import type { PrintingJob } from '../../broker/worker-side.ts';
import type { Engine } from '../engine.ts';
import { type RunLog, storedLog } from './stored-log.ts';

/** So much is held back, bytes. */
const MOST_EARLY_BYTES = 64 * 1024;

export class ProcessPrints {
  readonly #engine: Engine;
  readonly #maxBytes: number;
  #told: PrintingJob | null = null;
  #log: RunLog | null = null;
  #early: { readonly stream: 'stdout' | 'stderr'; readonly chunk: Uint8Array }[] = [];
  #earlyBytes = 0;

  /** @param maxBytes of a log; 0: nothing is kept */
  constructor(engine: Engine, maxBytes: number) {
    this.#engine = engine;
    this.#maxBytes = maxBytes;
  }

  /** @returns false when the child has not told which job it runs */
  print(stream: 'stdout' | 'stderr', chunk: Uint8Array): boolean {
    if (this.#maxBytes === 0) return true;
    if (this.#log !== null) this.#log.log.print(stream, chunk);
    else if (this.#earlyBytes + chunk.length <= MOST_EARLY_BYTES) {
      this.#early.push({ stream, chunk: Uint8Array.from(chunk) });
      this.#earlyBytes += chunk.length;
    }
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
    for (const { stream, chunk } of this.#early) this.#log.log.print(stream, chunk);
    this.dropEarly();
  }

  /** The child waits for a job: what was printed before is of none. */
  dropEarly(): void {
    this.#early = [];
    this.#earlyBytes = 0;
  }

  end(): void {
    this.#log?.log.end();
    this.#log = null;
  }
}
