/**
 * Which file systems a spool may lie on. One of a network is refused, told by the number that statfs(2) gives; and so is a spool of
 * several mounts, because every step of a job is a rename, and none leads from one file system or mount to another.
 */
import { dirname } from 'node:path';
import { SpoolError } from '../../job/errors.ts';
import type { EntryInfo, Files } from '../disk/files.ts';
import { valueOr } from '../disk/if-there.ts';
import { DIRECTORIES, type Layout } from '../layout.ts';

/**
 * How far a spool can rely on a file system: `local` keeps every promise; on `network` neither renames nor signs of life can be relied
 * on; `memory` loses all at a reboot; `overlay` is a container's own layer, which goes with it; `fuse` may be anything.
 */
type FileSystemKind = 'local' | 'network' | 'memory' | 'overlay' | 'fuse' | 'unknown';

export interface FileSystemName {
  readonly name: string;
  readonly kind: FileSystemKind;
}

/** From statfs(2) and linux/magic.h; those of GPFS, BeeGFS, vmhgfs and the Parallels one from coreutils' stat.c. */
const KNOWN: ReadonlyMap<number, FileSystemName> = new Map(
  (
    [
      [0xef53, 'ext4', 'local'],
      [0x58465342, 'xfs', 'local'],
      [0x9123683e, 'btrfs', 'local'],
      [0x2fc12fc1, 'zfs', 'local'],
      [0xf2f52010, 'f2fs', 'local'],
      [0xca451a4e, 'bcachefs', 'local'],
      [0x3153464a, 'jfs', 'local'],
      [0x3434, 'nilfs2', 'local'],
      [0x01021994, 'tmpfs', 'memory'],
      [0x858458f6, 'ramfs', 'memory'],
      [0x794c7630, 'overlayfs', 'overlay'],
      [0x61756673, 'aufs', 'overlay'],
      [0x65735546, 'FUSE', 'fuse'],
      [0x6969, 'NFS', 'network'],
      [0x517b, 'SMB', 'network'],
      [0xfe534d42, 'SMB', 'network'],
      [0xff534d42, 'CIFS', 'network'],
      [0x01021997, '9P', 'network'],
      [0x00c36400, 'CephFS', 'network'],
      [0x5346414f, 'AFS', 'network'],
      [0x6b414653, 'AFS', 'network'],
      [0x73757245, 'Coda', 'network'],
      [0x564c, 'NCP', 'network'],
      [0x0bd00bd0, 'Lustre', 'network'],
      [0x47504653, 'GPFS', 'network'],
      [0x19830326, 'BeeGFS', 'network'],
      [0x01161970, 'GFS2', 'network'],
      [0x7461636f, 'OCFS2', 'network'],
      [0x786f4256, 'vboxsf', 'network'],
      [0xbacbacbc, 'vmhgfs', 'network'],
      [0x7c7c6673, 'prl_fs', 'network'],
    ] as const
  ).map(([type, name, kind]) => [type, { name, kind }]),
);

/** `type` as statfs(2) gives it; other systems than Linux number theirs differently, and none of them is known here. */
export function fileSystemOf(type: number): FileSystemName {
  // A 32-bit number of the kernel may come with its sign extended.
  return KNOWN.get(type >>> 0) ?? { name: `type 0x${(type >>> 0).toString(16)}`, kind: 'unknown' };
}

/**
 * Refuses a spool on a network file system: a rename that is sent twice reports ENOENT to the process that won, and the death of
 * a process on another machine cannot be proved (P7). A path that does not exist yet is judged by the nearest folder that does.
 *
 * @throws SpoolError (FSQ_NETWORK_FS); nothing else: of any other trouble the next call on the path tells better
 */
export function refuseNetworkFileSystem(files: Files, path: string): void {
  const type = typeUnder(files, path);
  if (type === null) return;
  const { name, kind } = fileSystemOf(type);
  if (kind !== 'network') return;
  throw new SpoolError(
    'FSQ_NETWORK_FS',
    `The spool ${path} lies on a network file system (${name}), where fsq cannot prove that a worker died, nor trust a rename. ` +
      'Choose a directory on a local disk with --spool or FSQ_SPOOL. If a single machine uses it and you accept that jobs may run twice, set FSQ_ALLOW_NETWORK_FS=1.',
  );
}

/** Null where it cannot be told. */
function typeUnder(files: Files, path: string): number | null {
  try {
    return files.fileSystem(path).type;
  } catch {
    // It is not there yet, this user may not look into it, or the system has no such call. Opening the path tells of the first two.
  }
  const parent = dirname(path);
  return parent === path ? null : typeUnder(files, parent);
}

/**
 * Refuses a spool of which a part is mounted by itself: jobs would run and their outcomes could never be published.
 *
 * @throws SpoolError (FSQ_SPOOL_SPLIT); nothing else: a path that cannot be looked at cannot be used either, and the next call
 * on it tells why
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
    return null; // As said above.
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

/** Follows a link. Null when there is no directory, or this user may not look. */
export function directoryAt(files: Files, path: string): EntryInfo | null {
  return valueOr(null, () => files.entry(`${path}/.`), 'EACCES', 'ENOTDIR', 'ELOOP');
}

/** All mount points, also of a folder of the same device (mount --bind), which its number does not tell. None where there is no /proc. */
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
    return path; // It is gone, or this user may not look.
  }
}
