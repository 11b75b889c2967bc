/** A spool as either end of a move: `Departure` and `Arrival`. */
import type { Arrival, Departure } from '../../broker/moving.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Access } from '../schedules/schedule-store.ts';
import { accept, acceptOutcomes, discardArriving } from './arriving.ts';
import { letGo, readMoved, sendToWait, take, underway } from './leaving.ts';
import { openMove, type OpenMove } from './move-note.ts';

export { unfinishedMove } from './move-note.ts';

/** @throws SpoolError (FSQ_MOVING) */
export async function departure(context: SpoolContext, access: Access, to: string): Promise<Departure> {
  const wanted = { side: 'out', other: to, id: null, mayBegin: true } as const;
  for (;;) {
    const move = await openMove(context, wanted);
    if (move === null) continue; // It may always begin.
    return {
      ...common(context, access, move),
      to: move.other,
      take: (ids) => access.change('taken', () => take(context, ids)),
      read: (ids) => access.look(() => readMoved(context, ids)),
      giveBack: (ids) => access.change('given back', () => sendToWait(context, ids)),
      letGo: (ids) => access.change('let go', () => letGo(context, ids)),
    };
  }
}

/** @throws SpoolError (FSQ_MOVING) */
export async function arrival(
  context: SpoolContext,
  access: Access,
  from: string,
  id: string,
  mayBegin: boolean,
): Promise<Arrival | null> {
  const move = await openMove(context, { side: 'in', other: from, id, mayBegin });
  if (move === null) return null;
  return {
    ...common(context, access, move),
    accept: (jobs) => access.change('accepted', () => accept(context, jobs)),
    acceptOutcomes: (jobs) => access.change('accepted', () => acceptOutcomes(context, jobs)),
    discard: (ids) => access.change('discarded', () => discardArriving(context, ids)),
    release: (ids) => access.change('released', () => sendToWait(context, ids)),
  };
}

type Common = 'id' | 'isResumed' | 'underway' | 'finish' | 'close';

function common(context: SpoolContext, access: Access, move: OpenMove): Pick<Departure, Common> {
  const { id, isResumed } = move;
  return {
    id,
    isResumed,
    underway: () => access.change('looked at', () => underway(context)),
    finish: () => access.change('finished', () => move.finish()),
    close: () => move.close(),
  };
}
