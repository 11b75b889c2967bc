/**
 * Starts that a rate allows, as files: each span of time has as many slots as jobs may start in it, and to take one is to
 * create its file, which of all that try exactly one can (O_EXCL of open(2)). A slot is never given back: who dies after taking
 * one has used it, so there are never more starts than the rate allows.
 */
import { type Rate, windowOf } from '../job/run-limits.ts';
import type { SpoolContext } from './context.ts';
import { makeDirectory } from './establish.ts';
import { hasCode } from './files.ts';
import { rateDirectory, type LimitOwner, parseSlotFileName, slotFileName } from './note-names.ts';
import { unlinkIfThere } from './spare.ts';

/** Takes a slot of the span of time that is now. False when they are all used. */
export function takeSlot(context: SpoolContext, owner: LimitOwner, rate: Rate): boolean {
  const { files, layout, nowMs } = context;
  const directory = rateDirectory(layout, owner, rate);
  const { index, slots } = windowOf(rate, nowMs());
  const used = usedSlots(context, directory, index);
  for (let slot = 0; slot < slots; slot++) {
    if (used.has(slot)) continue;
    try {
      files.close(files.create(`${directory}/${slotFileName({ index, slot })}`));
      return true;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error; // Another was faster.
    }
  }
  return false;
}

/** How many slots of the span of time that is now are free. */
export function freeSlots(context: SpoolContext, owner: LimitOwner, rate: Rate): number {
  const { index, slots } = windowOf(rate, context.nowMs());
  return Math.max(0, slots - usedSlots(context, rateDirectory(context.layout, owner, rate), index).size);
}

/** Also removes what other spans have left, but for their neighbours: clocks are read at different moments. */
function usedSlots(context: SpoolContext, directory: string, index: number): ReadonlySet<number> {
  const used = new Set<number>();
  for (const file of listOrMake(context, directory)) {
    const name = parseSlotFileName(file);
    if (name === null) continue;
    if (name.index === index) used.add(name.slot);
    else if (Math.abs(name.index - index) > 1) unlinkIfThere(context, `${directory}/${file}`);
  }
  return used;
}

function listOrMake({ files, layout }: SpoolContext, directory: string): readonly string[] {
  try {
    return files.list(directory);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    for (const path of [layout.limits, directory]) makeDirectory(files, path);
    return [];
  }
}
