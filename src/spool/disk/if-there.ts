/**
 * Calls for what other processes use at the same time. That a name is gone, or taken already, is then an answer and no error:
 * another process was faster. Every other error is thrown as the system gave it.
 */
import { type Files, hasCode } from './files.ts';

/** Why a directory may have no names to list: it is gone, it is no directory, or this user may not look into it. */
export const NOT_LISTED: readonly string[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'];

/** Does `act`; false where it fails with one of these codes. Any other error is thrown. */
export function succeeds(act: () => void, ...codes: readonly string[]): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
    return false;
  }
}

/** What `read` gives, or `instead` where it fails with one of these codes. Any other error is thrown. */
export function valueOr<T, U>(instead: U, read: () => T, ...codes: readonly string[]): T | U {
  try {
    return read();
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
    return instead;
  }
}

/** False when nothing lies at `from`, or the directory of `to` is gone. */
export function renameIfThere(files: Files, from: string, to: string): boolean {
  return succeeds(() => files.rename(from, to), 'ENOENT');
}

/** False when nothing lies at `path`. */
export function unlinkIfThere(files: Files, path: string): boolean {
  return succeeds(() => files.unlink(path), 'ENOENT');
}

/**
 * Removes a name, whatever it stands for. False when it stays: a folder, because what is in it is not ours to remove, or an
 * immutable file.
 */
export function discard(files: Files, path: string): boolean {
  return succeeds(() => void unlinkIfThere(files, path), 'EISDIR', 'EPERM');
}

/** True when the directory is gone afterwards, also if another process removed it; false when something lies in it. */
export function removeIfEmpty(files: Files, directory: string): boolean {
  const remove = (): unknown => valueOr(null, () => files.removeDirectory(directory), 'ENOENT');
  return succeeds(remove, 'ENOTEMPTY', 'EEXIST');
}

/** Creates a file with `content`. False when something has that name already, which then stays as it is. */
export function createNew(files: Files, path: string, content?: Uint8Array): boolean {
  const fd = valueOr(null, () => files.create(path), 'EEXIST');
  if (fd === null) return false;
  try {
    if (content !== undefined) files.write(fd, Buffer.from(content), 0);
  } finally {
    files.close(fd);
  }
  return true;
}

/** False when something has that name already. */
export function makeDirectory(files: Files, path: string): boolean {
  return succeeds(() => files.makeDirectory(path), 'EEXIST');
}

/** The names in a directory; none when it is gone. */
export function listIfThere(files: Files, path: string): readonly string[] {
  return valueOr([], () => files.list(path), 'ENOENT');
}

/** The names in what should be a directory; none when it is gone, is no directory, or may not be looked into. */
export function listIfReadable(files: Files, path: string): readonly string[] {
  return valueOr([], () => files.list(path), ...NOT_LISTED);
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
  const fd = valueOr(null, () => files.open(path, 'read'), 'ENOENT');
  if (fd === null) return null;
  try {
    return files.read(fd, Math.min(files.info(fd).sizeBytes, maxBytes)).toString('utf8');
  } finally {
    files.close(fd);
  }
}
