/** Looks at where a spool lies: its file system, room, neighbours, clock, and whether what fsq relies on works there. */
import { reasonOf } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { type EntryInfo, hasCode } from '../disk/files.ts';
import { directoryAt, type FileSystemName, fileSystemOf, partsElsewhere } from '../place/file-system.ts';
import { spoolError } from '../disk/trouble.ts';
import { type UnsafePlace, unsafePlace } from '../place/trust.ts';

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

/** What the trials gave: a number or null where a thing works, otherwise the reason why not. */
interface Probes {
  /** Null: a file can be made and written. Otherwise nothing else was tried. */
  readonly write: string | null;
  /** Between two directories of the spool. */
  readonly renameFile: string | null;
  readonly renameDirectory: string | null;
  readonly fsync: string | null;
  /** How long one fsync of a small file took, ms; null when it failed. */
  readonly fsyncMs: number | null;
  readonly watch: string | null;
  /** The file system's clock minus this process's, ms; null when no file could be made. */
  readonly clockSkewMs: number | null;
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

/** How long an event of a watch may take, ms; a working one takes less than one. */
const WATCH_TIMEOUT_MS = 1_000;

const NOT_TRIED: Omit<Probes, 'write'> = {
  renameFile: null,
  renameDirectory: null,
  fsync: null,
  fsyncMs: null,
  watch: null,
  clockSkewMs: null,
};

/** Tries in a corner of the spool what fsq relies on, and leaves nothing behind. */
async function runProbes(context: SpoolContext): Promise<Probes> {
  const { files, layout } = context;
  const [file, directory] = [context.uniqueName(), context.uniqueName()];
  const seen = watchFor(context, file);
  try {
    const { clockSkewMs, ...sync } = await writeProbe(context, `${layout.tmp}/${file}`);
    files.makeDirectory(`${layout.tmp}/${directory}`);
    return {
      write: null,
      renameFile: renameProbe(context, file),
      renameDirectory: renameProbe(context, directory),
      ...sync,
      watch: await seen.reason,
      clockSkewMs,
    };
  } catch (error) {
    return { ...NOT_TRIED, write: spoolError(error, 'Nothing can be written there').message };
  } finally {
    seen.close();
    remove(context, file, directory);
  }
}

async function writeProbe(
  { files, nowMs }: SpoolContext,
  path: string,
): Promise<Pick<Probes, 'fsync' | 'fsyncMs' | 'clockSkewMs'>> {
  const fd = files.create(path);
  try {
    files.write(fd, Buffer.from('probe\n'), 0);
    const clockSkewMs = Math.round(files.info(fd).modifiedAtMs - nowMs());
    const startedAt = performance.now();
    const fsync = await files.sync(fd).then(
      () => null,
      (error: unknown) => reasonOf(error),
    );
    return { fsync, fsyncMs: fsync === null ? performance.now() - startedAt : null, clockSkewMs };
  } finally {
    files.close(fd);
  }
}

/** From tmp/ to logs/ and back. Nothing reads logs/, so the name that is there for a moment confuses no worker. */
function renameProbe({ files, layout }: SpoolContext, name: string): string | null {
  try {
    files.rename(`${layout.tmp}/${name}`, `${layout.logs}/${name}`);
    files.rename(`${layout.logs}/${name}`, `${layout.tmp}/${name}`);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** `reason` is null once an event for `name` came. */
function watchFor(
  { files, layout }: SpoolContext,
  name: string,
): { readonly reason: Promise<string | null>; close(): void } {
  let conclude: (reason: string | null) => void = () => undefined;
  const reason = new Promise<string | null>((resolve) => (conclude = resolve));
  // One more turn at the end: on a busy machine the event may wait behind this very timer.
  const giveUp = (): void => conclude(`no event came within ${WATCH_TIMEOUT_MS} ms`);
  const timer = setTimeout(() => setImmediate(giveUp), WATCH_TIMEOUT_MS);
  let close = (): void => undefined;
  try {
    const watch = files.watch(
      layout.tmp,
      (seen) => {
        if (seen === null || seen === name) conclude(null);
      },
      (error) => conclude(error.message),
    );
    close = () => watch.close();
  } catch (error) {
    conclude(reasonOf(error));
  }
  return {
    reason,
    close: () => {
      clearTimeout(timer);
      close();
    },
  };
}

function remove({ files, layout }: SpoolContext, file: string, directory: string): void {
  const attempts = [layout.tmp, layout.logs].flatMap((place) => [
    () => files.unlink(`${place}/${file}`),
    () => files.removeDirectory(`${place}/${directory}`),
  ]);
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (error) {
      // It is not there, or the disk refuses: what may be left in tmp/ is swept when this process is gone.
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EROFS', 'EACCES', 'EIO')) throw error;
    }
  }
}
