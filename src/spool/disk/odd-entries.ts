/**
 * Decides whose trouble an error is: that of one entry of the spool, or the whole spool's. An entry that is refused is told, left alone
 * for a time that grows with each failure, and tried again. The trouble is the spool's only if a directory of it does not work
 * when it is looked at: the error's code does not say, for EPERM comes of one immutable file and of an immutable directory.
 */
import type { BrokerEvent } from '../../broker/worker-side.ts';
import { FsqError } from '../../job/errors.ts';
import { isErrorLike } from '../../job/values/realm.ts';
import { type Files, hasCode } from './files.ts';
import { DIRECTORIES, type Layout, MADE_AT_FIRST_USE } from '../layout.ts';
import { isPassing } from './trouble.ts';

/** Whose trouble an error is: what passes is waited for, an odd entry is skipped, and trouble of the spool ends a worker. */
type Blame = 'moment' | 'entry' | 'spool';

/** How long an entry is left alone, ms: the first time, and at most. */
const AGAIN_MS = { first: 1_000, longest: 300_000 };
/** So often in a row EIO at one entry is taken for a moment that passes; then for a broken place of the disk, where this entry lies. */
const EIO_AT_MOST = 3;
/** For how long a look that found the spool working holds, ms: thousands of entries may be refused in a row. */
const LOOK_HOLDS_MS = 100;
/** Directories that a spool may lack. */
const MADE_LATER: ReadonlySet<string> = new Set([
  'queues',
  'limits',
  'logs',
  'cancel',
  'keys',
  'spare',
  'journal',
  ...MADE_AT_FIRST_USE,
]);

interface Odd {
  readonly againMs: number;
  readonly untilMs: number;
}

export class OddEntries {
  readonly #files: Files;
  readonly #layout: Layout;
  readonly #entries = new Map<string, Odd>();
  /** Paths that `takeDue` has not given yet. */
  readonly #waiting = new Set<string>();
  /** How often in a row the disk has failed at an entry (EIO). */
  readonly #failures = new Map<string, number>();
  #workedAt = Number.NEGATIVE_INFINITY;
  /** Is told each time that an entry is refused, and when one was moved out of the way. */
  onEvent: (event: BrokerEvent) => void = () => undefined;

  constructor(files: Files, layout: Layout) {
    this.#files = files;
    this.#layout = layout;
  }

  /** False while nothing is left alone. */
  get isInUse(): boolean {
    return this.#entries.size > 0;
  }

  /** True while the entry at `path` is left alone. */
  isLeftAlone(path: string): boolean {
    return this.#entries.size > 0 && (this.#entries.get(path)?.untilMs ?? 0) > performance.now();
  }

  /**
   * Does `act`, one step with the entry at `path`, unless that is left alone.
   *
   * @returns whether it was done
   * @throws the error unchanged when it is not the entry's trouble
   */
  try(path: string, act: () => void): boolean {
    if (this.isLeftAlone(path)) return false;
    try {
      act();
    } catch (error) {
      this.leaveAlone(path, error);
      return false;
    }
    return this.#forget(path);
  }

  /** The same for a step that waits for the disk. */
  async tryLong(path: string, act: () => Promise<void>): Promise<boolean> {
    if (this.isLeftAlone(path)) return false;
    try {
      await act();
    } catch (error) {
      this.leaveAlone(path, error);
      return false;
    }
    return this.#forget(path);
  }

  /** Leaves the entry at `path` alone from now on, because of `error`. @throws `error` if it is not the entry's trouble */
  leaveAlone(path: string, error: unknown): void {
    if (this.blame(error) !== 'entry' && !this.#isBroken(path, error)) throw error;
    const againMs = Math.min(AGAIN_MS.longest, 2 * (this.#entries.get(path)?.againMs ?? AGAIN_MS.first / 2));
    this.#entries.set(path, { againMs, untilMs: performance.now() + againMs });
    this.#waiting.add(path);
    this.onEvent({ kind: 'refused', name: this.nameOf(path), error, againMs });
  }

  /** The same for an error that no caller has tied to an entry; one that is left alone already is not told again. */
  complain(error: unknown): void {
    const path = isErrorLike(error) && 'path' in error ? String(error.path) : this.#layout.root;
    if (!this.isLeftAlone(path)) this.leaveAlone(path, error);
  }

  /** Whether any entry may be tried again since the last call. */
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
      // No job needs what lies there.
      if (name === 'statistics') continue;
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

  /** A disk may fail for good in one place: an entry that lies there must not hold up those behind it. */
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
}
