/** Waiting out a full or failing disk: what was done is kept, and finished when the disk takes it. */
import { setTimeout as wait } from 'node:timers/promises';
import { orElse, type Soon } from '../../broker/soon.ts';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import { isOwnLack, isPassing } from './trouble.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;
/**
 * How long this process may lack descriptors or memory, ms. A task that has used them up gives them back only with its process, and
 * the recoverer of that process's job then counts a crash.
 */
const OWN_LACK_MS = 30_000;

export interface DiskWaiter {
  /** Is told `disk-wait` when a step begins to wait and `disk-wait-over` when it goes on. */
  readonly onEvent?: ((event: BrokerEvent) => void) | undefined;
  /** Aborted: the next failure is thrown, whatever it is. */
  readonly giveUp?: AbortSignal | undefined;
}

/** Repeats `act` until it succeeds, or fails for a reason that does not pass: then that error is thrown. */
export function waitForDisk<T>(waiter: DiskWaiter, act: () => Soon<T>): Soon<T> {
  return orElse(act, (error) => repeat(waiter, act, error));
}

async function repeat<T>({ onEvent, giveUp }: DiskWaiter, act: () => Soon<T>, firstError: unknown): Promise<T> {
  let error = firstError;
  const startedAt = performance.now();
  for (let waitMs = FIRST_WAIT_MS, tries = 0; ; waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs), tries++) {
    const isLacking = isOwnLack(error) && performance.now() - startedAt > OWN_LACK_MS;
    if (!isPassing(error) && tries > 0) onEvent?.({ kind: 'disk-wait-over' }); // The disk is not in the way any more.
    if (!isPassing(error) || isLacking || giveUp?.aborted === true) throw error;
    if (tries === 0) onEvent?.({ kind: 'disk-wait', error });
    await wait(waitMs, undefined, { signal: giveUp }).catch(() => undefined); // Aborted: one last try.
    try {
      const result = await act();
      onEvent?.({ kind: 'disk-wait-over' });
      return result;
    } catch (again) {
      error = again;
    }
  }
}

/** Many steps that wait for the same disk at a time, told as the one wait that they are. */
export class DiskWait {
  readonly #tell: ((event: BrokerEvent) => void) | undefined;
  #waiting = 0;
  #over: (() => void) | null = null;

  constructor(tell: ((event: BrokerEvent) => void) | undefined) {
    this.#tell = tell;
  }

  /** True while a step waits: nothing new should be begun. */
  get isOn(): boolean {
    return this.#waiting > 0;
  }

  /** Passes events on: of `disk-wait` the first, of `disk-wait-over` the last. */
  hear(event: BrokerEvent): void {
    if (event.kind === 'disk-wait' && this.#waiting++ > 0) return;
    if (event.kind === 'disk-wait-over' && --this.#waiting > 0) return;
    this.#tell?.(event);
    if (!this.isOn) this.#over?.();
  }

  /** Resolves when no step waits any more, or when `signal` aborts. One caller at a time. */
  over(signal: AbortSignal): Promise<void> {
    if (!this.isOn || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        this.#over = null;
        resolve();
      };
      this.#over = end;
      signal.addEventListener('abort', end);
    });
  }
}
