/**
 * Calls for what other processes use at the same time. That a name is gone, or taken already, is then an answer and no error:
 * another process was faster. Every other error is thrown as the system gave it.
 */
import { type Files, hasCode } from './files.ts';

/** Why a directory may have no names to list: it is gone, it is no directory, or this user may not look into it. */
export const NOT_LISTED: readonly string[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'];

/** False for an error with one of these codes; any other is thrown. */
export function falseFor(error: unknown, ...codes: readonly string[]): false {
  if (!hasCode(error, ...codes)) throw error;
  return false;
}

/** False when nothing lies at `from`, or the directory of `to` is gone. */
export function renameIfThere(files: Files, from: string, to: string): boolean {
  try {
    files.rename(from, to);
    return true;
  } catch (error) {
    return falseFor(error, 'ENOENT');
  }
}

/** False when nothing lies at `path`. */
export function unlinkIfThere(files: Files, path: string): boolean {
  try {
    files.unlink(path);
    return true;
  } catch (error) {
    return falseFor(error, 'ENOENT');
  }
}

/**
 * Removes a name, whatever it stands for. False when it stays: a folder, because what is in it is not ours to remove, or an
 * immutable file.
 */
export function discard(files: Files, path: string): boolean {
  try {
    unlinkIfThere(files, path);
    return true;
  } catch (error) {
    return falseFor(error, 'EISDIR', 'EPERM');
  }
}

/** True when the directory is gone afterwards, also if another process removed it; false when something lies in it. */
export function removeIfEmpty(files: Files, directory: string): boolean {
  try {
    files.removeDirectory(directory);
    return true;
  } catch (error) {
    return hasCode(error, 'ENOENT') || falseFor(error, 'ENOTEMPTY', 'EEXIST');
  }
}

/** Creates a file with `content`. False when something has that name already, which then stays as it is. */
export function createNew(files: Files, path: string, content?: Uint8Array): boolean {
  let fd: number;
  try {
    fd = files.create(path);
  } catch (error) {
    return falseFor(error, 'EEXIST');
  }
  try {
    if (content !== undefined) files.write(fd, Buffer.from(content), 0);
  } finally {
    files.close(fd);
  }
  return true;
}

/** False when something has that name already. */
export function makeDirectory(files: Files, path: string): boolean {
  try {
    files.makeDirectory(path);
    return true;
  } catch (error) {
    return falseFor(error, 'EEXIST');
  }
}

/** The names in a directory; none when it is gone. */
export function listIfThere(files: Files, path: string): readonly string[] {
  try {
    return files.list(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return [];
  }
}

/** The names in what should be a directory; none when it is gone, is no directory, or may not be looked into. */
export function listIfReadable(files: Files, path: string): readonly string[] {
  try {
    return files.list(path);
  } catch (error) {
    if (!hasCode(error, ...NOT_LISTED)) throw error;
    return [];
  }
}

/** Each name in a directory, one after another; none when it is gone or no directory. */
export function* walkIfThere(files: Files, path: string): Generator<string, void> {
  try {
    yield* files.walk(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}

/** The same where this user may not look into it either. */
export function* walkIfReadable(files: Files, path: string): Generator<string, void> {
  try {
    yield* files.walk(path);
  } catch (error) {
    if (!hasCode(error, ...NOT_LISTED)) throw error;
  }
}

/** The text of a small file, at most its first `maxBytes`; null when it is gone. */
export function readIfThere(files: Files, path: string, maxBytes: number): string | null {
  let fd: number;
  try {
    fd = files.open(path, 'read');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return null;
  }
  try {
    return files.read(fd, Math.min(files.info(fd).sizeBytes, maxBytes)).toString('utf8');
  } finally {
    files.close(fd);
  }
}
