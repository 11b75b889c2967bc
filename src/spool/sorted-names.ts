/**
 * The names of a directory in their order, sorted only as far as somebody reads them. Of three hundred thousand names a listing shows
 * twenty: making a heap of all costs a third of sorting them, and needs no second list.
 */
import type { Files } from './disk/files.ts';
import { Turns } from './disk/rounds.ts';

/** After so many names a reader is taken for one that wants all. */
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

/** Takes `names` over. */
export function* inOrder(names: string[], order: 'ascending' | 'descending'): Generator<string, void, undefined> {
  const isBefore = order === 'ascending' ? (a: string, b: string) => a < b : (a: string, b: string) => a > b;
  for (let at = (names.length >> 1) - 1; at >= 0; at--) sink(names, at, isBefore);
  for (let count = 0; count < FEW; count++) {
    const [first] = names;
    const last = names.pop();
    if (first === undefined || last === undefined) return;
    if (names.length > 0) {
      names[0] = last;
      sink(names, 0, isBefore);
    }
    yield first;
  }
  names.sort();
  yield* order === 'ascending' ? names : names.reverse();
}

/** Makes a heap of what is one but for its top at `top`. */
function sink(names: string[], top: number, isBefore: (a: string, b: string) => boolean): void {
  const name = names[top];
  if (name === undefined) return;
  let at = top;
  for (;;) {
    const [left, right] = [names[2 * at + 1], names[2 * at + 2]];
    if (left === undefined) break;
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, name)) break;
    names[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  names[at] = name;
}
