/**
 * Starts that a rate allows, as files: each span of time has as many slots as jobs may start in it, and to take one is to
 * create its file, which of all that try exactly one can (O_EXCL of open(2)). A slot is never given back: who dies after taking
 * one has used it, so there are never more starts than the rate allows.
 *
 * A worker may stand still between any two of these steps. So what it removes is surely past by a clock that it read before,
 * never what began meanwhile; and a slot counts only if its span of time is not over when it has been taken.
 */
import { type Rate, windowOf } from '../job/queue-limits.ts';
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { createNew, makeDirectory, unlinkIfThere } from './if-there.ts';
import type { Layout } from './layout.ts';
import { clearWay } from './set-aside.ts';

/** Whose starts are counted. */
export interface LimitOwner {
  readonly kind: 'queue' | 'task';
  readonly name: string;
}

/** A rate, and whose it is. */
export interface RateOf {
  readonly owner: LimitOwner;
  readonly rate: Rate;
}

/**
 * Takes a slot of each of `rates`, all of the spans of time that are now. False when one has none left.
 *
 * Of those that have passed when the last is taken, another is taken: they stay used.
 */
export function takeSlots(context: SpoolContext, rates: readonly RateOf[]): boolean {
  const taken = new Map<RateOf, number>();
  for (;;) {
    const open = rates.find((one) => taken.get(one) !== windowOf(one.rate, context.nowMs()).index);
    if (open === undefined) return true;
    const index = takeSlot(context, open);
    if (index === null) return false;
    taken.set(open, index);
  }
}

/** How many slots of the span of time that is now are free. */
export function freeSlots(context: SpoolContext, { owner, rate }: RateOf): number {
  const { index, slots } = windowOf(rate, context.nowMs());
  const used = usedSlots(context, rateDirectory(context.layout, owner, rate), index);
  return used === null ? 0 : Math.max(0, slots - used.size);
}

/** The index of the span of time of which a slot was taken, or null when they are all used. */
function takeSlot(context: SpoolContext, { owner, rate }: RateOf): number | null {
  const { files, layout, nowMs } = context;
  const directory = rateDirectory(layout, owner, rate);
  const { index, slots } = windowOf(rate, nowMs());
  const used = usedSlots(context, directory, index);
  for (let slot = 0; slot < slots && used !== null; slot++) {
    if (used.has(slot)) continue;
    // False where another was faster.
    if (createNew(files, `${directory}/${slotFileName({ index, slot })}`)) return index;
  }
  return null;
}

/**
 * Also removes what is surely past. The span before stays: clocks are read at different moments. What lies ahead was made by
 * others while we stood still, or before the clock was set back; it goes when its time has passed.
 *
 * Null when the directory cannot be used: then nothing of that rate may start, and all else goes on.
 */
function usedSlots(context: SpoolContext, directory: string, index: number): ReadonlySet<number> | null {
  const { odd } = context;
  let files: readonly string[] = [];
  if (!odd.try(directory, () => void (files = listOrMake(context, directory)))) return null;
  const used = new Set<number>();
  for (const file of files) {
    const name = parseSlotFileName(file);
    if (name === null) continue;
    const path = `${directory}/${file}`;
    if (name.index === index) used.add(name.slot);
    else if (name.index < index - 1) odd.try(path, () => unlinkIfThere(context.files, path));
  }
  return used;
}

function listOrMake(context: SpoolContext, directory: string): readonly string[] {
  const { files, layout } = context;
  try {
    return files.list(directory);
  } catch (error) {
    const isOdd = hasCode(error, 'ENOTDIR') && clearWay(context, directory, 'no directory');
    if (!isOdd && !hasCode(error, 'ENOENT')) throw error;
    for (const path of [layout.limits, directory]) makeDirectory(files, path);
    return [];
  }
}

/**
 * `limits/<queue|task>.<name>.<count>-<period ms>`; a task's `/` and `:` are written as + and =, which no name has. Each rate has its
 * own, because what a file there says depends on it.
 */
export function rateDirectory(layout: Layout, { kind, name }: LimitOwner, { count, periodMs }: Rate): string {
  return `${layout.limits}/${kind}.${name.replaceAll('/', '+').replaceAll(':', '=')}.${count}-${periodMs}`;
}

/** One start that a rate allows in a span of time. */
interface SlotName {
  readonly index: number;
  readonly slot: number;
}

function slotFileName({ index, slot }: SlotName): string {
  return `${index}.${slot}`;
}

function parseSlotFileName(fileName: string): SlotName | null {
  const match = /^(\d{1,15})\.(\d{1,5})$/.exec(fileName);
  return match === null ? null : { index: Number(match[1]), slot: Number(match[2]) };
}
