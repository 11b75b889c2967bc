/**
 * A job whose file has several names after a power cut gets one again: the one that is furthest in its life.
 *
 * Several processes may meet the file at the same time, and its last name must stay. So a process removes only a name that it
 * has for itself: it takes a waiting one by a rename first, as a claim does, and leaves one that another process holds to that
 * process. And a holder of one of several names neither runs nor ends the job before its name is the only one. What a holder
 * finds beside its own name:
 *
 *   an outcome in results/    its own name goes: the job has ended
 *   held by another process   a claim goes back to where it was; of two recoverers the one that is behind drops its name
 *   waiting, and further      that name is taken away and given to its own file: the job waits there
 *   waiting, and not further  that name is removed; so are drafts, spare files and what was set aside
 */
import { dirname } from 'node:path';
import type { SpoolContext } from '../disk/context.ts';
import { type NameOfFile, namesOfFile } from './file-names.ts';
import { fileSystemOf } from '../place/file-system.ts';
import type { Waiting } from './holder.ts';
import { renameIfThere, unlinkIfThere } from '../disk/if-there.ts';
import type { JobName } from '../layout.ts';
import { waitingSpots } from '../locate.ts';

/** A name in running/ that this process holds. */
export interface MyName {
  readonly path: string;
  readonly name: JobName;
  /** Where it waited, if this process took it there and has begun nothing with it; null for what a dead process had held. */
  readonly takenFrom: Waiting | null;
  /** Whether the file holds an outcome. One that holds none has not ended, although it has a name in results/. */
  readonly hasOutcome: boolean;
}

/** How often the names are looked for, because they may move meanwhile. */
const LOOKS = 4;

/**
 * True when `mine` is the only name of its file, if need be after the others were removed. False when this process may neither run
 * nor end the job: it goes on under another name or, left by a dead owner, stays for a later look.
 */
export function isOnlyName(context: SpoolContext, mine: MyName): boolean {
  const { files } = context;
  for (let look = 0; look < LOOKS; look++) {
    const entry = files.entry(mine.path);
    if (entry === null || entry.links === 1) return entry !== null;
    const plan = planFor(mine, namesOfFile(context, entry, mine.name.id));
    for (const path of plan.remove) removeName(context, path);
    if (plan.mine === 'goes') unlinkIfThere(files, mine.path);
    else if (plan.mine !== 'stays') renameIfThere(files, mine.path, plan.mine.to);
    else if (plan.isHeldElsewhere) return false;
    // A rename to another name of the same file does nothing (rename(2)): the next look takes that name away.
    if (plan.mine !== 'stays' && !files.exists(mine.path)) return false;
  }
  if (mine.takenFrom !== null) renameIfThere(files, mine.path, mine.takenFrom.path);
  return false;
}

/**
 * Removes second names of jobs that wait, where a power cut may leave them by the thousand: each claim that meets one looks through
 * the whole spool. Several processes that do so at the same time remove the same names.
 */
export function nameWaitingOnce(context: SpoolContext): void {
  const { files, layout } = context;
  if (fileSystemOf(files.fileSystem(layout.root).type).name !== 'btrfs') return;
  const kept = new Map<string, Waiting>();
  for (const next of waitingSpots(context)) {
    if (next === null) continue;
    const first = kept.get(next.name.id);
    // Of two that are as far the one in pending/ stays, which comes later.
    const isNextKept = first === undefined || compare(stepOf(next.name, false), stepOf(first.name, false)) >= 0;
    if (isNextKept) kept.set(next.name.id, next);
    if (first !== undefined && files.entry(first.path)?.inode === files.entry(next.path)?.inode)
      removeName(context, isNextKept ? first.path : next.path);
  }
}

/** What a look at all names of a file leads to. */
export interface Plan {
  /** What becomes of our own name, after the others are removed. */
  readonly mine: 'stays' | 'goes' | { readonly to: string };
  readonly remove: readonly string[];
  readonly isHeldElsewhere: boolean;
}

/** Pure. `names` may be those of a moment that has passed. */
export function planFor(mine: MyName, names: readonly NameOfFile[]): Plan {
  const others = names.filter(({ path }) => path !== mine.path);
  const heldElsewhere = others.filter(({ at, path }) => at === 'held' && dirname(path) !== dirname(mine.path));
  const isHeldElsewhere = heldElsewhere.length > 0;
  const hasEnded = mine.hasOutcome && others.some(({ at }) => at === 'results');
  if (hasEnded || (mine.takenFrom === null && others.some((other) => isStronger(other, mine))))
    return { mine: 'goes', remove: [], isHeldElsewhere };
  const remove = others.flatMap((other) => (heldElsewhere.includes(other) ? [] : [other.path]));
  const own = mine.takenFrom === null ? stepOf(mine.name, true) : stepOf(mine.takenFrom.name, false);
  const waiting = others.flatMap((other) => (other.at === 'waiting' ? [other] : []));
  const [furthest] = waiting.toSorted((a, b) => compare(stepOf(b.name, false), stepOf(a.name, false)));
  if (furthest !== undefined && compare(stepOf(furthest.name, false), own) > 0)
    return { mine: { to: furthest.path }, remove, isHeldElsewhere };
  if (isHeldElsewhere && mine.takenFrom !== null) return { mine: { to: mine.takenFrom.path }, remove, isHeldElsewhere };
  return { mine: 'stays', remove, isHeldElsewhere };
}

/**
 * Of two names that recoverers hold one is stronger, and both recoverers see that alike. A name in the directory of an owner that was
 * not fenced is never stronger: the owner may still put it back to where it was taken from.
 */
function isStronger(other: NameOfFile, mine: MyName): boolean {
  if (other.at !== 'held' || (other.recoverer === null && dirname(other.path) !== dirname(mine.path))) return false;
  const difference = compare(stepOf(other.name, true), stepOf(mine.name, true));
  return difference > 0 || (difference === 0 && other.path > mine.path);
}

/** How far a job of that name has come: it waits, its attempt runs, it waits again. */
function stepOf({ attempt, crashes }: JobName, isHeld: boolean): readonly [number, number] {
  return [2 * attempt - (isHeld ? 1 : 0), crashes];
}

function compare(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}

/**
 * Renames the name into tmp/, so that no other process removes it too; then removes it, unless it is the last one by now. If we die
 * in between, it is swept from tmp/.
 */
function removeName(context: SpoolContext, path: string): void {
  const { files, layout } = context;
  const taken = `${layout.tmp}/${context.uniqueName()}`;
  if (!renameIfThere(files, path, taken)) return;
  if ((files.entry(taken)?.links ?? 0) > 1) unlinkIfThere(files, taken);
  else renameIfThere(files, taken, path);
}
