/**
 * The names of a directory in their order, sorted only as far as somebody reads them. Of three hundred thousand names a listing shows
 * twenty: to part all of them a few times costs a fifth of sorting them, and needs no second list.
 */
import type { Files } from './disk/files.ts';
import { Turns } from './disk/rounds.ts';

/** So many names are sorted at once. */
const FEW = 512;
/** Names that are read before others may have their turn. */
const AT_ONCE = 4_096;

/** @throws the system error unchanged */
export async function* sortedNames(
  files: Pick<Files, 'walk'>,
  directory: string,
  order: 'ascending' | 'descending',
): AsyncGenerator<string, void, undefined> {
  const names: string[] = [];
  const turns = new Turns();
  for (const name of files.walk(directory)) {
    names.push(name);
    if (names.length % AT_ONCE === 0 && turns.isOver) await turns.next();
  }
  yield* inOrder(names, order);
}

/**
 * Takes `names` over. The part that comes first is parted again and again until it is small, and sorted then: whoever reads few names, or
 * stops between two of them for others, never waits until all are sorted.
 */
export function* inOrder(names: string[], order: 'ascending' | 'descending'): Generator<string, void, undefined> {
  const isBefore = order === 'ascending' ? (a: string, b: string) => a < b : (a: string, b: string) => a > b;
  // Where each part begins. What comes first is the last of them, which reaches to the end.
  const parts = [0];
  for (let from = parts.pop(); from !== undefined; from = parts.pop()) {
    if (names.length - from <= FEW) {
      const part = names.splice(from).sort();
      yield* order === 'ascending' ? part : part.reverse();
    } else {
      parts.push(from, partAt(names, from, isBefore));
    }
  }
}

/** @returns where the names from `from` on fall into two parts, both of some: each of the second comes before, or with, each of the first */
function partAt(names: string[], from: number, isBefore: (a: string, b: string) => boolean): number {
  const pivot = middleOf(names, from, isBefore);
  let [left, right] = [from - 1, names.length];
  for (;;) {
    do left++;
    while (isBefore(pivot, names[left] ?? pivot));
    do right--;
    while (isBefore(names[right] ?? pivot, pivot));
    if (left >= right) return right + 1;
    swap(names, left, right);
  }
}

/** Of the first, the middle and the last name that which is neither; it stands in the middle then, so that no part is empty. */
function middleOf(names: string[], from: number, isBefore: (a: string, b: string) => boolean): string {
  const [middle, last] = [(from + names.length - 1) >> 1, names.length - 1];
  const swapUnless = (a: number, b: number): void => {
    if (isBefore(names[a] ?? '', names[b] ?? '')) swap(names, a, b);
  };
  swapUnless(from, middle);
  swapUnless(middle, last);
  swapUnless(from, middle);
  return names[middle] ?? '';
}

function swap(names: string[], a: number, b: number): void {
  const name = names[a] ?? '';
  names[a] = names[b] ?? '';
  names[b] = name;
}
