/** The start of one child: how long it may take, and what it was doing when it took longer. */

/** Longest delay that a timer takes, ms: a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class StartWatch {
  readonly #limitMs: number;
  #timer: NodeJS.Timeout;
  #module: string | null = null;
  /** It has imported all modules, has said why not, or took too long: no module has ended it. */
  #isOver = false;

  /** @param onOverdue called once, unless the start ends before */
  constructor(limitMs: number, onOverdue: () => void) {
    this.#limitMs = limitMs;
    const halfMs = Math.min(LONGEST_TIMER_MS, limitMs / 2);
    const overdue = (): void => {
      this.#isOver = true;
      onOverdue();
    };
    // In two halves: had this process been stopped itself, what its child has said meanwhile is heard between them.
    this.#timer = setTimeout(() => (this.#timer = setTimeout(overdue, halfMs)), halfMs);
  }

  /** It imports this module now: a file, or what was given with --import. */
  importing(module: string): void {
    this.#module = module;
  }

  /** It has imported all modules, or has said why it cannot. */
  over(): void {
    this.#isOver = true;
    this.end();
  }

  /** The process has ended, or is not waited for any longer. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** Behind how it ended: in which import; '' where that was none. */
  whereItEnded(signal: NodeJS.Signals | null): string {
    return this.#isOver ? '' : whereItEnded(this.#module, signal);
  }

  /** What takes so long, and what may be the reason. */
  get complaint(): string {
    const after = `after ${this.#limitMs / 1_000} s (startTimeout)`;
    return this.#module === null
      ? `has not begun to import the task modules ${after}: does a module of --import or NODE_OPTIONS never end?`
      : `has not imported ${this.#module} ${after}: is there an endless loop in it, or a top-level await that never ends?`;
  }
}

/** In which import a process ended by itself; null: before it imported a task module. */
export function whereItEnded(module: string | null, signal: NodeJS.Signals | null): string {
  const by = signal === null ? ', by process.exit() say' : ', or somebody else did';
  return module === null
    ? ` before it began to import the task modules: a module of --import or NODE_OPTIONS ended the process${by}`
    : ` while it imported ${module}: the module ended the process${by}`;
}
