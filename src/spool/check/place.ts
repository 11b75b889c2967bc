/** Looks at where a spool lies: its file system, room, neighbours, clock, and whether what fsq relies on works there. */
import type { SpoolContext } from '../context.ts';
import { type EntryInfo, hasCode } from '../files.ts';
import { type FileSystemName, fileSystemOf } from '../file-system.ts';
import { DIRECTORIES } from '../layout.ts';
import { type Probes, runProbes } from './probes.ts';

export interface PlaceFacts {
  /** As it was given, and with its links resolved where that can be told. */
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
  /** Directories of the spool that lie on another device than itself. */
  readonly elsewhere: readonly string[];
  /** The directories above it, the nearest first. */
  readonly ancestors: readonly { readonly path: string; readonly mode: number; readonly uid: number }[];
  /** This process's user; null where there are none. */
  readonly uid: number | null;
  readonly probes: Probes;
  /** Null where there is no inotify. */
  readonly inotify: { readonly maxInstances: number; readonly maxWatches: number } | null;
}

export async function placeFacts(context: SpoolContext, uniqueName: () => string): Promise<PlaceFacts> {
  const { layout } = context;
  const realPath = realPathOf(context);
  const root = directoryAt(context, layout.root);
  return {
    path: layout.root,
    realPath,
    fileSystem: fileSystem(context),
    root,
    elsewhere: DIRECTORIES.filter((place) => {
      const info = directoryAt(context, layout[place]);
      return info !== null && root !== null && info.device !== root.device;
    }),
    ancestors: ancestorsOf(realPath).flatMap((path) => {
      const info = directoryAt(context, path);
      return info === null ? [] : [{ path, mode: info.mode, uid: info.uid }];
    }),
    uid: process.getuid?.() ?? null,
    probes: await runProbes(context, uniqueName),
    inotify: inotifyLimits(context),
  };
}

/** Where a link leads, too. Null when there is no directory, or this user may not look: the checks of what lies there tell. */
function directoryAt({ files }: SpoolContext, path: string): EntryInfo | null {
  try {
    return files.entry(`${path}/.`);
  } catch (error) {
    if (hasCode(error, 'EACCES', 'ENOTDIR', 'ELOOP')) return null;
    throw error;
  }
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

/** The kernel tells the real path of an open directory; without /proc the given one must do. */
function realPathOf({ files, layout }: SpoolContext): string {
  const fd = files.openDirectory(layout.root);
  try {
    return files.readLink(`/proc/self/fd/${fd}`);
  } catch {
    return layout.root; // No /proc here.
  } finally {
    files.close(fd);
  }
}

function ancestorsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`)].toReversed();
}

function inotifyLimits({ files }: SpoolContext): PlaceFacts['inotify'] {
  const limit = (name: string): number => Number(files.readSystemFile(`/proc/sys/fs/inotify/${name}`));
  try {
    return { maxInstances: limit('max_user_instances'), maxWatches: limit('max_user_watches') };
  } catch {
    return null; // Not Linux.
  }
}
