/** Every job of a store, as small rows in memory: filters, totals, groups of failures and counts are worked out of these. No I/O. */
import type { Look, Sighting, Whereabouts } from '../../../broker/broker.ts';
import { FailureKinds } from './failure-kinds.ts';
import { FoundTexts } from './found-texts.ts';
import { idIn, type IndexRow, isOver, RowMaker, whereaboutsOf } from './index-row.ts';
import { Tallies } from './tallies.ts';

/** So many rows of jobs that are gone may stay in the order before it is made anew. */
const MOST_GONE = 5_000;

export class JobIndex {
  readonly tallies: Tallies = new Tallies();
  readonly texts: FoundTexts = new FoundTexts();
  /** Grows with each change. */
  version = 0;
  /** True once every job that was there has been read. */
  isComplete = false;
  readonly #maker = new RowMaker(new FailureKinds());
  readonly #rows = new Map<string, IndexRow>();
  /** The `order` of each job, the one that was sent first first; some may be of jobs that are gone. */
  #order: string[] = [];
  #isSorted = true;

  get size(): number {
    return this.#rows.size;
  }

  get(id: string): IndexRow | undefined {
    return this.#rows.get(id);
  }

  take(looks: readonly Pick<Look, 'sighting'>[]): void {
    for (const { sighting } of looks) this.put(sighting);
  }

  /** @returns the job as it is kept now */
  put(job: Sighting): IndexRow {
    const row = this.#maker.rowOf(job);
    const before = this.#rows.get(job.id);
    if (before !== undefined && isSame(before, row)) return before;
    if (before?.order !== row.order) this.#place(row);
    this.#rows.set(row.id, row);
    this.tallies.change(before ?? null, row);
    if (before !== undefined && mayHaveOtherArguments(before, row)) this.texts.forget(row.id);
    this.version++;
    return row;
  }

  /**
   * After a look that took its time.
   *
   * @param before what `get` gave when the look began. What has come to the index since stays: it is of one who tells of all that comes later,
   *   and an older look in its place would stay for good
   * @returns the job as it was looked at
   */
  putAfter(job: Sighting, before: IndexRow | undefined): IndexRow {
    return this.#rows.get(job.id) === before ? this.put(job) : this.#maker.rowOf(job);
  }

  /** The job is there no more. */
  drop(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.tallies.change(row, null);
    this.texts.forget(id);
    this.version++;
    if (this.#order.length > this.#rows.size + MOST_GONE) {
      this.#order = this.#order.filter((order) => this.#rowAt(order) !== undefined);
    }
  }

  /** Where a job was that has not ended; null of any other. */
  whereWas(id: string): Whereabouts | null {
    const row = this.#rows.get(id);
    return row === undefined ? null : whereaboutsOf(row);
  }

  *unended(): Generator<Whereabouts, void, undefined> {
    for (const row of this.#rows.values()) {
      const where = whereaboutsOf(row);
      if (where !== null) yield where;
    }
  }

  rows(): Iterable<IndexRow> {
    return this.#rows.values();
  }

  /** Those that were sent last come first. @param before the `order` of a job, which stays out with all that came later; null: from the last on */
  *latest(before: string | null): Generator<IndexRow, void, undefined> {
    this.#sort();
    // Jobs come and go while somebody goes through them: a new order is a new list, and this one stays.
    const orders = this.#order;
    let last: string | undefined;
    for (let at = (before === null ? orders.length : this.#indexOf(before)) - 1; at >= 0; at--) {
      const order = orders[at] ?? '';
      if (order === last) continue; // A job that was gone and has come back is there twice.
      last = order;
      const row = this.#rowAt(order);
      if (row !== undefined) yield row;
    }
  }

  #rowAt(order: string): IndexRow | undefined {
    const row = this.#rows.get(idIn(order));
    return row?.order === order ? row : undefined;
  }

  #place({ order }: IndexRow): void {
    const last = this.#order.at(-1);
    this.#isSorted &&= last === undefined || last < order;
    this.#order.push(order);
  }

  /** Of what came in order, as most does, this costs little: it sorts rows of rising and of falling names in one pass. */
  #sort(): void {
    if (this.#isSorted) return;
    this.#order = this.#order.toSorted();
    this.#isSorted = true;
  }

  /** How many come before that place. */
  #indexOf(order: string): number {
    let [from, to] = [0, this.#order.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#order[middle] ?? '') < order) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/**
 * One that waited for others gets their values as arguments when it begins; one that has ended may have waited again since, when it was sent
 * back, without anybody having seen it.
 */
function mayHaveOtherArguments(before: IndexRow, now: IndexRow): boolean {
  return isOver(before) || (before.state === 'delayed' && now.state !== 'delayed');
}

/** A look at a job that has not changed is no change. */
function isSame(a: IndexRow, b: IndexRow): boolean {
  return (Object.keys(a) as (keyof IndexRow)[]).every((key) => a[key] === b[key]); // A row has no other keys.
}
