/**
 * The last steps with a held job's file: a tail is written behind its base, such that a death or a power cut in between is told
 * apart, and a rename moves the file out of the holder's directory.
 */
import { afterwards, isPromise, orElse, type Soon } from '../../broker/soon.ts';
import { FencedError } from '../../job/errors.ts';
import { TAIL_MARK } from '../../job/tail.ts';
import type { JsonText } from '../../job/values/json.ts';
import { type SpoolContext, type StepJournal, syncDirectories } from '../disk/context.ts';
import { waitForDisk } from '../disk/disk-wait.ts';
import { writeNew } from '../disk/draft.ts';
import { hasCode } from '../disk/files.ts';
import type { Held } from './holder.ts';
import { textUnits, withBytes, writeText } from '../disk/memory.ts';
import { renameOver } from './set-aside.ts';

/** The end of a base without a tail. */
const BARE_END = '\n}';
/** An older tail is cut back to this, a torn tail: after a death it shows that the entries of the older one are lost. */
const BEGUN = Buffer.from(TAIL_MARK);

/** Longest file whose step is recorded, bytes, each character counted as three: a longer one is fsynced. */
const LARGEST = 65_536;

/**
 * Makes the file of the job what it has to be, and durable: from then on a power cut leaves it so, wherever it lies.
 *
 * @param to the name that it gets next
 * @param isAgain after a try that failed: the file may lie about what is on the disk
 * @returns true when the journal also says that it gets this name
 */
export type Write = (to: string, isAgain: boolean) => Soon<boolean>;

/**
 * Writes, then renames the file to where `target` says, which is the commit point. A disk that refuses either is waited for.
 *
 * What others see is durable, so an outcome that was read is not lost to a power cut. The rename itself may be: then the file is found in
 * the holder's directory as it was written, unless the journal knows better. Without the journal its directory is synced soon, and
 * not waited for.
 *
 * @param write null when the file is what it has to be
 */
export function writeAndMove(context: SpoolContext, held: Held, write: Write | null, target: () => string): Soon<void> {
  const { path, holder } = held;
  let tries = 0;
  /** Null while it is not written: whether the journal says so. */
  let recorded: boolean | null = write === null ? false : null;
  let to = '';
  return waitForDisk(holder, () => {
    if (to === '' || recorded === null) to = target();
    return afterwards(recorded ?? write?.(to, tries++ > 0) ?? false, (isRecorded) => {
      recorded = isRecorded;
      fencing(held, () => renameOver(context, path, to));
      if (context.fsync && !isRecorded) syncSoon(context, held, to.slice(0, to.lastIndexOf('/')));
    });
  });
}

function syncSoon(context: SpoolContext, { holder }: Held, directory: string): void {
  syncDirectories(context, directory).catch((error: unknown) =>
    holder.onEvent?.({ kind: 'undurable', directory, error }),
  );
}

export function writing(context: SpoolContext, held: Held, tail: JsonText): Write {
  return (to, isAgain) => {
    if (isAgain) return writeCopy(context, held, tail);
    const most = held.baseBytes + 3 * textUnits(tail);
    // An older tail must be gone from the disk before there is a new one.
    const journal = hasTail(held) ? null : journalFor(context, most);
    if (journal === null) return writeTail(context, held, tail);
    const fill = (room: Buffer): number => writeTailInto(context, held, tail, room);
    return recordOr(context, { journal, to, most, fill }, () => writeTail(context, held, tail));
  };
}

/** Leaves the file as it is. */
export function asItStands(context: SpoolContext, held: Held): Write {
  return (to, isAgain) => {
    if (isAgain) return writeCopy(context, held, null);
    const most = held.sizeBytes;
    const journal = journalFor(context, most);
    if (journal === null) return syncFile(context, held);
    const fill = (room: Buffer): number =>
      withFileNow(context, held, 'read', (fd) => context.files.read(fd, most, room).length);
    return recordOr(context, { journal, to, most, fill }, () => syncFile(context, held));
  };
}

/** Null when the file has to be fsynced. */
function journalFor({ fsync, journal }: SpoolContext, mostBytes: number): StepJournal | null {
  return fsync && journal !== null && mostBytes <= LARGEST && journal.takes(1) ? journal : null;
}

interface Recording {
  readonly journal: StepJournal;
  readonly to: string;
  readonly most: number;
  readonly fill: (room: Buffer) => number;
}

/** One promise for each step: with async hooks on, each costs a microsecond. */
function recordOr(
  { layout }: SpoolContext,
  { journal, to, most, fill }: Recording,
  byFile: () => Soon<boolean>,
): Soon<boolean> {
  // A producer may have made the file read-only.
  const unlessRefused = (error: unknown): Soon<boolean> => {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    return byFile();
  };
  let recorded: Promise<boolean>;
  try {
    recorded = journal.record(to.slice(layout.root.length + 1), most, fill);
  } catch (error) {
    return unlessRefused(error);
  }
  return recorded.then((isRecorded) => isRecorded || byFile(), unlessRefused);
}

/** No waiting makes a file fit that is too large here. What was written of it is torn: the shorter outcome goes into a new file. */
export function writingOr(context: SpoolContext, held: Held, tail: JsonText, shorter: () => JsonText): Write {
  const write = writing(context, held, tail);
  return (to, isAgain) =>
    orElse(
      () => write(to, isAgain),
      (error) => {
        if (!hasCode(error, 'EFBIG')) throw error;
        return writeCopy(context, held, shorter());
      },
    );
}

/** Whether anything was written behind the base. */
export function hasTail({ baseBytes, sizeBytes }: Held): boolean {
  return sizeBytes > baseBytes + BARE_END.length;
}

/** Writes `tail` into the file as it lies there; into a copy, where a producer made the file read-only. */
function writeTail(context: SpoolContext, held: Held, tail: JsonText): Soon<boolean> {
  const { files } = context;
  const { baseBytes, sizeBytes } = held;
  const write = (fd: number): Soon<boolean> =>
    afterwards(hasTail(held) ? cutTail(context, fd, baseBytes) : undefined, () => {
      writeText(files, fd, tail, baseBytes, sizeBytes);
      return context.fsync ? syncAll(context, held, fd) : false;
    });
  try {
    return withFile(context, held, 'read-write', write);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    return writeCopy(context, held, tail);
  }
}

/** The same without waiting for the disk. Base and tail are in `room` afterwards. @returns their bytes */
function writeTailInto(context: SpoolContext, held: Held, tail: JsonText, room: Buffer): number {
  const { files } = context;
  const { baseBytes, sizeBytes } = held;
  return withFileNow(context, held, 'read-write', (fd) => {
    const got = files.read(fd, baseBytes, room).length;
    // What somebody has cut off is zeros in the file from now on.
    if (got < baseBytes) room.fill(0, got, baseBytes);
    let end = baseBytes;
    for (const piece of typeof tail === 'string' ? [tail] : tail) end += room.write(piece, end);
    files.write(fd, room.subarray(baseBytes, end), baseBytes);
    if (sizeBytes > end) files.truncate(fd, end);
    return end;
  });
}

/** The file and, in the holder's directory, its name. */
async function syncAll(context: SpoolContext, held: Held, fd: number): Promise<false> {
  const named = syncDirectories(context, held.holder.directory).catch((error: unknown) => {
    throw asFenced(held, error);
  });
  await Promise.all([context.files.sync(fd), named]);
  return false;
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
 * Writes base and `tail`, or all that the file holds, into a new file, which then replaces the old one under its name. After a failed write or fsync the pages of
 * the old file may be marked clean though they never reached the disk (Rebello et al., "Can Applications Recover from fsync
 * Failures?", USENIX ATC 2020).
 */
async function writeCopy(context: SpoolContext, held: Held, tail: JsonText | null): Promise<false> {
  const { layout } = context;
  const { path, holder, baseBytes, sizeBytes } = held;
  const copied = tail === null ? sizeBytes : baseBytes;
  const base = await withFile(context, held, 'read', (fd) => context.files.read(fd, copied));
  try {
    // The claim first: were it lost in a power cut and the copy not, or its old name left, the job would lie in two places.
    await syncDirectories(context, holder.directory, layout.pending, layout.delayed);
    const bytes = tail === null ? base : withBytes(tail, (added) => Buffer.concat([base, added]));
    await writeNew(context, bytes, path, { isDurable: true });
    await syncDirectories(context, holder.directory);
    return false;
  } catch (error) {
    throw asFenced(held, error);
  }
}

/** Makes what the file holds durable, where the spool waits for the disk. */
function syncFile(context: SpoolContext, held: Held): Soon<boolean> {
  return context.fsync ? withFile(context, held, 'read', (fd) => syncAll(context, held, fd)) : false;
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

/** The same for what does not wait. */
function withFileNow<T>({ files }: SpoolContext, held: Held, access: 'read' | 'read-write', act: (fd: number) => T): T {
  const fd = fencing(held, () => files.open(held.path, access));
  try {
    return act(fd);
  } finally {
    files.close(fd);
  }
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
