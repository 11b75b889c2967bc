/** One run of a job: the signal that its task gets, which is made only when the task asks for it, and its deadline. */

export class Run {
  /** When the run is killed, Unix ms; null where it has no time limit. */
  deadline: number | null = null;
  readonly #stop: AbortSignal | null;
  #controller: AbortController | null = null;
  #reason: { readonly reason: unknown } | null = null;

  /** @param stop aborts every run of the process; null: nobody does */
  constructor(stop: AbortSignal | null) {
    this.#stop = stop;
  }

  get signal(): AbortSignal {
    if (this.#controller !== null) return this.#controller.signal;
    this.#controller = new AbortController();
    // Not AbortSignal.any(): what it makes hangs on `stop` for as long as the process lives.
    this.#stop?.addEventListener('abort', this.#onStop);
    if (this.#stop?.aborted === true) this.#onStop();
    if (this.#reason !== null) this.#controller.abort(this.#reason.reason);
    return this.#controller.signal;
  }

  /** The task should end, because of `reason`. The first reason counts. */
  abort(reason: unknown): void {
    this.#reason ??= { reason };
    this.#controller?.abort(this.#reason.reason);
  }

  /** The task has ended: nothing is kept of it. */
  end(): void {
    if (this.#controller !== null) this.#stop?.removeEventListener('abort', this.#onStop);
  }

  readonly #onStop = (): void => this.abort(this.#stop?.reason);
}
