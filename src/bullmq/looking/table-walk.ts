/** Reading a table that may be long: page by page, so that no question is ever about all of it. */
import type { Store } from '../store.ts';

/** Fields in one question, about. */
const PAGE = 500;

type Fields = ReadonlyMap<string, string>;
type Pages = Pick<Store, 'someFields'>;

/** All of it. */
export async function* pagesOf(store: Pages, table: string): AsyncGenerator<Fields> {
  const walk = new TableWalk(table);
  do yield await walk.next(store);
  while (!walk.isThrough);
}

/** One page each time, and after the last one the first again: a round costs no more than that, however long the table is. */
export class TableWalk {
  readonly #table: string;
  #after: string | null = null;

  constructor(table: string) {
    this.#table = table;
  }

  /** The last page was the table's last. */
  get isThrough(): boolean {
    return this.#after === null;
  }

  async next(store: Pages): Promise<Fields> {
    const { fields, next } = await store.someFields(this.#table, this.#after, PAGE);
    this.#after = next;
    return fields;
  }
}
