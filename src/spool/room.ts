/**
 * Room on a disk that is nearly full. What is over is then removed and not kept for use again; and a reserve in spare/ is given up
 * for what makes room or must not wait: the start of a worker, and the recovery of what the dead held.
 */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { discard } from './if-there.ts';
import { RESERVE } from './spare.ts';

/** The disk is nearly full with less than a part of it, and never with more than this much, free. */
const TIGHT = { part: 1 / 20, mostBytes: 64 * 1024 * 1024, mostInodes: 10_000 };
/** Enough for a worker of many children, whose starts take three inodes each, and for a few hundred tails. */
const RESERVE_FILES = 64;
const RESERVE_FILE_BYTES = 4_096;
/** Of a disk without so much free a reserve would be too great a part, bytes. */
const WORTH_A_RESERVE = 64 * RESERVE_FILES * RESERVE_FILE_BYTES;

/** True when the disk, or its inodes, are nearly used up. Quotas do not show here: they are met as errors. */
export function isTight({ files, layout }: SpoolContext): boolean {
  const { freeBytes, totalBytes, freeInodes, totalInodes } = files.fileSystem(layout.root);
  const isFullOfInodes = totalInodes > 0 && freeInodes < Math.min(totalInodes * TIGHT.part, TIGHT.mostInodes);
  return isFullOfInodes || freeBytes < Math.min(totalBytes * TIGHT.part, TIGHT.mostBytes);
}

/** True of an error that says that there is no room. */
export function isFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT');
}

/** Gives up what may be given up: files kept for use again at first, then the reserve. False when there is nothing left. */
export function makeRoom(context: SpoolContext): boolean {
  return emptySpare(context) || spendReserve(context);
}

/**
 * Removes the files that are kept for use again. By their paths in spare/: a batch that a producer takes meanwhile has another, so
 * nothing that is written into is removed.
 *
 * @returns whether there were any
 */
export function emptySpare(context: SpoolContext): boolean {
  const { files, layout } = context;
  const batches = files.list(layout.spare).filter((name) => name !== RESERVE);
  return batches.map((name) => removeAll(context, `${layout.spare}/${name}`)).some((count) => count > 0);
}

/** @returns whether there was one */
export function spendReserve(context: SpoolContext): boolean {
  return removeAll(context, `${context.layout.spare}/${RESERVE}`) > 0;
}

/** Makes the reserve where it is missing and the disk has plenty. Failing to costs nothing now. */
export function keepReserve(context: SpoolContext): void {
  const { files, layout } = context;
  const directory = `${layout.spare}/${RESERVE}`;
  if (files.exists(directory) || isTight(context)) return;
  if (files.fileSystem(layout.root).freeBytes < WORTH_A_RESERVE) return;
  try {
    files.makeDirectory(directory);
    // Not zeros: a file system that compresses would give no room for them.
    for (let i = 0; i < RESERVE_FILES; i++) writeFile(context, `${directory}/${i}`);
  } catch (error) {
    if (!hasCode(error, 'EEXIST') && !isFull(error)) throw error; // Another worker makes it; or there is no plenty after all.
  }
}

function writeFile({ files, randomBytes }: SpoolContext, path: string): void {
  const fd = files.create(path);
  try {
    files.write(fd, Buffer.from(randomBytes(RESERVE_FILE_BYTES)), 0);
  } finally {
    files.close(fd);
  }
}

/** @returns how many have gone: what cannot be removed makes no room, however often it is tried */
function removeAll(context: SpoolContext, directory: string): number {
  const { files } = context;
  let count = 0;
  try {
    for (const name of files.list(directory)) if (discard(context.files, `${directory}/${name}`)) count++;
    files.removeDirectory(directory);
  } catch (error) {
    // Taken by a producer, or emptied by another; or what lies there is no batch, or closed to us, and stays.
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST', 'EACCES', 'EPERM')) throw error;
  }
  return count;
}
