/** Tries in a corner of the spool what fsq relies on: rename, fsync, a watch, the clock. Leaves nothing behind. */
import { reasonOf } from '../../job/values/realm.ts';
import type { SpoolContext } from '../context.ts';
import { hasCode } from '../files.ts';
import { spoolError } from '../trouble.ts';

/** What came out: a number or true where it works, otherwise why not. */
export interface Probes {
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

export async function runProbes(context: SpoolContext): Promise<Probes> {
  const { files, layout, nowMs } = context;
  const file = `${layout.tmp}/${context.uniqueName()}`;
  const directory = `${layout.tmp}/${context.uniqueName()}`;
  const seen = watchFor(context, file.slice(layout.tmp.length + 1));
  try {
    const { fsyncMs, fsync, skew } = await writeProbe(context, file, nowMs);
    files.makeDirectory(directory);
    return {
      write: null,
      // logs/ is read by nobody yet, so what is there for a moment confuses no worker.
      renameFile: renameProbe(context, file, `${layout.logs}/${file.slice(layout.tmp.length + 1)}`),
      renameDirectory: renameProbe(context, directory, `${layout.logs}/${directory.slice(layout.tmp.length + 1)}`),
      fsync,
      fsyncMs,
      watch: await seen.reason,
      clockSkewMs: skew,
    };
  } catch (error) {
    return { ...NOT_TRIED, write: spoolError(error, 'Nothing can be written there').message };
  } finally {
    seen.close();
    remove(context, file, directory);
  }
}

async function writeProbe(
  { files }: SpoolContext,
  path: string,
  nowMs: () => number,
): Promise<{ readonly fsyncMs: number | null; readonly fsync: string | null; readonly skew: number }> {
  const fd = files.create(path);
  try {
    files.write(fd, Buffer.from('probe\n'), 0);
    const skew = Math.round(files.info(fd).modifiedAtMs - nowMs());
    const startedAt = performance.now();
    const fsync = await files.sync(fd).then(
      () => null,
      (error: unknown) => reasonOf(error),
    );
    return { fsync, fsyncMs: fsync === null ? performance.now() - startedAt : null, skew };
  } finally {
    files.close(fd);
  }
}

/** There and back. */
function renameProbe({ files }: SpoolContext, path: string, other: string): string | null {
  try {
    files.rename(path, other);
    files.rename(other, path);
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
  const logs = (path: string): string => `${layout.logs}${path.slice(layout.tmp.length)}`;
  const attempts = [
    () => files.unlink(file),
    () => files.unlink(logs(file)),
    () => files.removeDirectory(directory),
    () => files.removeDirectory(logs(directory)),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (error) {
      // It is not there, or the disk refuses: what may be left in tmp/ is swept when this process is gone.
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EROFS', 'EACCES', 'EIO')) throw error;
    }
  }
}
