/**
 * Starts that a rate allows, as files. Each span of time has as many slots as jobs may start in it. A process takes a slot by creating
 * its file: of all processes that try, exactly one succeeds (O_EXCL of open(2)). A slot is never given back. It is used also when the
 * process dies right after taking it, so there are never more starts than the rate allows.
 *
 * A process may stand still between any two of these steps. So it removes only slots that were past by the clock it read before, never
 * those of a span that began meanwhile. And a slot counts only if its span of time is not over when it has been taken.
 */
import { type Rate, windowOf } from '../../job/queue-limits.ts';
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { createNew, makeDirectory, unlinkIfThere } from '../disk/if-there.ts';
import type { Layout } from '../layout.ts';
import { clearWay } from '../job-file/set-aside.ts';

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
 * Takes a slot of each of `rates`, each of its present span of time. False when one has no slot left.
 *
 * A span may end before the last slot is taken. Then another slot of that rate is taken, and the old one stays used.
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

/** How many slots of the present span of time are free. */
export function freeSlots(context: SpoolContext, { owner, rate }: RateOf): number {
  const { index, slots } = windowOf(rate, context.nowMs());
  const used = usedSlots(context, rateDirectory(context.layout, owner, rate), index);
  return used === null ? 0 : Math.max(0, slots - used.size);
}

/** The index of the span of time of which a slot was taken; null when all of its slots are used. */
function takeSlot(context: SpoolContext, { owner, rate }: RateOf): number | null {
  const { files, layout, nowMs } = context;
  const directory = rateDirectory(layout, owner, rate);
  const { index, slots } = windowOf(rate, nowMs());
  const used = usedSlots(context, directory, index);
  for (let slot = 0; slot < slots && used !== null; slot++) {
    if (used.has(slot)) continue;
    // False where another process was faster.
    if (createNew(files, `${directory}/${index}.${slot}`)) return index;
  }
  return null;
}

/**
 * The slots that are used. It also removes slots of spans that are over. Those of the last span stay, as two processes do not read the
 * clock at the same moment. Slots that lie ahead stay until their time has passed: another process took them while this one stood still,
 * or the clock was set back.
 *
 * Null when the directory cannot be used: then no job of that rate may start, and all others go on.
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
 * `limits/<queue|task>.<name>.<count>-<period ms>`; a task's `/` and `:` are written as + and =, which no name has. Each rate has a
 * directory of its own, because the meaning of a slot's name depends on the rate.
 */
export function rateDirectory(layout: Layout, { kind, name }: LimitOwner, { count, periodMs }: Rate): string {
  return `${layout.limits}/${kind}.${name.replaceAll('/', '+').replaceAll(':', '=')}.${count}-${periodMs}`;
}

/** `<index of the span of time>.<slot>` */
function parseSlotFileName(fileName: string): { readonly index: number; readonly slot: number } | null {
  const match = /^(\d{1,15})\.(\d{1,5})$/.exec(fileName);
  return match === null ? null : { index: Number(match[1]), slot: Number(match[2]) };
}
