/** Many steps that wait for the same disk at a time, as the one pause that they are. */
import type { BrokerEvent } from '../broker/worker-side.ts';

export class Pause {
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

  /** Passes events on; of `paused` the first, of `resumed` the last. */
  hear(event: BrokerEvent): void {
    if (event.kind === 'paused' && this.#waiting++ > 0) return;
    if (event.kind === 'resumed' && --this.#waiting > 0) return;
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
