/** Removing what the dead left beside the jobs: drafts in tmp/, records and sockets in workers/. */
import { type SpoolContext, syncDirectories } from './context.ts';
import { hasCode } from './files.ts';
import { writerState } from './identity.ts';
import { unlinkIfThere } from './if-there.ts';
import { isOwnerName } from './layout.ts';
import { forgetOwner, verdictOf } from './owner.ts';
import { removeBatch } from './room.ts';
import { Turns } from './turns.ts';

/** A draft that nobody has touched for so long goes also where the death of its writer cannot be proved, ms. */
export const UNPROVED_MS = 3_600_000;

/**
 * Drafts whose writer is dead go; a directory of theirs is a batch of spare files and goes back there. What may be of a living
 * writer waits, and is then removed, never used again: should its writer live after all, its rename fails and its
 * caller hears that, while a file that is given to another would be written by both.
 */
export async function sweepDrafts(context: SpoolContext, turns: Turns = new Turns()): Promise<void> {
  const { files, layout, odd } = context;
  const states = new Map<string, ReturnType<typeof writerState>>();
  for (const name of files.walk(layout.tmp)) {
    if (turns.isOver) await turns.next();
    // One look for all drafts of a writer: of a great call there are thousands.
    const writer = name.slice(0, name.indexOf('.') + 1);
    const state = states.get(writer) ?? writerState(files, name);
    states.set(writer, state);
    if (state !== 'dead' && state !== 'unproved') continue;
    await odd.tryLong(`${layout.tmp}/${name}`, async () => {
      if (state === 'dead' || isUntouched(context, name)) await sweepDraft(context, name, state === 'dead');
    });
  }
}

async function sweepDraft(context: SpoolContext, name: string, isReusable: boolean): Promise<void> {
  const { files, layout } = context;
  const path = `${layout.tmp}/${name}`;
  if (files.entry(path)?.kind !== 'directory') return void unlinkIfThere(files, path);
  if (!isReusable) return void removeBatch(files, path);
  await syncDirectories(context, layout.results);
  moveToSpare(context, name);
}

/** Owners that are proved dead and hold no directory in running/: those that do are recovered first. */
export async function sweepOwners(context: SpoolContext, isKnownAlive: (owner: string) => boolean): Promise<void> {
  const { files, layout, odd } = context;
  const names = files.list(layout.workers).map((file) => file.replace(/\.(?:json|sock)$/, ''));
  for (const owner of new Set(names)) {
    if (!isOwnerName(owner) || isKnownAlive(owner)) continue;
    if ((await verdictOf(context, owner)).verdict !== 'dead') continue;
    await odd.tryLong(`${layout.workers}/${owner}`, async () => {
      // That its directory is gone reaches the disk first: one that comes back in a power cut needs the proof of its owner's death.
      await syncDirectories(context, layout.running);
      forgetOwner(context, owner);
    });
  }
}

/** By its ctime, which taking a batch renews, and using one. */
function isUntouched({ files, layout, nowMs }: SpoolContext, name: string): boolean {
  const entry = files.entry(`${layout.tmp}/${name}`);
  return entry !== null && nowMs() - entry.changedAtMs >= UNPROVED_MS;
}

function moveToSpare(context: SpoolContext, name: string): void {
  const { files, layout } = context;
  try {
    files.rename(`${layout.tmp}/${name}`, `${layout.spare}/${name}`);
  } catch (error) {
    // Another worker swept it; or something of that name is there already, or it lies in the lower layer of an overlay, and
    // this one stays where nothing reads it.
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EXDEV')) throw error;
  }
}
