/** Renaming a job to where something else may have its name: a folder, which fsq never makes there, is moved out of the way. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { falseFor, renameIfThere } from './if-there.ts';

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
    clearWay(context, to, 'directory');
    context.files.rename(from, to);
  }
}

/** The same; false when nothing lies at `from`, or the directory of `to` is gone. */
export function renameOverIfThere(context: SpoolContext, from: string, to: string): boolean {
  try {
    renameOver(context, from, to);
    return true;
  } catch (error) {
    return falseFor(error, 'ENOENT');
  }
}

/**
 * Moves what lies at `path` to corrupt/, if it is a directory, or if it is none, as `kind` says. Another process may clear the same way,
 * and what lies there after that is right: it is put back.
 *
 * @returns whether something was moved
 */
export function clearWay(context: SpoolContext, path: string, kind: 'directory' | 'no directory'): boolean {
  const { files, layout, odd } = context;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const aside = `${layout.corrupt}/${name}.${Buffer.from(context.randomBytes(8)).toString('hex')}`;
  if (!renameIfThere(files, path, aside)) return false; // Another process was faster.
  if ((files.entry(aside)?.kind === 'directory') !== (kind === 'directory')) {
    renameIfThere(files, aside, path);
    return false;
  }
  odd.onEvent({ kind: 'cleared', name: odd.nameOf(path) });
  return true;
}
