/** Looks at where a spool lies: its file system, room, neighbours, clock, and whether what fsq relies on works there. */
import type { SpoolContext } from '../context.ts';
import { type EntryInfo, hasCode } from '../files.ts';
import { type FileSystemName, fileSystemOf } from '../file-system.ts';
import { directoryAt, partsElsewhere } from '../mounts.ts';
import { type UnsafePlace, unsafePlace } from '../trust.ts';
import { type Probes, runProbes } from './probes.ts';

export interface PlaceFacts {
  /** As it was given, and with its links resolved. */
  readonly path: string;
  readonly realPath: string;
  /** Null where the system does not say. */
  readonly fileSystem:
    | (FileSystemName & {
        readonly freeBytes: number;
        readonly totalBytes: number;
        readonly freeInodes: number;
        readonly totalInodes: number;
      })
    | null;
  /** The spool's own directory. */
  readonly root: EntryInfo | null;
  /** Directories of the spool that are mounts or lie on another device than itself. */
  readonly elsewhere: readonly string[];
  /** What other users could change; null when nothing. */
  readonly unsafe: UnsafePlace | null;
  readonly probes: Probes;
  /** Null where there is no inotify. */
  readonly inotify: { readonly maxInstances: number; readonly maxWatches: number } | null;
}

export async function placeFacts(context: SpoolContext): Promise<PlaceFacts> {
  const { layout } = context;
  return {
    path: layout.root,
    realPath: context.files.realPath(layout.root),
    fileSystem: fileSystem(context),
    root: directoryAt(context.files, layout.root),
    elsewhere: partsElsewhere(context.files, layout),
    unsafe: unsafePlace(context.files, layout),
    probes: await runProbes(context),
    inotify: inotifyLimits(context),
  };
}

function fileSystem({ files, layout }: SpoolContext): PlaceFacts['fileSystem'] {
  try {
    const { type, ...room } = files.fileSystem(layout.root);
    return { ...fileSystemOf(type), ...room };
  } catch (error) {
    if (hasCode(error, 'ENOSYS', 'EPERM')) return null; // Some sandboxes have no statfs: then it is not known.
    throw error;
  }
}

function inotifyLimits({ files }: SpoolContext): PlaceFacts['inotify'] {
  const limit = (name: string): number => Number(files.readSystemFile(`/proc/sys/fs/inotify/${name}`));
  try {
    return { maxInstances: limit('max_user_instances'), maxWatches: limit('max_user_watches') };
  } catch {
    return null; // Not Linux.
  }
}
