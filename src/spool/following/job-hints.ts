/**
 * Which jobs of the spool may have changed, for one that follows all of them: watches tell the names that come and go, and a poll says when to
 * look through all names, because watches lose some (disk/watch.ts). Reads only.
 */
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { DirectoryWatch } from '../disk/watch.ts';
import { parseBesideName } from '../layout.ts';
import { spotAt } from '../locate.ts';

/** Names that come within this time are given together, ms. */
const GATHER_MS = 20;
/** How often it is asked whether names have changed, ms: at first after a change, and at last while there is none. */
const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 1_000;
/** A look through all names may take a twentieth of the time at most. */
const COST_FACTOR = 20;

/** Of each job that was heard of, the path at which it may lie; null: something beside it has changed. */
export type Hints = Map<string, string | null>;

export class JobHints {
  readonly #context: SpoolContext;
  /** By the paths of their directories. */
  readonly #watches = new Map<string, DirectoryWatch>();
  #heard: Hints = new Map();
  #isStale = false;
  #intervalMs = FIRST_POLL_MS;
  #pollAt = performance.now() + FIRST_POLL_MS;
  #wake = (): void => undefined;

  constructor(context: SpoolContext) {
    this.#context = context;
    const { pending, delayed, running, results } = context.layout;
    for (const path of [results, pending, delayed, running]) this.#open(path);
    for (const folder of ['logs', 'progress'] as const)
      this.#open(context.layout[folder], (name) => parseBesideName(folder, name));
    this.#hearOwners();
  }

  /** Resolves when a name was heard of, a moment later, or when it is time to poll. */
  async news(signal: AbortSignal | undefined): Promise<Hints> {
    if (this.#heard.size === 0) await this.#pause(this.#pollAt - performance.now(), signal, true);
    if (this.#heard.size > 0) await this.#pause(GATHER_MS, signal, false);
    const heard = this.#heard;
    this.#heard = new Map();
    return heard;
  }

  /** Begins a poll: true when a look through all names is due. @throws the system error when the spool cannot be looked at */
  isLookDue(): boolean {
    if (performance.now() < this.#pollAt) return false;
    this.#intervalMs = Math.min(LONGEST_POLL_MS, 2 * this.#intervalMs);
    this.#pollAt = performance.now() + this.#intervalMs;
    const isDue = this.#hasChanged() || this.#isStale;
    this.#isStale = false;
    return isDue;
  }

  /** Something has changed, and more may follow. @param costMs of the look through all names */
  quicken(costMs: number): void {
    this.#intervalMs = FIRST_POLL_MS;
    this.#pollAt = Math.max(this.#pollAt, performance.now() + Math.max(FIRST_POLL_MS, COST_FACTOR * costMs));
  }

  /** A look has failed: the next one is due whether anything changes or not. */
  spoil(): void {
    this.#isStale = true;
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close();
  }

  #open(path: string, idOf: ((name: string) => string | null) | null = null): void {
    const { layout } = this.#context;
    const watch = new DirectoryWatch(this.#context.files, path, (name) => {
      if (name === null) return this.spoil();
      const id = idOf === null ? (spotAt(layout, `${path}/${name}`)?.id ?? null) : idOf(name);
      if (id === null) return;
      if (idOf === null) this.#heard.set(id, `${path}/${name}`);
      else if (!this.#heard.has(id)) this.#heard.set(id, null);
      this.#wake();
    });
    watch.open();
    this.#watches.set(path, watch);
  }

  /** Whether the directories in which jobs lie have changed since the last call. */
  #hasChanged(): boolean {
    let hasChanged = this.#hearOwners();
    const { logs, progress, running } = this.#context.layout;
    for (const [path, watch] of this.#watches) {
      watch.open(); // Of a directory that was not there yet, and after the system had none to give.
      if (path === logs || path === progress) continue;
      try {
        hasChanged = watch.hasChanged() || hasChanged;
      } catch (error) {
        if (!path.startsWith(`${running}/`) || !hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
        watch.close();
        this.#watches.delete(path);
        hasChanged = true;
      }
    }
    return hasChanged;
  }

  /** Watches the directories of processes that came. True when there are any. */
  #hearOwners(): boolean {
    const { files, layout } = this.#context;
    let areNew = false;
    for (const name of files.list(layout.running)) {
      const path = `${layout.running}/${name}`;
      if (this.#watches.has(path)) continue;
      this.#open(path);
      areNew = true;
    }
    return areNew;
  }

  async #pause(ms: number, signal: AbortSignal | undefined, isWakened: boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      if (signal?.aborted === true) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        this.#wake = (): void => undefined;
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, ms));
      signal?.addEventListener('abort', end);
      if (isWakened) this.#wake = end;
    });
  }
}
