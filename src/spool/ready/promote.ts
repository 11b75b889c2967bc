/**
 * Delayed jobs become ready: each lies in delayed/ under the time it is due, and is renamed to pending/ when that comes. A parked job,
 * whose task no worker knew, also becomes ready when a worker comes that knows it.
 */
import type { SpoolContext } from '../disk/context.ts';
import { AFTER_ANOTHER_MS, parseDelayedFileName } from '../layout.ts';
import { readJob } from '../job-file/read.ts';
import { Turns } from '../disk/rounds.ts';
import { renameOverIfThere } from '../job-file/set-aside.ts';
import { DirectoryWatch, Poll } from '../disk/watch.ts';
import { Followers } from '../after/followers.ts';

/** How late a step of the wall clock may be noticed, ms: timers count monotonic time. */
const CLOCK_LOOK_EVERY_MS = 1_000;
/** Names of jobs that wait for another begin so, and come last. */
const AFTER_ANOTHER = `${AFTER_ANOTHER_MS}.`;
/** Jobs promoted before other work gets its turn. */
const AT_ONCE = 500;
/** A parked job is due within a minute, ms; what is due later was not parked. */
const PARKED_FOR_MS = 60_000;

export class Promoter {
  readonly #context: SpoolContext;
  readonly #onTrouble: (error: unknown) => void;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  readonly #followers: Followers;
  readonly #names = new DueNames();
  /** delayed/ has to be listed, also if nothing changes there any more. */
  #isStale = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: SpoolContext, onTrouble: (error: unknown) => void) {
    this.#context = context;
    this.#onTrouble = onTrouble;
    this.#watch = new DirectoryWatch(context.files, context.layout.delayed, (name) =>
      this.#try(() => this.#hear(name)),
    );
    this.#poll = new Poll(() => this.#try(() => this.#refresh()), false);
    this.#followers = new Followers(context, onTrouble);
  }

  start(): void {
    this.#watch.open();
    this.#try(() => this.#refresh());
    this.#poll.start();
  }

  stop(): void {
    this.#watch.close();
    this.#poll.stop();
    this.#followers.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Promotes the jobs that are due now, also those that no event has told of. */
  promoteDue(): void {
    this.#try(() => this.#refresh());
  }

  /** True when surely no job waits for others that have all ended. False also while many names are looked at. */
  isSettled(): boolean {
    return !this.#names.isListing && this.#followers.isSettled();
  }

  #refresh(): void {
    if (this.#watch.hasChanged() || this.#context.odd.takeDue()) this.#isStale = true;
    if (this.#isStale && !this.#names.isListing) void this.#list();
    else this.#promote();
  }

  /** At once where that takes no longer than a slice. */
  async #list(): Promise<void> {
    this.#names.begin();
    this.#followers.beginListing();
    this.#isStale = false;
    try {
      const turns = new Turns();
      const names: string[] = [];
      for (const name of this.#context.files.walk(this.#context.layout.delayed)) {
        if (turns.isOver) await turns.next();
        if (name.startsWith(AFTER_ANOTHER)) this.#followers.add(name);
        else if (parseDelayedFileName(name) !== null) names.push(name);
      }
      this.#names.end(names);
      this.#followers.endListing(true);
      this.#promote();
    } catch (error) {
      this.#names.end(null);
      this.#followers.endListing(false);
      this.#fail(error);
    }
  }

  #hear(name: string | null): void {
    if (name === null) return this.#refresh();
    if (parseDelayedFileName(name) === null) return;
    if (name.startsWith(AFTER_ANOTHER)) {
      if (this.#followers.knows(name) || this.#isThere(name)) this.#followers.add(name);
      return;
    }
    // The watch tells of a name that leaves by the same event as of one that comes.
    if (this.#names.has(name) || !this.#isThere(name)) return;
    this.#names.insert(name);
    if (this.#names.first === name) this.#promote();
  }

  #isThere(name: string): boolean {
    const { files, layout } = this.#context;
    return files.exists(`${layout.delayed}/${name}`);
  }

  #promote(): void {
    const nowMs = this.#context.nowMs();
    let done = 0;
    let trouble: unknown = null;
    for (const name of this.#names.all) {
      const parsed = parseDelayedFileName(name);
      if (done === AT_ONCE || (parsed !== null && parsed.dueAtMs > nowMs)) break;
      done++;
      if (parsed === null) continue;
      const from = `${this.#context.layout.delayed}/${name}`;
      try {
        this.#context.odd.try(from, () => makeReady(this.#context, from, parsed.jobFile));
      } catch (error) {
        trouble ??= error; // The next jobs may do: a disk may fail in one place.
      }
    }
    this.#names.drop(done);
    this.#schedule(nowMs);
    if (trouble !== null) throw trouble;
  }

  #schedule(nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const next = parseDelayedFileName(this.#names.first ?? '');
    if (next === null) return;
    const waitMs = Math.min(CLOCK_LOOK_EVERY_MS, Math.max(0, next.dueAtMs - nowMs));
    this.#timer = setTimeout(() => this.#try(() => this.#promote()), waitMs);
    this.#timer.unref();
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A look that failed has seen nothing: the next poll looks again. */
  #fail(error: unknown): void {
    this.#isStale = true;
    this.#onTrouble(error);
  }
}

/**
 * Makes the parked jobs of `tasks` ready: of those in delayed/ under `names`, or of all. Jobs that are due soon are read for it, in slices.
 *
 * @returns the names of those that were refused and are not due yet: they are to be tried again
 */
export async function unpark(
  context: SpoolContext,
  tasks: ReadonlySet<string>,
  turns: Turns,
  names: Iterable<string> = context.files.walk(context.layout.delayed),
): Promise<readonly string[]> {
  const refused: string[] = [];
  const nowMs = context.nowMs();
  for (const fileName of names) {
    if (turns.isOver) await turns.next();
    const parsed = parseDelayedFileName(fileName);
    if (parsed === null || parsed.dueAtMs > nowMs + PARKED_FOR_MS) continue;
    const path = `${context.layout.delayed}/${fileName}`;
    const isDone = context.odd.try(path, () => {
      if (isParked(context, path, parsed.name.id, tasks)) makeReady(context, path, parsed.jobFile);
    });
    if (!isDone && parsed.dueAtMs > nowMs) refused.push(fileName);
  }
  return refused;
}

function isParked(context: SpoolContext, path: string, id: string, tasks: ReadonlySet<string>): boolean {
  const reading = readJob(context, path, id);
  if (reading.kind !== 'job') return false;
  const { job, parked } = reading.document.record;
  return parked !== null && tasks.has(job.task);
}

/** Makes a delayed job ready, unless another worker was faster. @param path of its file in delayed/ */
export function makeReady(context: SpoolContext, path: string, jobFile: string): void {
  renameOverIfThere(context, path, `${context.layout.pending}/${jobFile}`);
}

/** Names in delayed/ of jobs that wait for a time, the soonest first. They are hints: the rename decides. */
class DueNames {
  #all: string[] = [];
  /** What was heard of during a listing, which may have missed it; null: there is none under way. */
  #heard: string[] | null = null;

  get isListing(): boolean {
    return this.#heard !== null;
  }

  get all(): readonly string[] {
    return this.#all;
  }

  get first(): string | undefined {
    return this.#all[0];
  }

  has(name: string): boolean {
    return this.#all[lowerBound(this.#all, name)] === name;
  }

  insert(name: string): void {
    this.#all.splice(lowerBound(this.#all, name), 0, name);
    this.#heard?.push(name);
  }

  drop(count: number): void {
    this.#all.splice(0, count);
  }

  begin(): void {
    this.#heard = [];
  }

  /** @param listed null: the listing has failed, and the names stay as they are */
  end(listed: readonly string[] | null): void {
    if (listed !== null) this.#all = [...new Set([...listed, ...(this.#heard ?? [])])].sort();
    this.#heard = null;
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
