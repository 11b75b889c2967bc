/**
 * To which job belongs what this process and those that it starts print: it runs one job at a time. What it prints itself it keeps with
 * the job at once. What others print goes to the worker, which is told of a run when its first process starts.
 */
import { RunningJob } from '../../app/current-job.ts';
import { registry } from '../../app/registry.ts';
import type { Claim, PrintingJob } from '../../broker/worker-side.ts';

/** What the worker is told. */
interface Listener {
  /** What processes print from now on is of this job. */
  begun(job: PrintingJob): void;
  /** The run has ended. Resolves when all that was printed before is read. */
  ended(): Promise<void> | undefined;
}

export class Prints {
  readonly #listener: Listener;
  #claim: Claim | null = null;
  #isTold = false;
  /** Programs that a task waits for without a turn of the event loop start unseen: where one has printed, all runs are told. */
  #tellsAll = false;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Listens for processes that are started. */
  listen(): void {
    const { subscribe } = process.getBuiltinModule('node:diagnostics_channel');
    subscribe('child_process', () => this.#tell());
  }

  /** From now on each run is told. */
  tellAll(): void {
    this.#tellsAll = true;
    this.#tell();
  }

  /** The run of this claim begins. */
  begin(claim: Claim): void {
    this.#claim = claim;
    if (this.#tellsAll) this.#tell();
  }

  /** @returns what to wait for before the run is settled */
  end(): Promise<void> | undefined {
    this.#claim = null;
    if (!this.#isTold) return;
    this.#isTold = false;
    return this.#listener.ended();
  }

  /** Something was printed here. Code that an ended run has left behind prints for no job, whichever runs now. */
  hear(stream: 'stdout' | 'stderr', chunk: string | Uint8Array): void {
    const claim = this.#claim;
    if (claim === null) return;
    const job = registry().current.getStore();
    if (job === undefined || !RunningJob.hasEnded(job)) claim.print(stream, chunk);
  }

  #tell(): void {
    if (this.#claim === null || this.#isTold) return;
    this.#isTold = true;
    const { job, standing } = this.#claim;
    this.#listener.begun({ id: job.id, attempt: standing.attempt });
  }
}
