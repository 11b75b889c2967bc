/** Files that fsq writes for its user, in the project or wherever the user says. The spool's files are touched elsewhere. */
import { appendFileSync, existsSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';

/** Writes a file that does not exist yet. @throws the system error unchanged, EEXIST when it does */
export function writeNewFile(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'wx' });
}

/** Writes a file in one step: who reads it meanwhile has the old one, or none. A pipe or a device is written to. @throws the system error */
export function writeWhole(path: string, text: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile()) return writeFileSync(path, text);
  const target = there === undefined ? path : realpathSync(path);
  const draft = `${target}.${process.pid}.draft`;
  try {
    writeFileSync(draft, text);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Before the work whose report it is, so that no work is done in vain. @throws UsageError when no file can be written at `path` */
export function checkWritable(path: string, option: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (path === '' || there?.isDirectory() === true)
    throw new UsageError(`Expected ${option} to name a file, got ${format(path)}`);
  if (there === undefined && !existsSync(dirname(path)))
    throw new UsageError(`Expected ${option} to name a file in a folder that exists, got ${format(path)}`);
}

/** @throws the system error */
export function appendText(path: string, text: string): void {
  appendFileSync(path, text);
}

/** Removes a file that this program has written, if it is there and can be. */
export function deleteFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A folder has its name by now, or its own folder is gone: it is not ours any more.
  }
}
