/** One run of a job: the signal its task gets, which is made only when the task asks for it. */

export class Run {
  /** None, unless the run has a limit of its own. */
  readonly deadline = null;
  readonly #stop: AbortSignal;
  #controller: AbortController | null = null;
  #reason: { readonly reason: unknown } | null = null;

  /** @param stop aborts every run of the process */
  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  get signal(): AbortSignal {
    if (this.#controller !== null) return this.#controller.signal;
    this.#controller = new AbortController();
    // Not AbortSignal.any(): what it makes hangs on `stop` for as long as the process lives.
    this.#stop.addEventListener('abort', this.#onStop);
    if (this.#stop.aborted) this.#onStop();
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
    if (this.#controller !== null) this.#stop.removeEventListener('abort', this.#onStop);
  }

  readonly #onStop = (): void => this.abort(this.#stop.reason);
}
