/**
 * How the time limit of a run is held: the supervisor kills the child in the very run that is over its limit, and never in the next one.
 *
 * - The child says when a run with a limit begins and when it has ended. At the deadline the supervisor first reads all messages
 *   that have come, and kills only if the end of the run is not among them.
 * - The child's own clock starts before the supervisor's. A child whose run ended after the limit by that clock, or that has said so
 *   only after it, begins nothing more until the supervisor has pardoned it: a kill may be on its way.
 * - The child is never stopped (SIGSTOP) meanwhile: if the supervisor died then, the child would neither work nor end.
 * - Where the supervisor is dead, or stopped itself, a thread of the child kills in its place.
 */
import type { Worker } from 'node:worker_threads';
import type { LimitedRun } from '../app/execute.ts';
import { after, type LongTimer } from '../app/timers.ts';

interface OvertimeActions {
  /** The run of the job `id` ended late, and the child is not killed: it may go on. */
  pardon(id: string): void;
  /** This run has reached its limit. */
  onOver(run: LimitedRun): void;
}

/** How long the supervisor listens after the limit, ms: one round of its event loop reads all messages that have come. */
const LISTEN_MS = 10;

interface Watched {
  readonly run: LimitedRun;
  readonly endsAt: number;
  timer: LongTimer;
}

/** The deadlines of a child's runs, as the supervisor keeps them. */
export class Overtime {
  readonly #actions: OvertimeActions;
  /** By their jobs. */
  readonly #runs = new Map<string, Watched>();
  #killed: LimitedRun | null = null;

  constructor(actions: OvertimeActions) {
    this.#actions = actions;
  }

  /**
   * The child has begun this run.
   *
   * @param agoMs how long ago: this process may have stood still meanwhile. It kills no sooner for that, but knows what the child has died of
   */
  begin(run: LimitedRun, agoMs: number): void {
    this.#runs.get(run.id)?.timer.cancel();
    const timer = after(run.limitMs, () => (watched.timer = after(LISTEN_MS, () => this.#over(run))));
    const watched: Watched = { run, endsAt: performance.now() + run.limitMs - agoMs, timer };
    this.#runs.set(run.id, watched);
  }

  /** The run of the job `id` has ended; `isLate`: it waits for a pardon. */
  ended(id: string, isLate: boolean): void {
    this.#runs.get(id)?.timer.cancel();
    this.#runs.delete(id);
    if (isLate && this.#killed === null) this.#actions.pardon(id);
  }

  /** The process has ended. */
  close(): void {
    for (const { timer } of this.#runs.values()) timer.cancel();
  }

  /**
   * The run for whose limit the process was killed; null if it ended for another reason. To be asked after the child's last message.
   *
   * @param wasKilled the process ended by SIGKILL. Its own watchdog may have sent that, as it does where this process was stopped
   */
  verdict(wasKilled: boolean): LimitedRun | null {
    if (this.#killed !== null || !wasKilled) return this.#killed;
    const over = [...this.#runs.values()].filter(({ endsAt }) => performance.now() >= endsAt);
    return over.toSorted((a, b) => a.endsAt - b.endsAt)[0]?.run ?? null;
  }

  #over(run: LimitedRun): void {
    if (this.#killed !== null) return; // The process is about to end, because of another run.
    this.#killed = run;
    this.#actions.onOver(run);
  }
}

/** How much later than the limit a watchdog kills, ms: enough for a supervisor that lives. */
const GRACE_MS = 1_000;
const NS_PER_MS = 1_000_000;
/** It holds one number and no data. */
const LIMITS = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };

/**
 * The thread, as text: a file of its own would have to be found from src/ and from dist/. It sleeps until the number that is shared, the
 * time of the kill in ns of the clock that nobody sets, 0 for none, has passed or is another. Windows has no process groups.
 */
const THREAD = `
const { workerData } = require('node:worker_threads');
const cell = new BigInt64Array(workerData);
for (;;) {
  const at = Atomics.load(cell, 0);
  const leftMs = at === 0n ? Infinity : Number(at - process.hrtime.bigint()) / ${NS_PER_MS};
  if (leftMs <= 0) process.kill(process.platform === 'win32' ? process.pid : -process.pid, 'SIGKILL');
  Atomics.wait(cell, 0, at, leftMs);
}`;

/**
 * The thread that kills the child's process group when the supervisor cannot. The supervisor goes first: it can also kill a process that
 * is stopped, and knows the reason. But a task in an endless loop lets no timer of its own process fire, and a thread goes on beside the
 * loop. It is started with the first run that has a limit, costs about 4 MB, and sleeps.
 */
export class Watchdog {
  readonly #cell = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  /** When to kill, by the jobs of the runs at hand. */
  readonly #killAt = new Map<string, bigint>();
  #thread: Worker | null = null;

  /** Kills this process and all it started unless `disarm` is called for the job `id` within `limitMs` and a second. */
  arm(id: string, limitMs: number): void {
    this.#killAt.set(id, process.hrtime.bigint() + BigInt(Math.ceil((limitMs + GRACE_MS) * NS_PER_MS)));
    this.#store();
    if (this.#thread === null) this.#start();
    else Atomics.notify(this.#cell, 0);
  }

  /** The thread sees it when it wakes up. */
  disarm(id: string): void {
    this.#killAt.delete(id);
    this.#store();
  }

  #store(): void {
    let first = 0n;
    for (const at of this.#killAt.values()) if (first === 0n || at < first) first = at;
    Atomics.store(this.#cell, 0, first);
  }

  /** Without the options that the process was started with: modules of --import are for tasks. */
  #start(): void {
    const options = { eval: true, workerData: this.#cell.buffer, env: {}, execArgv: [], resourceLimits: LIMITS };
    // Only a run with a limit needs it: a child's start must not pay for it.
    const threads = process.getBuiltinModule('node:worker_threads');
    this.#thread = new threads.Worker(THREAD, options);
    // Where no thread can be had (EAGAIN) the supervisor alone holds the limit; the next run tries again.
    this.#thread.on('error', () => (this.#thread = null));
    this.#thread.unref();
  }
}
