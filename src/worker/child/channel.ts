/**
 * A child's end of the channel to its supervisor: what it says, what it is told, and what follows when the supervisor has ended.
 *
 *   open ──told to drain, or SIGTERM──► draining: the jobs at hand are the last
 *    │                                     │
 *    └───────the supervisor ends───────────┴──► alone: draining, and nobody listens any more
 */
import type { LimitKeepers } from '../../app/execute.ts';
import { machineMs } from '../../broker/common/machine-ms.ts';
import type { Line } from '../../broker/worker-side.ts';
import { type FromChild, parseToChild } from '../messages.ts';
import { Watchdog } from '../time-limit.ts';

export class Channel {
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();
  readonly #watchdog = new Watchdog();
  /** By their jobs: the runs that wait for a pardon. */
  readonly #late = new Map<string, () => void>();
  /** Those that wait for an answer, the first first. */
  readonly #waiting: (() => void)[] = [];
  /** Called when the runs are to be told, because their processes print. */
  onSayRuns: () => void = () => undefined;
  /** SIGTERMs to come that this process has sent to its group. */
  #ownSignals = 0;
  /** What listens to the worker's keeper, and to its end. */
  #listener: { readonly hear: (word: unknown) => void; readonly end: () => void } | null = null;

  /** Aborted: take no further job. */
  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  /** Aborted: the process ends now. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** `done` is called when it is said, or cannot be. */
  say(message: FromChild, done: () => void = () => undefined): void {
    // Without a supervisor nobody listens; the drain has begun then.
    if (process.connected) process.send?.(message, undefined, undefined, done);
    else done();
  }

  /** Begins to listen. */
  open(): void {
    process.on('message', (raw) => this.#onMessage(raw));
    process.on('disconnect', () => this.#onEnd());
    // A supervisor that was killed while this process started: its end was told before anybody listened.
    if (!process.connected) this.#drain.abort();
    // The terminal's Ctrl-C is for the supervisor, which passes on what it means.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => {
      if (this.#ownSignals > 0) this.#ownSignals--;
      else this.#drain.abort();
    });
  }

  /** Sends SIGTERM to all processes of this one's group but this: to what the job at hand has started. */
  terminateGroup(): void {
    this.#ownSignals++;
    process.kill(0, 'SIGTERM');
  }

  /** This process takes no further job, before anybody tells it. */
  takeNoMore(): void {
    this.#drain.abort();
  }

  /** Between the consumer and the worker's keeper. */
  get line(): Line {
    return {
      say: (word) => this.say({ type: 'hint', word }),
      listen: (hear, end) => {
        this.#listener = { hear, end };
        if (!process.connected) queueMicrotask(end);
      },
    };
  }

  /** A run has ended whose processes may have printed. Resolves when all of that is read, or nobody reads. */
  printed(): Promise<void> | undefined {
    if (!process.connected) return;
    this.say({ type: 'printed' });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The supervisor holds the limits of runs, and a thread does where the supervisor cannot. */
  get limitKeepers(): LimitKeepers {
    return {
      begun: (run) => {
        this.say({ type: 'running', begunAtMs: machineMs(), ...run });
        this.#watchdog.arm(run.id, run.limitMs);
      },
      ended: ({ id }, isLate) => {
        this.#watchdog.disarm(id);
        const wasLate = isLate();
        this.say({ type: 'ended', id, isLate: wasLate });
        if (!process.connected) return;
        if (!wasLate) {
          // Only a word that was said in time is read before a kill: this process may have stood still between the look and the word.
          if (!isLate()) return;
          this.say({ type: 'ended', id, isLate: true });
        }
        return new Promise((resolve) => this.#late.set(id, resolve));
      },
    };
  }

  #onMessage(raw: unknown): void {
    const message = parseToChild(raw);
    switch (message?.type) {
      case 'pardon':
        return this.#pardon(message.id);
      case 'heard':
        return this.#waiting.shift()?.();
      case 'say-runs':
        return this.onSayRuns();
      case 'drain':
        return this.#drain.abort();
      case 'stop':
        this.#stop.abort(new Error('The worker was told to stop at once.'));
        return process.exit(0);
      case 'hint':
        return this.#listener?.hear(message.word);
    }
  }

  #onEnd(): void {
    // The channel kept this process alive; a task that waits for nothing but a signal would not.
    setInterval(() => undefined, 1_000_000);
    this.#drain.abort();
    this.#listener?.end();
    for (const id of this.#late.keys()) this.#pardon(id);
    for (const hear of this.#waiting.splice(0)) hear();
  }

  #pardon(id: string): void {
    this.#late.get(id)?.();
    this.#late.delete(id);
  }
}

/** Ends this process and all that it has started. Windows has no process groups. */
export function killGroup(): void {
  process.kill(process.platform === 'win32' ? process.pid : -process.pid, 'SIGKILL');
}
