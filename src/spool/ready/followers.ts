/**
 * Jobs that are to run after another, and wait for its end in delayed/, under the last due time that there is. While there are any, results/
 * is watched: when the other has ended, or cannot end any more, the job is ready, and its claim decides what becomes of it. These are hints.
 */
import type { SpoolContext } from '../disk/context.ts';
import { DirectoryWatch, Poll } from '../disk/watch.ts';
import { idsAfter } from '../../job/edges.ts';
import { readJob } from '../job-file/read.ts';
import { renameOverIfThere } from '../job-file/set-aside.ts';
import { parseDelayedFileName, parseResultFileName } from '../layout.ts';
import { endedSpot, locate } from '../locate.ts';

/** How often it is looked whether the jobs that are waited for are still there, ms. */
const EXISTENCE_EVERY_MS = 30_000;

interface Follower {
  /** The ids of those that may not have ended. It waits for the last: jobs end much as they were sent, so few are waited for. */
  readonly left: string[];
  readonly expiresAtMs: number;
}

export class Followers {
  readonly #context: SpoolContext;
  readonly #onTrouble: (error: unknown) => void;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  /** By their names in delayed/; null for one that waits for no other job. */
  readonly #known = new Map<string, Follower | null>();
  /** The same names by the job that they wait for. */
  readonly #waiting = new Map<string, Set<string>>();
  #existenceCheckedAt = 0;

  constructor(context: SpoolContext, onTrouble: (error: unknown) => void) {
    this.#context = context;
    this.#onTrouble = onTrouble;
    this.#watch = new DirectoryWatch(context.files, context.layout.results, (name) => this.#hear(name));
    this.#poll = new Poll(() => this.#try(() => this.#round()), false);
  }

  stop(): void {
    this.#watch.close();
    this.#poll.stop();
  }

  /** These are all names with that due time. */
  set(names: readonly string[]): void {
    const there = new Set(names);
    for (const name of this.#known.keys()) if (!there.has(name)) this.#forget(name);
    for (const name of names) this.add(name);
  }

  add(name: string): void {
    if (this.#known.has(name)) return;
    const id = parseDelayedFileName(name)?.name.id ?? '';
    const reading = readJob(this.#context, `${this.#context.layout.delayed}/${name}`, id);
    if (reading.kind === 'gone') return;
    const { options } = reading.kind === 'job' ? reading.document.record.job : {};
    const left = [...idsAfter(options ?? {})];
    const follower = left.length === 0 ? null : { left, expiresAtMs: options?.expiresAtMs ?? Number.POSITIVE_INFINITY };
    this.#known.set(name, follower);
    if (follower === null) return;
    if (this.#waiting.size === 0) this.#existenceCheckedAt = performance.now();
    // Watch, then look: an end that comes before the look is found by it.
    this.#watch.open();
    if (!this.#poll.isOn) this.#poll.start();
    this.#waitOn(name, follower);
  }

  #waitOn(name: string, { left }: Follower): void {
    let last = left.at(-1);
    for (; last !== undefined && this.#hasEnded(last); last = left.at(-1)) left.pop();
    if (last === undefined) return this.#makeReady(name);
    const names = this.#waiting.get(last);
    if (names === undefined) this.#waiting.set(last, new Set([name]));
    else names.add(name);
  }

  /** Looks at all that are waited for. */
  look(): void {
    for (const after of this.#waiting.keys()) if (this.#hasEnded(after)) this.#release(after);
  }

  #hear(name: string | null): void {
    const id = name === null ? null : parseResultFileName(name);
    if (name === null) this.#try(() => this.look());
    else if (id !== null && this.#waiting.has(id) && this.#hasEnded(id)) this.#try(() => this.#release(id));
  }

  #round(): void {
    if (this.#waiting.size === 0) return this.stop();
    if (this.#watch.hasChanged()) this.look();
    const nowMs = this.#context.nowMs();
    for (const [name, follower] of this.#known)
      if (follower !== null && follower.expiresAtMs < nowMs) this.#makeReady(name);
    if (performance.now() - this.#existenceCheckedAt >= EXISTENCE_EVERY_MS) void this.#checkExistence();
  }

  async #checkExistence(): Promise<void> {
    this.#existenceCheckedAt = performance.now();
    try {
      const ids = new Set(this.#waiting.keys());
      const spots = await locate(this.#context, ids);
      for (const id of ids) if (!spots.has(id)) this.#release(id);
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  #hasEnded(id: string): boolean {
    const { files, layout } = this.#context;
    return files.exists(endedSpot(layout, id).path);
  }

  /** Nobody has to wait for `id` any more. */
  #release(id: string): void {
    const names = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const name of names) {
      const follower = this.#known.get(name);
      if (follower === undefined || follower === null) continue;
      follower.left.pop();
      this.#waitOn(name, follower);
    }
  }

  #makeReady(name: string): void {
    const { layout, odd } = this.#context;
    const parsed = parseDelayedFileName(name);
    this.#forget(name);
    if (parsed === null) return;
    const from = `${layout.delayed}/${name}`;
    odd.try(from, () => void renameOverIfThere(this.#context, from, `${layout.pending}/${parsed.jobFile}`));
  }

  #forget(name: string): void {
    const waitedFor = this.#known.get(name)?.left.at(-1);
    this.#known.delete(name);
    if (waitedFor === undefined) return;
    const names = this.#waiting.get(waitedFor);
    names?.delete(name);
    if (names?.size === 0) this.#waiting.delete(waitedFor);
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#onTrouble(error);
    }
  }
}
