/**
 * To which job belongs what this process and those that it starts print. What a run prints itself is kept with its job at once. What
 * processes print goes to the worker, which is told of a run when its process starts. Of several that wait for one another it is that of the
 * run that has started one last, or began last. Where several jobs work at once nobody can tell whose it is, and nothing is told.
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
  /** It is of that job no more. Resolves when all that was printed before is read. */
  ended(): Promise<void> | undefined;
}

interface PrintingRun {
  readonly claim: Claim;
  /** Before anything that it does. */
  readonly begunAtMs: number;
  /** Its processes may have printed. */
  wasTold: boolean;
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
    subscribe('child_process', () => this.#tell(this.#current()));
    beforeSynchronous(() => this.#tell(this.#current()));
  }

  /** From now on each run is told. */
  tellAll(): void {
    this.#tellsAll = true;
    this.#tell(this.#newest());
  }

  /** The run of this claim begins. @returns what to wait for before it does: a run that waits for it may have printed */
  begin(claim: Claim): Promise<void> | undefined {
    const run = { claim, begunAtMs: machineMs(), wasTold: false };
    this.#runs.set(claim.job.id, run);
    if (this.#told !== null) return this.#read();
    if (this.#tellsAll) this.#tell(run);
    return undefined;
  }

  /** The run of this claim has ended. @returns what to wait for before it is settled */
  end({ job }: Claim): Promise<void> | undefined {
    const run = this.#runs.get(job.id);
    this.#runs.delete(job.id);
    return run?.wasTold === true ? this.#read() : undefined;
  }

  /** Something was printed here. Code that an ended run has left behind prints for no job, whichever runs now. */
  hear(stream: 'stdout' | 'stderr', chunk: string | Uint8Array): void {
    if (this.#runs.size === 0) return;
    const job = registry().current.getStore();
    if (job !== undefined) {
      if (!RunningJob.hasEnded(job)) this.#runs.get(job.id)?.claim.print(stream, chunk);
    } else if (this.#runs.size === 1) this.#newest()?.claim.print(stream, chunk);
  }

  /** Resolves when all that was printed before is read. Then it is that of the newest run, unless another has started a process meanwhile. */
  #read(): Promise<void> | undefined {
    this.#told = null;
    return this.#listener.ended()?.then(() => {
      const next = this.#told ?? this.#newest();
      this.#told = null;
      this.#tell(next);
    });
  }

  #tell(run: PrintingRun | undefined): void {
    if (run === undefined || run === this.#told) return;
    this.#told = run;
    run.wasTold = true;
    const { claim, begunAtMs } = run;
    this.#listener.begun({ id: claim.job.id, attempt: claim.standing.attempt, begunAtMs });
  }

  /** The one whose code this is. */
  #current(): PrintingRun | undefined {
    const job = registry().current.getStore();
    return (job === undefined ? undefined : this.#runs.get(job.id)) ?? this.#newest();
  }

  #newest(): PrintingRun | undefined {
    let newest: PrintingRun | undefined;
    for (const run of this.#runs.values()) newest = run;
    return newest;
  }
}

/** Calls `act` before each of them; where they are frozen, as a module of a hardened process may be, it is not called. */
function beforeSynchronous(act: () => void): void {
  const starters: Record<(typeof SYNCHRONOUS)[number], (...args: never[]) => unknown> =
    process.getBuiltinModule('node:child_process');
  for (const name of SYNCHRONOUS) {
    const told = new Proxy(starters[name], {
      apply: (start, self, args: never[]) => {
        act();
        return Reflect.apply(start, self, args);
      },
    });
    Reflect.set(starters, name, told);
  }
  process.getBuiltinModule('node:module').syncBuiltinESMExports();
}
