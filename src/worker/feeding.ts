/** Which child gets the names of ready jobs, and which one looks out for itself. */
import type { Keeper } from '../broker/worker-side.ts';
import { Appetite } from './appetite.ts';
import type { WorkerChild } from './child-process.ts';

export class Feeding {
  readonly #keeper: Keeper;
  readonly #mayPost: boolean;
  /** Of every child that has asked for names. */
  readonly #appetites = new WeakMap<WorkerChild, Appetite>();
  /** Children that want names, the one that asked last last: its caches are warm. */
  readonly #hungry: WorkerChild[] = [];
  /** The idle child that watches for jobs itself. */
  #lookout: WorkerChild | null = null;

  /** @param mayPost false where it must be known that all are idle: a lookout does not tell */
  constructor(keeper: Keeper, mayPost: boolean) {
    this.#keeper = keeper;
    this.#mayPost = mayPost;
  }

  /** The child has dealt with what it was given, or half of it, and wants more, unless it is leaving. */
  want(child: WorkerChild, isIdle: boolean): void {
    this.#appetiteOf(child).digest(isIdle);
    if (child.state === 'working' && !this.#hungry.includes(child)) this.#hungry.push(child);
  }

  /** Whether the child has asked for names and has none left. */
  isIdle(child: WorkerChild): boolean {
    return this.#appetiteOf(child).isIdle;
  }

  /** It gets no more names. */
  dismiss(child: WorkerChild): void {
    this.#remove(child);
    if (this.#lookout === child) this.#relieve(child);
  }

  /** Gives out what is ready. */
  feed(): void {
    for (let child = this.#hungriest(); child !== undefined; child = this.#hungriest()) {
      const appetite = this.#appetiteOf(child);
      const names = this.#keeper.take(appetite.names);
      if (names.length === 0) break;
      this.#relieve(child);
      this.#remove(child);
      appetite.feed();
      child.send({ type: 'names', names });
    }
    this.#post();
  }

  /** Whoever has nothing to do comes first. What the lookout left lying is for others: it may be busy, and has not told. */
  #hungriest(): WorkerChild | undefined {
    return this.#hungry.findLast((child) => this.isIdle(child) && child !== this.#lookout) ?? this.#hungry.at(-1);
  }

  /** Posts the child that would be given the next job. */
  #post(): void {
    const child = this.#lookout === null ? this.#hungriest() : undefined;
    if (child === undefined || !this.isIdle(child) || !this.#mayPost) return;
    this.#lookout = child;
    this.#keeper.setLookout(true);
    child.send({ type: 'lookout', isPosted: true });
  }

  /** Ends the post: the lookout is among those that want names when it says so again, unless it is given some now. */
  #relieve(fed: WorkerChild): void {
    if (this.#lookout === null) return;
    if (this.#lookout !== fed) {
      this.#remove(this.#lookout);
      this.#lookout.send({ type: 'lookout', isPosted: false });
    }
    this.#lookout = null;
    this.#keeper.setLookout(false);
  }

  #appetiteOf(child: WorkerChild): Appetite {
    const appetite = this.#appetites.get(child) ?? new Appetite();
    this.#appetites.set(child, appetite);
    return appetite;
  }

  #remove(child: WorkerChild): void {
    const at = this.#hungry.indexOf(child);
    if (at !== -1) this.#hungry.splice(at, 1);
  }
}
