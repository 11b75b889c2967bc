/** The start of one child: how long it may take, and what it was doing when it took longer. */

/** Longest delay that a timer takes, ms: a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class StartWatch {
  readonly #limitMs: number;
  #timer: NodeJS.Timeout;
  #module: string | null = null;

  /** @param onOverdue called once, unless the start ends before */
  constructor(limitMs: number, onOverdue: () => void) {
    this.#limitMs = limitMs;
    const halfMs = Math.min(LONGEST_TIMER_MS, limitMs / 2);
    // In two halves: had this process been stopped itself, what its child has said meanwhile is heard between them.
    this.#timer = setTimeout(() => (this.#timer = setTimeout(onOverdue, halfMs)), halfMs);
  }

  /** It imports this module now: a file, or what was given with --import. */
  importing(module: string): void {
    this.#module = module;
  }

  /** It has imported all modules, or has ended. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** What takes so long, and what may be the reason. */
  get complaint(): string {
    const after = `after ${this.#limitMs / 1_000} s (startTimeout)`;
    return this.#module === null
      ? `has not begun to import the task modules ${after}: does a module of --import or NODE_OPTIONS never end?`
      : `has not imported ${this.#module} ${after}: is there an endless loop in it, or a top-level await that never ends?`;
  }
}
