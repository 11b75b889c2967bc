/** Removing what the dead left beside the jobs: drafts in tmp/, records and sockets in workers/. */
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { UNPROVED_MS, writerState } from '../disk/identity.ts';
import { succeeds, unlinkIfThere } from '../disk/if-there.ts';
import { isOwnerName } from '../layout.ts';
import { forgetOwner } from '../owners/owner.ts';
import { verdictOf } from '../owners/verdicts.ts';
import { removeBatch } from '../place/room.ts';
import { Turns } from '../disk/rounds.ts';

/**
 * Removes drafts whose writer is dead; a directory of theirs is a batch of spare files and goes back to spare/. A batch whose writer may
 * live is removed after an hour and never used again: should the writer live after all, its rename fails and its caller
 * is told, while a file that was given to another process would be written by both.
 */
export async function sweepDrafts(context: SpoolContext, turns: Turns = new Turns()): Promise<void> {
  const { files, layout, odd } = context;
  const states = new Map<string, ReturnType<typeof writerState>>();
  for (const name of files.walk(layout.tmp)) {
    if (turns.isOver) await turns.next();
    // One look for all drafts of a writer: one call of delayMany may leave thousands.
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
  // Another worker swept it; or something of that name is there already, or it lies in the lower layer of an overlay, and
  // this one stays where nothing reads it.
  const moveOn = (): void => files.rename(path, `${layout.spare}/${name}`);
  succeeds(moveOn, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EXDEV');
}

/** Removes records and sockets of owners that are proved dead and have no directory in running/: with one, they are recovered first. */
export async function sweepOwners(context: SpoolContext, isKnownAlive: (owner: string) => boolean): Promise<void> {
  const { files, layout, odd } = context;
  const names = files.list(layout.workers).map((file) => file.replace(/\.(?:json|sock)$/, ''));
  for (const owner of new Set(names)) {
    if (!isOwnerName(owner) || isKnownAlive(owner)) continue;
    if ((await verdictOf(context, owner)).verdict !== 'dead') continue;
    await odd.tryLong(`${layout.workers}/${owner}`, async () => {
      // The removal of its directory reaches the disk first: a directory that comes back in a power cut needs a proof of its owner's death.
      await syncDirectories(context, layout.running);
      forgetOwner(context, owner);
    });
  }
}

/** By its ctime, which a producer renews when it takes a batch and when it uses a file of it. */
function isUntouched({ files, layout, nowMs }: SpoolContext, name: string): boolean {
  const entry = files.entry(`${layout.tmp}/${name}`);
  return entry !== null && nowMs() - entry.changedAtMs >= UNPROVED_MS;
}
