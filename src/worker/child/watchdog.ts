/**
 * Holds a time limit when the supervisor cannot: a thread of the child that kills the child's process group.
 *
 * As a rule the supervisor kills first: it can also kill a process that is stopped, and knows the reason. But the supervisor may be dead,
 * or stopped itself, and a task in an endless loop lets no timer of its own process fire. A thread goes on beside the loop. It is
 * started with the first run that has a limit, costs about 4 MB, and sleeps.
 */
import type { Worker } from 'node:worker_threads';

/** How much later than the limit it kills, ms: enough for a supervisor that lives. */
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

export class Watchdog {
  readonly #cell = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  #thread: Worker | null = null;

  /** Kills this process and all it started unless `disarm` is called within `limitMs` and a second. */
  arm(limitMs: number): void {
    const killAt = process.hrtime.bigint() + BigInt(Math.ceil((limitMs + GRACE_MS) * NS_PER_MS));
    Atomics.store(this.#cell, 0, killAt);
    if (this.#thread === null) this.#start();
    else Atomics.notify(this.#cell, 0);
  }

  /** The thread sees it when it wakes up. */
  disarm(): void {
    Atomics.store(this.#cell, 0, 0n);
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
