/**
 * The jobs that are there, by the time of their sending, told by names alone. All names are read, because a directory has no order; but none is
 * taken apart before its job is asked for, and as few are sorted as somebody asks for.
 */
import type { SpoolContext } from '../disk/context.ts';
import type { Layout } from '../layout.ts';
import { ID_AT, ID_LENGTH, spotAt } from '../locate.ts';
import { inOrder } from '../sorted-names.ts';
import { everyName } from './every-name.ts';

/** So many times as many are kept as are wanted, before the older ones among them go. */
const KEPT_FACTOR = 16;

/** Where a job was: it may have moved since. */
export interface Place {
  readonly id: string;
  readonly path: string;
}

/**
 * The `count` jobs that were sent last, the last one first. No other name is kept: that costs as much as the reading.
 *
 * @throws the system error unchanged
 */
export async function latestJobs(context: SpoolContext, count: number): Promise<readonly Place[]> {
  const latest = new Latest(count);
  await everyName(context, {
    meet: ({ id, path }) => latest.meet(id, path),
    read: (id, folder, name) => {
      if (!latest.isLate(id)) return;
      const path = `${folder}/${name}`;
      if (spotAt(context.layout, path) !== null) latest.meet(id, path);
    },
  });
  return latest.places();
}

/** All jobs; one that has moved meanwhile may come twice. @throws the system error unchanged */
export async function* jobsByAge(
  context: SpoolContext,
  order: 'ascending' | 'descending',
): AsyncGenerator<Place, void, undefined> {
  const keys: string[] = [];
  const few = new Map<string, string>();
  await everyName(context, {
    meet: ({ id, path }) => few.set(id, path),
    read: (id, _folder, name) => keys.push(keyOf(id, name)),
  });
  for (const id of few.keys()) keys.push(id);
  for (const key of inOrder(keys, order)) {
    const id = key.slice(0, ID_LENGTH);
    const path = few.get(id) ?? pathOf(key, context.layout);
    if (spotAt(context.layout, path) !== null) yield { id, path };
  }
}

/** A name with its id first and what comes before that last: the order of such keys is that of ids. */
function keyOf(id: string, name: string): string {
  const idAt = name.indexOf(id);
  return idAt === 0 ? name : `${name.slice(idAt)}/${name.slice(0, idAt)}`;
}

function pathOf(key: string, { pending, delayed, results }: Layout): string {
  const cut = key.indexOf('/');
  if (cut === -1) return `${results}/${key}`;
  const before = key.slice(cut + 1);
  return `${before.length === ID_AT.job ? pending : delayed}/${before}${key.slice(0, cut)}`;
}

class Latest {
  readonly #count: number;
  /** Those that may be among the latest, with their paths. */
  #met = new Map<string, string>();
  /** So many as are wanted are not before this one. */
  #least = '';

  constructor(count: number) {
    this.#count = count;
  }

  isLate(id: string): boolean {
    return id >= this.#least;
  }

  meet(id: string, path: string): void {
    if (!this.isLate(id)) return;
    this.#met.set(id, path);
    if (this.#met.size < KEPT_FACTOR * this.#count) return;
    const places = this.places();
    this.#met = new Map(places.map((place) => [place.id, place.path]));
    this.#least = places.at(-1)?.id ?? '';
  }

  places(): readonly Place[] {
    const places: Place[] = [];
    for (const id of inOrder([...this.#met.keys()], 'descending')) {
      if (places.push({ id, path: this.#met.get(id) ?? '' }) === this.#count) break;
    }
    return places;
  }
}
