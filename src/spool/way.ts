/** Renaming a job to where something else may have its name: a folder, which fsq never makes there, is moved out of the way. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';

/**
 * Renames `from` to `to`. A folder at `to`, empty or not, is moved to corrupt/ unread; then it is done once more.
 *
 * @throws the system error
 */
export function renameOver(context: SpoolContext, from: string, to: string): void {
  try {
    context.files.rename(from, to);
  } catch (error) {
    const isFolder = hasCode(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST') && context.files.entry(to)?.kind === 'directory';
    if (!isFolder) throw error;
    clearWay(context, to);
    context.files.rename(from, to);
  }
}

/** Moves what lies at `path` to corrupt/. False when nothing does. */
export function clearWay({ files, layout, randomBytes, odd }: SpoolContext, path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  try {
    files.rename(path, `${layout.corrupt}/${name}.${Buffer.from(randomBytes(8)).toString('hex')}`);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // Another process was faster.
    return false;
  }
  odd.onEvent({ kind: 'cleared', name: odd.nameOf(path) });
  return true;
}
