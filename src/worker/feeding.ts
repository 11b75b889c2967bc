/** Which child gets the names of ready jobs, and which one looks out for itself. */
import type { Keeper } from '../broker/broker.ts';
import type { WorkerChild } from './child-process.ts';

export class Feeding {
  readonly #keeper: Keeper;
  readonly #mayPost: boolean;
  /** Children that want names, the one that asked last last: its caches are warm. */
  readonly #hungry: WorkerChild[] = [];
  /** The idle child that watches for jobs itself. */
  #lookout: WorkerChild | null = null;

  /** @param mayPost false where it must be known that all are idle: a lookout does not tell */
  constructor(keeper: Keeper, mayPost: boolean) {
    this.#keeper = keeper;
    this.#mayPost = mayPost;
  }

  want(child: WorkerChild): void {
    if (!this.#hungry.includes(child)) this.#hungry.push(child);
  }

  /** It gets no more names. */
  dismiss(child: WorkerChild): void {
    this.#remove(child);
    if (this.#lookout === child) this.#relieve(child);
  }

  /** Gives out what is ready. */
  feed(): void {
    for (let child = this.#hungriest(); child !== undefined; child = this.#hungriest()) {
      const names = this.#keeper.take(child.appetite);
      if (names.length === 0) break;
      this.#relieve(child);
      this.#remove(child);
      child.feed(names);
    }
    this.#post();
  }

  /** Whoever has nothing to do comes first. What the lookout left lying is for others: it may be busy, and has not told. */
  #hungriest(): WorkerChild | undefined {
    return this.#hungry.findLast((child) => child.isIdle && child !== this.#lookout) ?? this.#hungry.at(-1);
  }

  /** Posts the child that would be given the next job. */
  #post(): void {
    const child = this.#lookout === null ? this.#hungriest() : undefined;
    if (child?.isIdle !== true || !this.#mayPost) return;
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

  #remove(child: WorkerChild): void {
    const at = this.#hungry.indexOf(child);
    if (at !== -1) this.#hungry.splice(at, 1);
  }
}
