/** Whether the spool is one file system. Every step of a job is a rename, and none leads from one file system or mount to another. */
import { SpoolError } from '../job/errors.ts';
import { type EntryInfo, type Files, hasCode } from './files.ts';
import { DIRECTORIES, type Layout } from './layout.ts';

/**
 * Refuses a spool of which a part is mounted by itself: jobs would run and their outcomes could never be published.
 *
 * @throws SpoolError (FSQ_SPOOL_SPLIT); nothing else: what cannot be looked at cannot be used either, and the next call on
 * the path tells why
 */
export function refuseSplitSpool(files: Files, layout: Layout): void {
  const name = firstElsewhere(files, layout);
  if (name === null) return;
  throw new SpoolError(
    'FSQ_SPOOL_SPLIT',
    `The spool ${layout.root} is not one file system: ${layout[name]} is a mount of its own, or leads elsewhere, and no file can be renamed into it. ` +
      `Mount one volume at ${layout.root} for all of it, or set another spool with --spool or FSQ_SPOOL.`,
  );
}

function firstElsewhere(files: Files, layout: Layout): (typeof DIRECTORIES)[number] | null {
  try {
    return partsElsewhere(files, layout)[0] ?? null;
  } catch {
    return null; // See above.
  }
}

/** The directories of the spool that lie on another device than itself, or are mounts: rename(2) says EXDEV for both. */
export function partsElsewhere(files: Files, layout: Layout): readonly (typeof DIRECTORIES)[number][] {
  const root = directoryAt(files, layout.root);
  if (root === null) return [];
  const mounts = mountPoints(files);
  const real = realPath(files, layout.root);
  return DIRECTORIES.filter((name) => {
    const part = directoryAt(files, layout[name]);
    return part !== null && (part.device !== root.device || mounts.has(`${real}/${name}`));
  });
}

/** Where a link leads, too. Null when there is no directory, or this user may not look. */
export function directoryAt(files: Files, path: string): EntryInfo | null {
  try {
    return files.entry(`${path}/.`);
  } catch (error) {
    if (hasCode(error, 'EACCES', 'ENOTDIR', 'ELOOP')) return null;
    throw error;
  }
}

/** Also those that show a folder of the same device (mount --bind), which its number does not tell. None where there is no /proc. */
function mountPoints(files: Files): ReadonlySet<string> {
  let table: string;
  try {
    table = files.readSystemFile('/proc/self/mountinfo');
  } catch {
    return new Set(); // Not Linux, or hidden: the devices' numbers must do.
  }
  // The fifth field, in which a space stands as \040 (proc_pid_mountinfo(5)).
  const points = table.split('\n').map((line) => line.split(' ')[4] ?? '');
  return new Set(
    points.map((point) => point.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)))),
  );
}

function realPath(files: Files, path: string): string {
  try {
    return files.realPath(path);
  } catch {
    return path; // The same as above.
  }
}
