/**
 * The one place that decides whose trouble an error is. An error that names one entry costs that entry: it is told, left alone
 * for a pause that grows, and tried again; it is the spool's only if, at a look, a directory of the spool does not work.
 *
 * The code of an error alone does not tell: EPERM comes of one immutable file and of an immutable directory.
 */
import type { BrokerEvent } from '../broker/worker-side.ts';
import { FsqError } from '../job/errors.ts';
import { isErrorLike } from '../job/values/realm.ts';
import { type Files, hasCode } from './files.ts';
import { DIRECTORIES, type Layout } from './layout.ts';
import { isPassing } from './trouble.ts';

/** Whose trouble it is: what passes is waited for, an entry's is skipped, and the spool's ends a worker. */
export type Blame = 'moment' | 'entry' | 'spool';

/** How long an entry is left alone, ms: the first time, and at most. */
const PAUSE_MS = { first: 1_000, longest: 300_000 };
/** So many times in a row a failing disk is taken for a moment that passes; then for a broken place of one entry. */
const EIO_AT_MOST = 3;
/** A spool that worked is not looked at again for so long, ms: thousands of entries may be refused in a row. */
const LOOK_HOLDS_MS = 100;
/** Those that a spool of an older fsq may lack. */
const MADE_LATER: ReadonlySet<string> = new Set(['queues', 'limits', 'logs', 'cancel', 'keys', 'spare']);

interface Odd {
  readonly pauseMs: number;
  readonly untilMs: number;
}

export class OddEntries {
  readonly #files: Files;
  readonly #layout: Layout;
  readonly #entries = new Map<string, Odd>();
  /** Those whose pause `takeDue` waits for. */
  readonly #waiting = new Set<string>();
  /** How often in a row the disk has failed at an entry (EIO). */
  readonly #failures = new Map<string, number>();
  #workedAt = Number.NEGATIVE_INFINITY;
  /** Hears of each entry that is refused, each time, and of each that was moved out of the way. */
  onEvent: (event: BrokerEvent) => void = () => undefined;

  constructor(files: Files, layout: Layout) {
    this.#files = files;
    this.#layout = layout;
  }

  /** False: nothing is left alone. */
  get isInUse(): boolean {
    return this.#entries.size > 0;
  }

  /** True while the entry at `path` is left alone. */
  isLeftAlone(path: string): boolean {
    return this.#entries.size > 0 && (this.#entries.get(path)?.untilMs ?? 0) > performance.now();
  }

  /**
   * Does `act`, one step with the entry at `path`, unless that is left alone. What fails for the entry's sake is told.
   *
   * @returns whether it was done
   * @throws what is not the entry's trouble, unchanged
   */
  try(path: string, act: () => void): boolean {
    if (this.isLeftAlone(path)) return false;
    try {
      act();
      return this.#forget(path);
    } catch (error) {
      return this.#refuse(path, error);
    }
  }

  /** As `try`, of what waits for the disk. */
  async tryLong(path: string, act: () => Promise<void>): Promise<boolean> {
    if (this.isLeftAlone(path)) return false;
    try {
      await act();
      return this.#forget(path);
    } catch (error) {
      return this.#refuse(path, error);
    }
  }

  /** What was caught with the entry at `path` is its own trouble: it is left alone from now. @throws `error` if it is not */
  leaveAlone(path: string, error: unknown): void {
    if (this.blame(error) !== 'entry' && !this.#isBroken(path, error)) throw error;
    const pauseMs = Math.min(PAUSE_MS.longest, 2 * (this.#entries.get(path)?.pauseMs ?? PAUSE_MS.first / 2));
    this.#entries.set(path, { pauseMs, untilMs: performance.now() + pauseMs });
    this.#waiting.add(path);
    this.onEvent({ kind: 'refused', name: this.nameOf(path), error, againMs: pauseMs });
  }

  /** Takes an error that nobody has tied to an entry; it is told again only after its pause. @throws it if it is not an entry's */
  complain(error: unknown): void {
    const path = isErrorLike(error) && 'path' in error ? String(error.path) : this.#layout.root;
    if (!this.isLeftAlone(path)) this.leaveAlone(path, error);
  }

  /** Whether the pause of any entry has ended since the last call. */
  takeDue(): boolean {
    const due = [...this.#waiting].filter((path) => !this.isLeftAlone(path));
    for (const path of due) this.#waiting.delete(path);
    return due.length > 0;
  }

  blame(error: unknown): Blame {
    if (isPassing(error)) return 'moment';
    if (error instanceof FsqError || !isErrorLike(error) || !('syscall' in error)) return 'spool';
    if (performance.now() - this.#workedAt < LOOK_HOLDS_MS) return 'entry';
    if (this.problem() !== null) return 'spool';
    this.#workedAt = performance.now();
    return 'entry';
  }

  /** Why this process cannot use the spool: the first error that a look at its directories meets; null when they all work. */
  problem(): unknown {
    for (const name of DIRECTORIES) {
      try {
        this.#files.tryDirectory(this.#layout[name]);
      } catch (error) {
        if (isPassing(error) || (MADE_LATER.has(name) && hasCode(error, 'ENOENT'))) continue;
        return error;
      }
    }
    return null;
  }

  /** For people: `path` from the spool's root on. */
  nameOf(path: string): string {
    return path.startsWith(`${this.#layout.root}/`) ? path.slice(this.#layout.root.length + 1) : path;
  }

  /** A disk may fail for good in one place: what lies there must not hold up what lies behind it. */
  #isBroken(path: string, error: unknown): boolean {
    if (!hasCode(error, 'EIO')) return false;
    const failures = (this.#failures.get(path) ?? 0) + 1;
    this.#failures.set(path, failures);
    return failures >= EIO_AT_MOST && this.problem() === null;
  }

  #forget(path: string): true {
    if (this.#entries.size > 0) this.#entries.delete(path);
    if (this.#failures.size > 0) this.#failures.delete(path);
    return true;
  }

  #refuse(path: string, error: unknown): false {
    this.leaveAlone(path, error);
    return false;
  }
}
