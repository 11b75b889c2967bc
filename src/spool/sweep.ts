/** Removing what the dead left beside the jobs: drafts in tmp/, records and sockets in workers/. */
import { type SpoolContext, syncDirectories } from './context.ts';
import { hasCode } from './files.ts';
import { isWriterDead } from './identity.ts';
import { isOwnerName } from './layout.ts';
import { forgetOwner, verdictOf } from './owner.ts';
import { unlinkIfThere } from './spare.ts';

/** Drafts whose writer is dead go; a directory of theirs is a batch of spare files and goes back there. */
export async function sweepDrafts(context: SpoolContext): Promise<void> {
  const { files, layout } = context;
  for (const name of files.list(layout.tmp)) {
    if (!isWriterDead(files, name)) continue;
    try {
      unlinkIfThere(context, `${layout.tmp}/${name}`);
    } catch (error) {
      if (!hasCode(error, 'EISDIR', 'EPERM')) throw error;
      await syncDirectories(context, layout.results);
      moveToSpare(context, name);
    }
  }
}

/** Owners that are proved dead and hold no directory in running/: those that do are recovered first. */
export async function sweepOwners(context: SpoolContext, isKnownAlive: (owner: string) => boolean): Promise<void> {
  const { files, layout } = context;
  const names = files.list(layout.workers).map((file) => file.replace(/\.(?:json|sock)$/, ''));
  for (const owner of new Set(names)) {
    if (!isOwnerName(owner) || isKnownAlive(owner)) continue;
    if ((await verdictOf(context, owner)).verdict !== 'dead') continue;
    // That its directory is gone reaches the disk first: one that comes back in a power cut needs the proof of its owner's death.
    await syncDirectories(context, layout.running);
    forgetOwner(context, owner);
  }
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
