/** The start of children: how long one may take, how soon another replaces it, and when that is no use. */
import { after, type LongTimer } from '../app/timers.ts';
import { peek } from '../job/values/realm.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

/** After so many deaths in a row, before any child was ever ready, the next child would die as well. */
const DEATHS_TO_END = 3;

/** Errors of fork(2) that may pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

/** How a child ended. */
interface ChildEnd {
  /** The child held a job, or was ready for a while. */
  readonly wasOfUse: boolean;
  /** Why the process could not be started; null when it was. */
  readonly startFailure: unknown;
}

export class Restarts {
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #fork: () => void;
  #wasEverReady = false;
  /** Children in a row that were of no use, and those of them that were processes that died. */
  #failedStarts = 0;
  #deaths = 0;

  constructor(fork: () => void) {
    this.#fork = fork;
  }

  /** How many children are to start. */
  get size(): number {
    return this.#timers.size;
  }

  /** Whether any child has become ready. */
  get wasEverReady(): boolean {
    return this.#wasEverReady;
  }

  /** Never gives up from now on: a child has become ready, or somebody is working on the modules. */
  persist(): void {
    this.#wasEverReady = true;
  }

  /** Replaces a child that ended. @returns in how many ms; null: none was ever ready, and none will be */
  replace({ wasOfUse, startFailure }: ChildEnd): number | null {
    const delay = restartDelayMs(wasOfUse, this.#failedStarts);
    this.#failedStarts = wasOfUse ? 0 : this.#failedStarts + 1;
    this.#deaths = wasOfUse || isPassing(startFailure) ? 0 : this.#deaths + 1;
    if (!this.#wasEverReady && this.#deaths >= DEATHS_TO_END) return null;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#fork();
    }, delay);
    this.#timers.add(timer);
    return delay;
  }

  cancel(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/**
 * A child that held a job is replaced at once: the job's own backoff bounds how often it can end a process. A child that died
 * before that died of something that the next will meet too: 100 ms, doubling to 10 s with each such death in a row.
 */
export function restartDelayMs(wasOfUse: boolean, deathsInARow: number): number {
  return wasOfUse ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(deathsInARow, 10));
}

function isPassing(failure: unknown): boolean {
  return PASSING.has(String(peek(failure, 'code')));
}

/** Exit code of a child that cannot use the spool: it has told why. */
const SPOOL_UNUSABLE = 75;

/** Why a child may have ended soon after it was ready, without a job; '' for a signal, which came from elsewhere. */
export function idleEndHint(code: number | null): string {
  if (code === null || code === SPOOL_UNUSABLE) return '';
  return '. It ended by itself without a job: does a task module call process.exit(), or is an error of it caught nowhere?';
}

/** Why the worker ends. `how`: how the last child ended; `lastWords`: the end of its stderr. */
export function cannotStart(how: string, lastWords: string): string {
  const words = lastWords === '' ? '' : `. It printed:\n${lastWords}\n`;
  return `No child can start: ${DEATHS_TO_END} in a row have ended before they were ready to work. The last: ${how}${words === '' ? ' ' : words}`.trimEnd();
}

export class StartWatch {
  readonly #limitMs: number;
  #timer: LongTimer;
  #module: string | null = null;
  /** The child has imported all modules, has said why it cannot, or took too long: no module has ended it. */
  #isOver = false;

  /** @param onOverdue called once, unless the start ends before */
  constructor(limitMs: number, onOverdue: () => void) {
    this.#limitMs = limitMs;
    const overdue = (): void => {
      this.#isOver = true;
      onOverdue();
    };
    // In two halves: if this process was stopped itself, it reads the child's messages between them.
    this.#timer = after(limitMs / 2, () => (this.#timer = after(limitMs / 2, overdue)));
  }

  /** The child imports this module now: a file, or a module of --import. */
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
    this.#timer.cancel();
  }

  /** In which import the process ended; '' where it was none. */
  whereItEnded(signal: NodeJS.Signals | null): string {
    return this.#isOver ? '' : whereItEnded(this.#module, signal);
  }

  /** Which step takes so long, and a reason that it may have. */
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
