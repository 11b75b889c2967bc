/** Outcomes that others still need: a job that comes after has not ended, and may be about to take the value. */
import type { SpoolContext } from '../disk/context.ts';
import type { Turns } from '../disk/rounds.ts';
import { endedSpot, locate } from '../locate.ts';

/**
 * Those of the keys of `nextOf` of which one of the jobs that come next is there and has not ended.
 *
 * @param nextOf the ids of those jobs, by whatever stands for the outcome
 */
export async function stillNeeded(
  context: SpoolContext,
  nextOf: ReadonlyMap<string, { readonly next: readonly string[] }>,
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
  const isOpen = (id: string): boolean => (spots.get(id)?.at ?? 'results') !== 'results';
  return new Set([...nextOf].flatMap(([key, { next }]) => (next.some(isOpen) ? [key] : [])));
}
