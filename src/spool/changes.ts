/** Which of many jobs have changed since they were looked at: one look through the names of the spool serves all. Reads only. */
import type { Changed, Whereabouts } from '../broker/broker.ts';
import type { SpoolContext } from './disk/context.ts';
import { sight, withProgress } from './inspect.ts';
import { besidePath } from './layout.ts';
import { endedSpot, heldSpots, type Spot, spotStill, movingSpots, waitingSpots } from './locate.ts';

/**
 * Those of `seen` that look different now, by their ids. One that moves just now may be missed; so may one that is nowhere.
 *
 * @param seen the marks of the last looks; null: none yet
 * @param whereWas where a job that has not ended was, as far as that is known: its file is looked for there before all names are
 * @throws the system error unchanged when the disk refuses
 */
export function changedJobs(
  context: SpoolContext,
  seen: ReadonlyMap<string, string | null>,
  whereWas: (id: string) => Whereabouts | null = () => null,
): ReadonlyMap<string, Changed> {
  const changed = new Map<string, Changed>();
  for (const spot of spotsOf(context, seen, whereWas)) {
    const mark = markOf(context, spot);
    if (mark === seen.get(spot.id)) continue;
    const atMs = context.nowMs();
    const sighting = sight(context, spot);
    if (sighting !== null) changed.set(spot.id, { mark, atMs, sighting: withProgress(context, sighting) });
  }
  return changed;
}

function* spotsOf(
  context: SpoolContext,
  ids: ReadonlyMap<string, unknown>,
  whereWas: (id: string) => Whereabouts | null,
): Generator<Spot> {
  const left = new Set<string>();
  for (const id of ids.keys()) {
    const ended = endedSpot(context.layout, id);
    if (context.files.exists(ended.path)) {
      yield ended;
      continue;
    }
    const was = whereWas(id);
    const spot = was === null ? null : spotStill(context, was);
    if (spot !== null) yield spot;
    else left.add(id);
  }
  const isLeft = (id: string): boolean => left.has(id);
  if (left.size === 0) return;
  const waiting = [...movingSpots(context, isLeft), ...waitingSpots(context, isLeft)];
  for (const spot of [...heldSpots(context, isLeft), ...waiting]) if (spot !== null) yield spot;
}

/** Its place, and how much lies beside it. Taken before the files are read: what comes later is found by the next look. */
function markOf({ files, layout }: SpoolContext, { id, path }: Spot): string {
  const progress = files.entry(besidePath(layout, 'progress', id));
  const log = files.entry(besidePath(layout, 'logs', id));
  return `${path} ${progress?.inode} ${progress?.changedAtMs} ${log?.sizeBytes} ${log?.changedAtMs}`;
}
