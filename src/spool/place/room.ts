/**
 * Room on a disk that is nearly full. Files of old outcomes are then removed, and not kept for use again. A reserve in spare/ is
 * given up for work that makes room or must not wait: the start of a worker, and the recovery of a dead owner's jobs.
 */
import type { Room } from '../../broker/broker.ts';
import type { SpoolContext } from '../disk/context.ts';
import { type Files, hasCode } from '../disk/files.ts';
import { createNew, discard, listIfReadable, makeDirectory, removeIfEmpty } from '../disk/if-there.ts';
import { isFull } from '../disk/trouble.ts';
import { RESERVE } from '../layout.ts';

/** The disk is nearly full with less than a part of it, and never with more than this much, free. */
const TIGHT = { part: 1 / 20, mostBytes: 64 * 1024 * 1024, mostInodes: 10_000 };
/** Enough for a worker of many children, whose starts take three inodes each, and for a few hundred tails. */
const RESERVE_FILES = 64;
const RESERVE_FILE_BYTES = 4_096;
/** A disk with less than this free gets no reserve, for it would take too great a part, bytes. */
const WORTH_A_RESERVE = 64 * RESERVE_FILES * RESERVE_FILE_BYTES;

/** True when the disk, or its inodes, are nearly used up. Quotas do not show here: they are met as errors. */
export function isTight(context: SpoolContext): boolean {
  return roomIn(context).isTight;
}

/** @throws the system error unchanged */
export function roomIn({ files, layout }: SpoolContext): Room {
  const { freeBytes, totalBytes, freeInodes, totalInodes } = files.fileSystem(layout.root);
  const isFullOfInodes = totalInodes > 0 && freeInodes < Math.min(totalInodes * TIGHT.part, TIGHT.mostInodes);
  const isFull = freeBytes < Math.min(totalBytes * TIGHT.part, TIGHT.mostBytes);
  return { freeBytes, totalBytes, freeInodes, totalInodes, isTight: isFullOfInodes || isFull };
}

/** Removes the spare files, or the reserve when there are none. False when there is nothing left to remove. */
export function makeRoom(context: SpoolContext): boolean {
  return emptySpare(context) || spendReserve(context);
}

/**
 * Removes the spare files, by their paths in spare/. A batch that a producer takes meanwhile has another path, so no file is
 * removed that a producer writes into.
 *
 * @returns whether there were any
 */
export function emptySpare(context: SpoolContext): boolean {
  const { files, layout } = context;
  const batches = files.list(layout.spare).filter((name) => name !== RESERVE);
  return batches.map((name) => removeBatch(files, `${layout.spare}/${name}`)).some((count) => count > 0);
}

/** @returns whether there was one */
export function spendReserve(context: SpoolContext): boolean {
  return removeBatch(context.files, `${context.layout.spare}/${RESERVE}`) > 0;
}

/** Makes the reserve where it is missing and the disk has plenty. Failing to costs nothing now. */
export function keepReserve(context: SpoolContext): void {
  const { files, layout, randomBytes } = context;
  const directory = `${layout.spare}/${RESERVE}`;
  if (files.exists(directory) || isTight(context)) return;
  if (files.fileSystem(layout.root).freeBytes < WORTH_A_RESERVE) return;
  try {
    if (!makeDirectory(files, directory)) return; // Another worker makes it.
    // Not zeros: a file system that compresses would give no room for them.
    for (let i = 0; i < RESERVE_FILES; i++) createNew(files, `${directory}/${i}`, randomBytes(RESERVE_FILE_BYTES));
  } catch (error) {
    if (!isFull(error)) throw error; // The disk has no plenty after all.
  }
}

/**
 * Removes a directory of spare files. It stays where something else has its name, such as a link, which would lead out of the
 * spool; where this user may not look into it; and where another process puts files into it or takes it away.
 *
 * @returns how many files have gone: what cannot be removed makes no room, however often it is tried
 */
export function removeBatch(files: Files, directory: string): number {
  if (files.entry(directory)?.kind !== 'directory') return 0;
  let count = 0;
  try {
    for (const name of listIfReadable(files, directory)) if (discard(files, `${directory}/${name}`)) count++;
    removeIfEmpty(files, directory);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
  }
  return count;
}
