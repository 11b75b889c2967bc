/** A held job's file: how a tail is written behind its base, such that a death or a power cut in between is told apart. */
import type { BrokerEvent } from '../broker/worker-side.ts';
import { afterwards, isPromise, type Soon } from '../broker/soon.ts';
import { TAIL_MARK } from '../job/tail.ts';
import { FencedError } from '../job/errors.ts';
import type { JobRecord } from '../job/job.ts';
import type { JsonText } from '../job/values/json-text.ts';
import { type SpoolContext, syncDirectories } from './context.ts';
import { writeNew } from './draft.ts';
import { hasCode } from './files.ts';
import type { JobName } from './layout.ts';
import { withBytes, writeText } from './memory.ts';
import { withPatience } from './patience.ts';

/** A job that this process holds, by claim or by recovery. */
export interface Held {
  /** Who may settle it: the name that `directory` belongs to. */
  readonly owner: string;
  /** Absolute path of the directory it lies in: gone as soon as somebody fences us. */
  readonly directory: string;
  readonly fileName: string;
  readonly name: JobName;
  readonly record: JobRecord;
  /** Bytes of the base, where the tail goes. */
  readonly baseBytes: number;
  readonly sizeBytes: number;
  /** Aborted: a disk that refuses is not waited for any more, and the job stays held. */
  readonly giveUp?: AbortSignal | undefined;
}

/** Writes `tail`, waiting out a disk that refuses: in place at first, into a copy after a failure. */
export function writeTail(
  context: SpoolContext,
  held: Held,
  tail: JsonText,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  let isFirstTry = true;
  return withPatience(
    onEvent,
    () => {
      if (!isFirstTry) return writeCopy(context, held, tail);
      isFirstTry = false;
      try {
        return writeInPlace(context, held, tail);
      } catch (error) {
        // A producer made it read-only: a file of our own takes its place.
        if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
        return writeCopy(context, held, tail);
      }
    },
    held.giveUp,
  );
}

/** The end of a base without a tail. */
const BARE_END = '\n}';
/** What is left of an older tail: a torn one, so that whoever is killed then is known to have lost what stood in it. */
const BEGUN = Buffer.from(TAIL_MARK);

function writeInPlace(context: SpoolContext, held: Held, tail: JsonText): Soon<void> {
  const { files } = context;
  const { baseBytes, sizeBytes } = held;
  const hasTail = sizeBytes > baseBytes + BARE_END.length;
  return withMine(context, held, 'read-write', (fd) =>
    afterwards(hasTail ? cutTail(context, fd, baseBytes) : undefined, () => {
      writeText(files, fd, tail, baseBytes, sizeBytes);
      return context.fsync ? files.sync(fd) : undefined;
    }),
  );
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
 * After a failed write or fsync the pages of the old file may be marked clean though they never reached the disk (Rebello
 * et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020): the content goes into a new file, which then
 * replaces the old one under its name.
 */
export async function writeCopy(context: SpoolContext, held: Held, tail: JsonText): Promise<void> {
  const { files } = context;
  const source = openMine(context, held, 'read');
  let base: Buffer;
  try {
    base = files.read(source, held.baseBytes);
  } finally {
    files.close(source);
  }
  try {
    const path = `${held.directory}/${held.fileName}`;
    // The claim first: were it lost in a power cut and the copy not, the job would lie in two places.
    await syncDirectories(context, held.directory);
    const bytes = withBytes(tail, (added) => Buffer.concat([base, added]));
    await writeNew(context, bytes, path, { isDurable: true });
  } catch (error) {
    throw asFence(held, error);
  }
}

/** By path, never by a kept descriptor: if we were fenced the directory is gone, and so is our right. */
function openMine(context: SpoolContext, held: Held, access: 'read' | 'read-write'): number {
  return fencing(held, () => context.files.open(`${held.directory}/${held.fileName}`, access));
}

/** Opens it, does `act`, and closes it whatever happens, but never under a running fsync: its number may be given away. */
export function withMine<T>(
  context: SpoolContext,
  held: Held,
  access: 'read' | 'read-write',
  act: (fd: number) => Soon<T>,
): Soon<T> {
  const { files } = context;
  const fd = openMine(context, held, access);
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

export function fencing<T>(held: Held, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw asFence(held, error);
  }
}

/** What is gone was taken from us. */
function asFence(held: Held, error: unknown): unknown {
  return hasCode(error, 'ENOENT') ? new FencedError(held.owner) : error;
}
