/**
 * Which jobs wait for which, as one keeper knows it, and which of them are to be looked at. Of several that it comes after, a job waits for
 * one: the last of those that may not have ended. Jobs end much as they were sent, so few are waited for, one after the other. Pure.
 */

/** A job that comes after others. */
export interface Follower {
  /** The ids of those that may not have ended. */
  readonly left: string[];
  readonly expiresAtMs: number;
}

export class Waits {
  /** By their names in delayed/; null for one that comes after no other job. */
  readonly #known = new Map<string, Follower | null>();
  /** The names by the id that they wait for. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Names to be looked at: those that are not known yet, and those that wait for nothing at present. */
  readonly #open = new Set<string>();
  /** Lines whose names wait for nothing more. */
  readonly #freed = new Set<Set<string>>();
  /** Ids that are waited for, and of which it is to be asked whether they have ended. */
  readonly #asked = new Set<string>();
  /** The names that a listing has found so far, or that came meanwhile; null: none is under way. */
  #found: Set<string> | null = null;

  /** Whether any job waits, or may wait. */
  get isInUse(): boolean {
    return this.#waiting.size > 0 || this.hasWork;
  }

  /** From now on each name that is there is added. */
  beginListing(): void {
    this.#found = new Set();
  }

  /** What was not added since then is not there any more. */
  endListing(isWhole: boolean): void {
    const found = this.#found;
    this.#found = null;
    if (found === null || !isWhole) return;
    for (const name of this.#known.keys()) if (!found.has(name)) this.forget(name);
    for (const name of this.#open) if (!found.has(name)) this.#open.delete(name);
  }

  clear(): void {
    for (const all of [this.#known, this.#waiting, this.#open, this.#freed, this.#asked]) all.clear();
  }

  knows(name: string): boolean {
    return this.#known.has(name) || this.#open.has(name);
  }

  add(name: string): void {
    this.#found?.add(name);
    if (!this.#known.has(name)) this.#open.add(name);
  }

  /** Names are to be looked at, or ids to be asked for. */
  get hasWork(): boolean {
    return this.#open.size > 0 || this.#freed.size > 0 || this.#asked.size > 0;
  }

  /** It is to be asked whether `id` has ended. False: nobody waits for it. */
  ask(id: string): boolean {
    if (!this.#waiting.has(id)) return false;
    this.#asked.add(id);
    return true;
  }

  /** The same of all that are waited for. */
  askAll(): void {
    for (const id of this.#waiting.keys()) this.#asked.add(id);
  }

  *takeAsked(): Generator<string> {
    for (const id of this.#asked) {
      this.#asked.delete(id);
      yield id;
    }
  }

  /** The names that are to be looked at, also those that come meanwhile; each waits in no line from then on. */
  *takeOpen(): Generator<string> {
    for (const line of this.#freed) {
      for (const name of line) {
        line.delete(name);
        this.#known.get(name)?.left.pop();
        yield name;
      }
      this.#freed.delete(line);
    }
    for (const name of this.#open) {
      this.#open.delete(name);
      yield name;
    }
  }

  /** The look at `name` came to nothing: it comes again, after all others. */
  again(name: string): void {
    this.#open.add(name);
  }

  /** Undefined for a name that was not read yet. */
  get(name: string): Follower | null | undefined {
    return this.#known.get(name);
  }

  learn(name: string, follower: Follower | null): void {
    this.#known.set(name, follower);
  }

  forget(name: string): void {
    this.#leaveLine(name, this.#known.get(name) ?? null);
    this.#known.delete(name);
    this.#open.delete(name);
  }

  #leaveLine(name: string, follower: Follower | null): void {
    const waitedFor = follower?.left.at(-1);
    const names = waitedFor === undefined ? undefined : this.#waiting.get(waitedFor);
    names?.delete(name);
    if (waitedFor !== undefined && names?.size === 0) this.#waiting.delete(waitedFor);
  }

  /** It waits for `id`, the last of those that are left. */
  wait(name: string, id: string): void {
    const names = this.#waiting.get(id);
    if (names === undefined) this.#waiting.set(id, new Set([name]));
    else names.add(name);
  }

  /** The ids that are waited for. */
  ids(): Iterable<string> {
    return this.#waiting.keys();
  }

  /** Nobody has to wait for `id` any more. */
  release(id: string): void {
    const line = this.#waiting.get(id);
    if (line === undefined) return;
    this.#waiting.delete(id);
    this.#freed.add(line);
  }

  /** Those that are too late wait for nothing more. */
  releaseExpired(nowMs: number): void {
    for (const [name, follower] of this.#known) {
      if (follower === null || !(follower.expiresAtMs < nowMs)) continue;
      this.#leaveLine(name, follower);
      follower.left.length = 0;
      this.#open.add(name);
    }
  }
}
