/** How soon children that died are replaced, and when it is no use. */
import { peek } from '../job/values/realm.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

/** So many deaths in a row, before any child was ever ready, and the next would die as well. */
const DEATHS_TO_END = 3;

/** What may pass by itself when no process can be had; see fork(2). */
const PASSING: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

/** How a child ended whose start or work is over. */
export interface ChildEnd {
  /** It held a job, or was ready for a while. */
  readonly wasOfUse: boolean;
  /** Why there never was a process; null when there was one. */
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

  /** How many are to come. */
  get size(): number {
    return this.#timers.size;
  }

  /** Whether any child has become ready. */
  get wasEverReady(): boolean {
    return this.#wasEverReady;
  }

  /** A child has become ready. */
  ready(): void {
    this.#wasEverReady = true;
  }

  /** Never gives up: what keeps children from starting is being worked on. */
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
 * A child that held a job is replaced at once: what a job does to processes is bounded by the job's own backoff. One that
 * died before it could met something that the next will meet too: 100 ms doubling to 10 s with each such death in a row.
 */
export function restartDelayMs(wasOfUse: boolean, deathsInARow: number): number {
  return wasOfUse ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(deathsInARow, 10));
}

function isPassing(failure: unknown): boolean {
  return PASSING.has(String(peek(failure, 'code')));
}

/** Exit code of a child that cannot use the spool: it has told why. */
const SPOOL_UNUSABLE = 75;

/** What may have ended a child that was ready, soon and without a job; '' for a signal: that came from elsewhere. */
export function idleEndHint(code: number | null): string {
  if (code === null || code === SPOOL_UNUSABLE) return '';
  return '. It ended by itself without a job: does a task module call process.exit(), or is an error of it caught nowhere?';
}

/** Why the worker ends: `how` the last child ended, and what it printed. */
export function cannotStart(how: string, lastWords: string): string {
  const words = lastWords === '' ? '' : `. It printed:\n${lastWords}\n`;
  return `No child can start: ${DEATHS_TO_END} in a row have ended before they were ready to work. The last: ${how}${words === '' ? ' ' : words}`.trimEnd();
}
