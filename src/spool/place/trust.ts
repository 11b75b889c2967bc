/**
 * Whether other users could change the spool. A user that may write there can have any task run with any arguments. So a place
 * that others may write to is refused before anything is made or read there: a few lstat(2), once for each open spool.
 */
import { dirname } from 'node:path';
import { SpoolError } from '../../job/errors.ts';
import type { EntryInfo, Files } from '../disk/files.ts';
import { DIRECTORIES, type Layout } from '../layout.ts';

const [STICKY, GROUP_WRITES, OTHERS_WRITE] = [0o1000, 0o020, 0o002];

/** The users and groups that this process trusts anyway. */
interface Trust {
  readonly uid: number;
  readonly uids: ReadonlySet<number>;
  readonly gids: ReadonlySet<number>;
  /** Folders that hold the code we run: a user that may write there needs no spool to run code as us. */
  readonly holdsCode: ReadonlySet<string>;
}

/**
 * Refuses a spool unless only this user and root can change it or a folder above it. Trusted besides are: the owner of `/`
 * (root of a container without privileges); the groups root and our own; a folder with the sticky bit, such as /tmp; and the
 * users that may write to the working folder or to the program itself, for they decide what runs here.
 *
 * Systems without users (Windows) have nothing to check.
 *
 * @throws SpoolError (FSQ_SPOOL_UNSAFE) naming the folder and what to do; nothing else: a path that cannot be looked at cannot be
 * used either, and the next call on it tells why
 */
export function refuseUnsafePlace(files: Files, layout: Layout): void {
  const problem = unsafePlace(files, layout);
  if (problem !== null) throw new SpoolError('FSQ_SPOOL_UNSAFE', messageText(layout.root, problem));
}

/**
 * The users whose files in the spool count as jobs and outcomes: this user, root, and the owner of the spool, if it is there
 * already. Null on systems without users.
 */
export function trustedUids(files: Files, { root }: Layout): ReadonlySet<number> | null {
  const uid = process.geteuid?.();
  if (uid === undefined) return null;
  try {
    // Through a link: the spool's owner is that of the folder, not of the link.
    return new Set([uid, 0, files.entry(`${root}/.`)?.uid ?? uid]);
  } catch {
    return new Set([uid, 0]); // As said above: the next call on the path tells why.
  }
}

/** What makes the place unsafe; null when nothing does, this cannot be told, or there are no users. */
export function unsafePlace(files: Files, layout: Layout): UnsafePlace | null {
  const uid = process.geteuid?.();
  if (uid === undefined) return null;
  try {
    return problemAt(files, layout, trustOf(files, uid));
  } catch {
    return null; // EACCES, ENOTDIR, ELOOP, …: see above.
  }
}

/** The same of a folder in which something else is to be made, and of those above it. A folder with the sticky bit is safe. */
export function unsafeFolder(files: Files, path: string): UnsafePlace | null {
  const uid = process.geteuid?.();
  if (uid === undefined) return null;
  try {
    return folderProblem(files, path, trustOf(files, uid));
  } catch {
    return null; // As above: what comes next tells why.
  }
}

function messageText(root: string, { path, what, advice }: UnsafePlace): string {
  return (
    `The spool ${root} is not safe to use: ${path} ${what}. Whoever can change it can have this process run any task with any arguments. ` +
    `${advice}, or set another spool with --spool or FSQ_SPOOL. FSQ_ALLOW_UNSAFE=1 uses it all the same.`
  );
}

/** A folder that others could change. */
export interface UnsafePlace {
  readonly path: string;
  /** What is wrong with it, to follow its name in a sentence. */
  readonly what: string;
  /** What to do about it, a clause without its full stop. */
  readonly advice: string;
}

function problemAt(files: Files, layout: Layout, trust: Trust): UnsafePlace | null {
  if (!files.exists(layout.root)) return folderProblem(files, nearestAbove(files, layout.root), trust);
  const real = files.realPath(layout.root);
  return (
    spoolProblem(files, layout, real, trust) ??
    folderProblem(files, dirname(real), trust) ??
    // Where the spool is a link: a user that can change the link's folder can lead us elsewhere.
    folderProblem(files, dirname(layout.root), trust)
  );
}

function nearestAbove(files: Files, path: string): string {
  const above = dirname(path);
  return files.exists(above) ? above : nearestAbove(files, above);
}

/** The spool itself and its directories, as far as they are there. */
function spoolProblem(files: Files, layout: Layout, real: string, trust: Trust): UnsafePlace | null {
  const root = files.entry(real);
  if (root === null) return null;
  const rootProblem = problemOf(layout.root, root, trust, false);
  if (rootProblem !== null) return rootProblem;
  // They must be made by us or by root, not by the owner of the code: files that one user writes here with mode 0600, another cannot read.
  const strict = { ...trust, uids: new Set([trust.uid, 0]) };
  for (const name of DIRECTORIES) {
    const entry = files.entry(layout[name]);
    if (entry === null) continue;
    const path = layout[name];
    if (entry.kind !== 'directory')
      return { path, what: 'is not a folder', advice: 'Move it away, fsq makes that folder itself' };
    const problem = problemOf(path, entry, strict, false);
    if (problem !== null) return problem;
  }
  return null;
}

/** `path` and what is above it. */
function folderProblem(files: Files, path: string, trust: Trust): UnsafePlace | null {
  for (let folder = files.realPath(path); ; folder = dirname(folder)) {
    const entry = trust.holdsCode.has(folder) ? null : files.entry(folder);
    const problem = entry === null ? null : problemOf(folder, entry, trust, true);
    if (problem !== null || dirname(folder) === folder) return problem;
  }
}

function problemOf(path: string, { mode, uid, gid }: EntryInfo, trust: Trust, isAbove: boolean): UnsafePlace | null {
  const shown = `0${(mode & 0o7777).toString(8)}`;
  if (!trust.uids.has(uid))
    return {
      path,
      what: `belongs to user ${uid}, and this process runs as user ${trust.uid}`,
      advice: `Run it as user ${uid}, or choose a folder of your own`,
    };
  if (isAbove && (mode & STICKY) !== 0) return null;
  if ((mode & OTHERS_WRITE) !== 0)
    return { path, what: `may be written to by everybody (mode ${shown})`, advice: `chmod o-w ${path}` };
  if ((mode & GROUP_WRITES) !== 0 && !trust.gids.has(gid))
    return { path, what: `may be written to by group ${gid} (mode ${shown})`, advice: `chmod g-w ${path}` };
  return null;
}

function trustOf(files: Files, uid: number): Trust {
  const uids = new Set([uid, 0, files.entry('/')?.uid ?? 0]);
  const gids = new Set([0, process.getegid?.() ?? 0]);
  const holdsCode = new Set<string>();
  for (const path of codeFolders(files)) {
    const entry = files.entry(path);
    if (entry === null) continue;
    uids.add(entry.uid);
    if ((entry.mode & GROUP_WRITES) !== 0) gids.add(entry.gid);
    for (let folder = path; !holdsCode.has(folder); folder = dirname(folder)) holdsCode.add(folder);
  }
  return { uid, uids, gids, holdsCode };
}

/** The working folder, where settings and task modules are found, and that of the program that runs. */
function codeFolders(files: Files): readonly string[] {
  const program = process.argv[1];
  const finders = [() => files.realPath(process.cwd()), () => dirname(files.realPath(program ?? ''))];
  return finders.flatMap((find) => {
    try {
      return [find()];
    } catch {
      return []; // It was removed, or there is no file (node -e): then it makes no user trusted.
    }
  });
}
