/**
 * To which job belongs what this process and those that it starts print. What a run prints itself is kept with its job at once. What
 * processes print goes to the worker, which is told of a run when its first process starts: it is that of the run that began last. Where
 * several jobs work at once nobody can tell whose it is, and nothing is told.
 */
import { RunningJob } from '../../app/current-job.ts';
import { registry } from '../../app/registry.ts';
import { machineMs } from '../../broker/common/machine-ms.ts';
import type { Claim, PrintingJob } from '../../broker/worker-side.ts';

/** Start a process and wait for its end without a turn of the event loop. Node.js tells nobody of those. */
const SYNCHRONOUS = ['spawnSync', 'execSync', 'execFileSync'] as const;

/** What the worker is told. */
interface Listener {
  /** What processes print from now on is of this job. */
  begun(job: PrintingJob): void;
  /** The run has ended. Resolves when all that was printed before is read. */
  ended(): Promise<void> | undefined;
}

interface PrintingRun {
  readonly claim: Claim;
  /** Before anything that it does. */
  readonly begunAtMs: number;
}

export class Prints {
  readonly #listener: Listener;
  /** Those at hand, by their jobs, in the order in which they began. */
  readonly #runs = new Map<string, PrintingRun>();
  #told: PrintingRun | null = null;
  /** What a task writes to a descriptor itself is not seen here: where the worker has read some, all runs are told. */
  #tellsAll = false;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Listens for processes that are started, from now on and for good. */
  listen(): void {
    const { subscribe } = process.getBuiltinModule('node:diagnostics_channel');
    subscribe('child_process', () => this.#tell());
    beforeSynchronous(() => this.#tell());
  }

  /** From now on each run is told. */
  tellAll(): void {
    this.#tellsAll = true;
    this.#tell();
  }

  /** The run of this claim begins. */
  begin(claim: Claim): void {
    this.#runs.set(claim.job.id, { claim, begunAtMs: machineMs() });
    if (this.#tellsAll || this.#told !== null) this.#tell();
  }

  /** The run of this claim has ended. @returns what to wait for before it is settled */
  end({ job }: Claim): Promise<void> | undefined {
    this.#runs.delete(job.id);
    if (this.#told?.claim.job.id !== job.id) return;
    this.#told = null;
    const read = this.#listener.ended();
    // A run that has waited for this one goes on.
    return this.#runs.size === 0 ? read : read?.then(() => this.#tell());
  }

  /** Something was printed here. Code that an ended run has left behind prints for no job, whichever runs now. */
  hear(stream: 'stdout' | 'stderr', chunk: string | Uint8Array): void {
    if (this.#runs.size === 0) return;
    const job = registry().current.getStore();
    if (job !== undefined) {
      if (!RunningJob.hasEnded(job)) this.#runs.get(job.id)?.claim.print(stream, chunk);
    } else if (this.#runs.size === 1) this.#newest()?.claim.print(stream, chunk);
  }

  #tell(): void {
    const newest = this.#newest();
    if (newest === undefined || newest === this.#told) return;
    this.#told = newest;
    const { claim, begunAtMs } = newest;
    this.#listener.begun({ id: claim.job.id, attempt: claim.standing.attempt, begunAtMs });
  }

  #newest(): PrintingRun | undefined {
    let newest: PrintingRun | undefined;
    for (const run of this.#runs.values()) newest = run;
    return newest;
  }
}

/** Calls `act` before each of them. */
function beforeSynchronous(act: () => void): void {
  const starters: Record<(typeof SYNCHRONOUS)[number], (...args: never[]) => unknown> =
    process.getBuiltinModule('node:child_process');
  for (const name of SYNCHRONOUS)
    starters[name] = new Proxy(starters[name], {
      apply: (start, self, args: never[]) => {
        act();
        return Reflect.apply(start, self, args);
      },
    });
  process.getBuiltinModule('node:module').syncBuiltinESMExports();
}
