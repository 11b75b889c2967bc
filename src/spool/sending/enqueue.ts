/** From a job in memory to an accepted file: draft in tmp/, fsync, rename, fsync of the directory. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { basePieces } from '../../job/document.ts';
import type { NewJob } from '../../broker/broker.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { removeQuietly } from '../disk/draft.ts';
import type { Files } from '../disk/files.ts';
import { AFTER_ANOTHER_MS, delayedFileName, jobFileName } from '../layout.ts';
import type { Placed } from '../after/in-order.ts';
import { writeText } from '../disk/memory.ts';
import { spoolError } from '../disk/trouble.ts';

/** Jobs written or renamed before other work of this process gets its turn: a few ms. */
const YIELD_EVERY = 256;
/** From this many jobs on, the whole file system is synced once instead of each file. */
const SYNC_ALL_FROM = 512;
/** Files that are open at a time: enough to keep the disk's queue full, far from any limit on descriptors. */
const BATCH = 64;

/**
 * Accepts `jobs`. If we die before the first rename, a later sweep removes the drafts and no job is queued; after it,
 * those that were renamed run.
 *
 * @throws SpoolError with `uncertain` empty: no job is queued; else those named may or may not be
 */
export async function enqueue(context: SpoolContext, jobs: readonly NewJob[]): Promise<void> {
  const drafts: string[] = [];
  const isSyncedAtEnd = context.fsync && jobs.length >= SYNC_ALL_FROM;
  try {
    for (let i = 0; i < jobs.length; i += BATCH) {
      await writeDrafts(context, jobs.slice(i, i + BATCH), drafts, context.fsync && !isSyncedAtEnd);
      if (drafts.length % YIELD_EVERY === 0) await yieldToOthers();
    }
    if (isSyncedAtEnd) await syncDrafts(context, drafts);
  } catch (error) {
    for (const draft of drafts) removeQuietly(context.files, draft);
    throw spoolError(error, `${describe(jobs)} not queued`);
  }
  let renamed = 0;
  try {
    const directories = new Set<string>();
    for (const job of jobs) {
      const { directory, fileName } = placeOf(context, job);
      context.files.rename(drafts[renamed] ?? '', `${directory}/${fileName}`);
      directories.add(directory);
      renamed++;
      if (renamed % YIELD_EVERY === 0) await yieldToOthers();
    }
    if (context.fsync) await syncDirectories(context, ...directories);
  } catch (error) {
    for (const draft of drafts.slice(renamed)) removeQuietly(context.files, draft);
    throw spoolError(
      error,
      renamed === 0 ? `${describe(jobs)} not queued` : `${describe(jobs)} not surely queued`,
      jobs.slice(0, renamed).map(({ job }) => job.id),
    );
  }
}

/** Writes each job into a draft, whose path is added to `drafts` even if writing it fails. */
export async function writeDrafts(
  context: SpoolContext,
  jobs: readonly NewJob[],
  drafts: string[],
  isSynced: boolean,
): Promise<void> {
  const { files, draftFiles } = context;
  const open: number[] = [];
  try {
    for (const job of jobs) {
      const { path, fd, oldBytes } = draftFiles.next();
      open.push(fd);
      drafts.push(path);
      writeText(files, fd, basePieces(job.job), 0, oldBytes);
    }
    if (isSynced) await syncAll(files, open);
  } finally {
    for (const fd of open) files.close(fd);
  }
}

/** All drafts are closed. Where the one call fails, the fsync of each file tells the error. */
async function syncDrafts({ files, layout }: SpoolContext, drafts: readonly string[]): Promise<void> {
  if (await files.syncFileSystem(layout.tmp)) return;
  for (let i = 0; i < drafts.length; i += BATCH) {
    const open: number[] = [];
    try {
      for (const draft of drafts.slice(i, i + BATCH)) open.push(files.open(draft, 'write'));
      await syncAll(files, open);
    } finally {
      for (const fd of open) files.close(fd);
    }
  }
}

/** Waits for all, also when one fails: a descriptor must not be closed, and its number given away, under a running fsync. */
async function syncAll(files: Files, descriptors: readonly number[]): Promise<void> {
  const ends = await Promise.allSettled(descriptors.map((fd) => files.sync(fd)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Where the job belongs. Made when it goes there: thousands of texts that are kept cost more than to make them again. */
export function placeOf(
  { layout, nowMs }: SpoolContext,
  { job, queue, priority, isFollower }: Placed,
): { readonly directory: string; readonly fileName: string } {
  const name = { id: job.id, queue, priority, attempt: 0, crashes: 0 };
  if (isFollower === true) return { directory: layout.delayed, fileName: delayedFileName(AFTER_ANOTHER_MS, name) };
  const { etaMs } = job.options;
  if (etaMs === undefined || etaMs <= nowMs()) return { directory: layout.pending, fileName: jobFileName(name) };
  return { directory: layout.delayed, fileName: delayedFileName(etaMs, name) };
}

/** `Job <id> (<task>) was` or `3 jobs were`, as a sentence begins. */
export function describe(jobs: readonly NewJob[]): string {
  const [first] = jobs;
  return jobs.length === 1 && first !== undefined
    ? `Job ${first.job.id} (${first.job.task}) was`
    : `${jobs.length} jobs were`;
}
