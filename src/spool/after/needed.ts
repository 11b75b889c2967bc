/** Outcomes that others still need: a job that comes after has not ended, and may be about to take the value. */
import type { SpoolContext } from '../disk/context.ts';
import type { Turns } from '../disk/rounds.ts';
import { endedSpot, locate } from '../locate.ts';

/** How long one that is nowhere may still be on its way: its sender gives many jobs their places one after the other, ms. */
const SENT_WITHIN_MS = 600_000;

/** An outcome, and the ids of the jobs that may take its value. */
interface Needed {
  readonly endedAtMs: number;
  readonly next: readonly string[];
}

/**
 * Those of the keys of `nextOf` of which one of the jobs that come next has not ended: it is there, or may be on its way.
 *
 * @param nextOf by whatever stands for each outcome
 */
export async function stillNeeded(
  context: SpoolContext,
  nextOf: ReadonlyMap<string, Needed>,
  turns: Turns,
): Promise<ReadonlySet<string>> {
  const { files, layout } = context;
  const open = new Set<string>();
  for (const { next } of nextOf.values()) {
    for (const id of next) {
      if (turns.isOver) await turns.next();
      if (!open.has(id) && !files.exists(endedSpot(layout, id).path)) open.add(id);
    }
  }
  if (open.size === 0) return open;
  const spots = await locate(context, open);
  const isNeeded = ({ endedAtMs, next }: Needed): boolean => {
    const isYoung = context.nowMs() - endedAtMs < SENT_WITHIN_MS;
    return next.some((id) => open.has(id) && (spots.get(id)?.at ?? (isYoung ? 'on its way' : 'results')) !== 'results');
  };
  return new Set([...nextOf].flatMap(([key, needed]) => (isNeeded(needed) ? [key] : [])));
}
