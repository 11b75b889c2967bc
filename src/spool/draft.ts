/** A whole file under its name in one step: written in tmp/, then renamed. */
import type { SpoolContext } from './context.ts';

/**
 * Writes `bytes` into a new file and gives it the name `target`, in the place of what has that name.
 *
 * Whatever fails, the draft is removed: whoever waits for a full disk tries again and again, and must not fill it further.
 * If we die before the rename, the draft is swept.
 *
 * @param draftName a name in tmp/ that nobody else uses
 * @param isDurable whether the bytes reach the disk before the name, where the spool waits for the disk at all
 */
export async function writeNew(
  context: SpoolContext,
  draftName: string,
  bytes: Buffer,
  target: string,
  { isDurable }: { readonly isDurable: boolean },
): Promise<void> {
  const { files, layout } = context;
  const draft = `${layout.tmp}/${draftName}`;
  try {
    const fd = files.create(draft);
    try {
      files.write(fd, bytes, 0);
      if (isDurable && context.fsync) await files.sync(fd);
    } finally {
      files.close(fd);
    }
    files.rename(draft, target);
  } catch (error) {
    removeQuietly(context, draft);
    throw error;
  }
}

/** The caller's error is what counts; what cannot be removed stays in tmp/, where nothing reads it, until it is swept. */
export function removeQuietly({ files }: SpoolContext, draft: string): void {
  try {
    files.unlink(draft);
  } catch {
    // As said above.
  }
}
