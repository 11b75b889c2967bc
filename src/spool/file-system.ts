/** Which file systems a spool may lie on, told by the number that statfs(2) gives; and the refusal of those of a network. */
import { dirname } from 'node:path';
import { SpoolError } from '../job/errors.ts';
import type { Files } from './files.ts';

/**
 * What a file system is to a spool: `local` keeps every promise; on `network` neither renames nor proofs of life can be
 * relied on; `memory` forgets all at a reboot; `overlay` is a container's own layer, gone with it; `fuse` may be anything.
 */
export type FileSystemKind = 'local' | 'network' | 'memory' | 'overlay' | 'fuse' | 'unknown';

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
 * Refuses a spool on a network file system: a rename sent twice reports ENOENT to who won, and the death of a process on
 * another machine cannot be proved (P7). A path that does not exist yet is judged by the nearest folder that does.
 *
 * @throws SpoolError (FSQ_NETWORK_FS); nothing else: what is wrong besides, the next call on the path tells better
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
    // Not there yet, not searchable, or no such call on this system. Whoever opens the path next hears of the first two.
  }
  const parent = dirname(path);
  return parent === path ? null : typeUnder(files, parent);
}
