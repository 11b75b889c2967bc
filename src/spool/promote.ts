/** Delayed jobs become ready: each lies in delayed/ under the time it is due, and is renamed to pending/ when that comes. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { parseDelayedFileName } from './layout.ts';
import { DirectoryWatch, Poll } from './watch.ts';
import { renameOver } from './set-aside.ts';

/** Longest time between two looks at the clock, ms: a step of the wall clock is noticed within it. Timers count monotonic time. */
const LONGEST_TIMER_MS = 1_000;
/** Jobs promoted before other work gets its turn. */
const AT_ONCE = 500;

export class Promoter {
  readonly #context: SpoolContext;
  readonly #onTrouble: (error: unknown) => void;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  /** Names in delayed/, the soonest first; a hint, each rename decides. */
  #names: string[] = [];
  /** What is in delayed/ has to be looked at, also if nothing changes there any more. */
  #isStale = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: SpoolContext, onTrouble: (error: unknown) => void) {
    this.#context = context;
    this.#onTrouble = onTrouble;
    this.#watch = new DirectoryWatch(context.files, context.layout.delayed, (name) =>
      this.#try(() => this.#hear(name)),
    );
    this.#poll = new Poll(() => this.#try(() => this.#refresh()), false);
  }

  start(): void {
    this.#watch.open();
    this.#try(() => this.#refresh());
    this.#poll.start();
  }

  stop(): void {
    this.#watch.close();
    this.#poll.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Promotes what is due now, whether heard of or not. */
  promoteDue(): void {
    this.#try(() => this.#refresh());
  }

  #refresh(): void {
    if (this.#watch.hasChanged() || this.#context.odd.takeDue()) this.#isStale = true;
    if (this.#isStale) {
      const names = this.#context.files.list(this.#context.layout.delayed);
      this.#names = names.filter((name) => parseDelayedFileName(name) !== null).sort();
      this.#isStale = false;
    }
    this.#promote();
  }

  #hear(name: string | null): void {
    if (name === null) return this.#refresh();
    if (parseDelayedFileName(name) === null) return;
    const at = lowerBound(this.#names, name);
    // The same event tells of a name that came and of one that left.
    if (this.#names[at] === name || !this.#context.files.exists(`${this.#context.layout.delayed}/${name}`)) return;
    this.#names.splice(at, 0, name);
    if (at === 0) this.#promote();
  }

  #promote(): void {
    const nowMs = this.#context.nowMs();
    let done = 0;
    let trouble: unknown = null;
    for (const name of this.#names) {
      const parsed = parseDelayedFileName(name);
      if (done === AT_ONCE || (parsed !== null && parsed.dueAtMs > nowMs)) break;
      done++;
      if (parsed === null) continue;
      try {
        this.#move(name, parsed.jobFile);
      } catch (error) {
        trouble ??= error; // Those behind it may do: a disk that fails may do so in one place.
      }
    }
    this.#names.splice(0, done);
    this.#schedule(nowMs);
    if (trouble !== null) throw trouble;
  }

  #move(name: string, jobFile: string): void {
    const { layout, odd } = this.#context;
    const from = `${layout.delayed}/${name}`;
    odd.try(from, () => {
      try {
        renameOver(this.#context, from, `${layout.pending}/${jobFile}`);
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error; // Another worker promoted it.
      }
    });
  }

  #schedule(nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const next = parseDelayedFileName(this.#names[0] ?? '');
    if (next === null) return;
    const waitMs = Math.min(LONGEST_TIMER_MS, Math.max(0, next.dueAtMs - nowMs));
    this.#timer = setTimeout(() => this.#try(() => this.#promote()), waitMs);
    this.#timer.unref();
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#isStale = true; // A look that failed has seen nothing: the next poll looks again.
      this.#onTrouble(error);
    }
  }
}

/** Index of the first element of sorted `names` that is not before `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
