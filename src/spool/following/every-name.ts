/** Every name under which a job may lie, in the order in which jobs go: one that goes forward meanwhile, or back once, is met. */
import type { SpoolContext } from '../disk/context.ts';
import { walkIfThere } from '../disk/if-there.ts';
import { Turns } from '../disk/rounds.ts';
import { type HeldSpot, heldSpots, ID_AT, ID_LENGTH, movingSpots, type MovingSpot } from '../locate.ts';

/** Names that are read before others may have their turn. */
const AT_ONCE = 256;

export interface Visitor {
  /** A job in a folder of few. One that is held is met twice. */
  readonly meet: (spot: HeldSpot | MovingSpot) => void;
  /** A name in a folder of many, that of a job if it is well-formed: to parse each of very many costs more than to read it. */
  readonly read: (id: string, folder: string, name: string) => void;
}

/** @throws the system error unchanged */
export async function everyName(context: SpoolContext, { meet, read }: Visitor): Promise<void> {
  const { files, layout } = context;
  const turns = new Turns();
  const readAll = async (folder: string, names: Iterable<string>, idAt: number): Promise<void> => {
    let count = 0;
    for (const name of names) {
      read(name.slice(idAt, idAt + ID_LENGTH), folder, name);
      if (++count % AT_ONCE === 0 && turns.isOver) await turns.next();
    }
  };
  for (const spot of heldSpots(context)) meet(spot);
  for (const spot of movingSpots(context)) meet(spot);
  await readAll(layout.delayed, walkIfThere(files, layout.delayed), ID_AT.delayed);
  await readAll(layout.pending, walkIfThere(files, layout.pending), ID_AT.job);
  for (const spot of heldSpots(context)) meet(spot);
  await readAll(layout.results, files.walk(layout.results), ID_AT.result);
}
