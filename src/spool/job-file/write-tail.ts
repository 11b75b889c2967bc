/**
 * The last steps with a held job's file: a tail is written behind its base, such that a death or a power cut in between is told
 * apart, and a rename moves the file out of the holder's directory.
 */
import { afterwards, isPromise, orElse, type Soon } from '../../broker/soon.ts';
import { FencedError } from '../../job/errors.ts';
import { TAIL_MARK } from '../../job/tail.ts';
import type { JsonText } from '../../job/values/json.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { waitForDisk } from '../disk/disk-wait.ts';
import { writeNew } from '../disk/draft.ts';
import { hasCode } from '../disk/files.ts';
import type { Held } from './holder.ts';
import { withBytes, writeText } from '../disk/memory.ts';
import { renameOver } from './set-aside.ts';

/** The end of a base without a tail. */
const BARE_END = '\n}';
/** An older tail is cut back to this, a torn tail: after a death it shows that the entries of the older one are lost. */
const BEGUN = Buffer.from(TAIL_MARK);

/**
 * Writes, then renames the file to where `target` says, which is the commit point. A disk that refuses either is waited for. The
 * directory's fsync is not: losing the rename to a power cut costs a second run.
 *
 * @param write null when the file is what it has to be
 */
export function writeAndMove(context: SpoolContext, held: Held, write: Write | null, target: () => string): Soon<void> {
  const { path, holder } = held;
  let tries = 0;
  let isWritten = write === null;
  let to = '';
  const moving = waitForDisk(holder, () =>
    afterwards(isWritten ? undefined : write?.(tries++ > 0), () => {
      isWritten = true;
      to = target();
      fencing(held, () => renameOver(context, path, to));
    }),
  );
  if (!context.fsync) return moving;
  return afterwards(moving, () => {
    const directory = to.slice(0, to.lastIndexOf('/'));
    syncDirectories(context, directory).catch((error: unknown) =>
      holder.onEvent?.({ kind: 'undurable', directory, error }),
    );
  });
}

/** Makes the file of the job what it has to be. `isAgain` after a try that failed: the file may lie about what is on the disk. */
export type Write = (isAgain: boolean) => Soon<void>;

export function writing(context: SpoolContext, held: Held, tail: JsonText): Write {
  return (isAgain) => (isAgain ? writeCopy(context, held, tail) : writeTail(context, held, tail));
}

/** No waiting makes a file fit that is too large here. What was written of it is torn: the shorter outcome goes into a new file. */
export function writingOr(context: SpoolContext, held: Held, tail: JsonText, shorter: () => JsonText): Write {
  const write = writing(context, held, tail);
  return (isAgain) =>
    orElse(
      () => write(isAgain),
      (error) => {
        if (!hasCode(error, 'EFBIG')) throw error;
        return writeCopy(context, held, shorter());
      },
    );
}

/** Writes `tail` into the file as it lies there; into a copy, where a producer made the file read-only. */
function writeTail(context: SpoolContext, held: Held, tail: JsonText): Soon<void> {
  const { files } = context;
  const { baseBytes, sizeBytes } = held;
  const hasTail = sizeBytes > baseBytes + BARE_END.length;
  try {
    return withFile(context, held, 'read-write', (fd) =>
      afterwards(hasTail ? cutTail(context, fd, baseBytes) : undefined, () => {
        writeText(files, fd, tail, baseBytes, sizeBytes);
        return context.fsync ? files.sync(fd) : undefined;
      }),
    );
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    return writeCopy(context, held, tail);
  }
}

/**
 * An older tail goes first: torn over it, the new one could end in the middle of the old and still be JSON. A power cut may
 * keep any pages of both, so the disk is waited for in between.
 */
function cutTail({ files, fsync }: SpoolContext, fd: number, baseBytes: number): Soon<void> {
  files.write(fd, BEGUN, baseBytes);
  files.truncate(fd, baseBytes + BEGUN.length);
  return fsync ? files.sync(fd) : undefined;
}

/**
 * Writes base and `tail` into a new file, which then replaces the old one under its name. After a failed write or fsync the pages of
 * the old file may be marked clean though they never reached the disk (Rebello et al., "Can Applications Recover from fsync
 * Failures?", USENIX ATC 2020).
 */
async function writeCopy(context: SpoolContext, held: Held, tail: JsonText): Promise<void> {
  const { path, holder } = held;
  const base = await withFile(context, held, 'read', (fd) => context.files.read(fd, held.baseBytes));
  try {
    // The claim first: were it lost in a power cut and the copy not, the job would lie in two places.
    await syncDirectories(context, holder.directory);
    const bytes = withBytes(tail, (added) => Buffer.concat([base, added]));
    await writeNew(context, bytes, path, { isDurable: true });
  } catch (error) {
    throw asFenced(held, error);
  }
}

/** Makes what the file holds durable, where the spool waits for the disk. */
export function syncFile(context: SpoolContext, held: Held): Soon<void> {
  return context.fsync ? withFile(context, held, 'read', (fd) => context.files.sync(fd)) : undefined;
}

/**
 * Opens the file by its path, for a holder that was fenced must not write; does `act` and closes the file whatever happens, but
 * never under a running fsync: its number may be given away.
 */
function withFile<T>(
  { files }: SpoolContext,
  held: Held,
  access: 'read' | 'read-write',
  act: (fd: number) => Soon<T>,
): Soon<T> {
  const fd = fencing(held, () => files.open(held.path, access));
  let step: Soon<T>;
  try {
    step = act(fd);
  } catch (error) {
    files.close(fd);
    throw error;
  }
  if (isPromise(step)) return step.finally(() => files.close(fd));
  files.close(fd);
  return step;
}

/** Does `act` with the file of a held job. @throws FencedError when the file is gone: a recoverer took the job away */
function fencing<T>(held: Held, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw asFenced(held, error);
  }
}

function asFenced({ holder }: Held, error: unknown): unknown {
  return hasCode(error, 'ENOENT') ? new FencedError(holder.owner) : error;
}
