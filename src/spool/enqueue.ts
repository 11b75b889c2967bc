/** From a job in memory to an accepted file: draft in tmp/, fsync, rename, fsync of the directory. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { basePieces } from '../job/document.ts';
import type { NewJob } from '../broker/broker.ts';
import { type SpoolContext, syncDirectories } from './context.ts';
import { removeQuietly } from './draft.ts';
import type { Files } from './files.ts';
import { delayedFileName, jobFileName } from './layout.ts';
import { withBytes } from './memory.ts';
import type { SpareFiles } from './spare.ts';
import { spoolError } from './trouble.ts';

/** Jobs written or renamed before other work of this process gets its turn: a few ms. */
const YIELD_EVERY = 256;
/** From this many jobs on, the whole file system is synced once instead of each file. */
const SYNC_ALL_FROM = 512;
/** Files that are open at a time: enough to keep the disk's queue full, far from any limit on descriptors. */
const BATCH = 64;

interface Draft {
  readonly id: string;
  readonly path: string;
  readonly directory: string;
  readonly target: string;
}

/**
 * Accepts `jobs`. If we die before the first rename, a later sweep removes the drafts and no job is queued; after it,
 * those that were renamed run.
 *
 * @throws SpoolError with `uncertain` empty: no job is queued; else those named may or may not be
 */
export async function enqueue(context: SpoolContext, spare: SpareFiles, jobs: readonly NewJob[]): Promise<void> {
  const drafts: Draft[] = [];
  const isSyncedAtEnd = context.fsync && jobs.length >= SYNC_ALL_FROM;
  try {
    for (let i = 0; i < jobs.length; i += BATCH) {
      await writeBatch(context, spare, jobs.slice(i, i + BATCH), drafts, context.fsync && !isSyncedAtEnd);
      if (drafts.length % YIELD_EVERY === 0) await yieldToOthers();
    }
    if (isSyncedAtEnd) await syncDrafts(context, drafts);
  } catch (error) {
    for (const { path } of drafts) removeQuietly(context, path);
    throw spoolError(error, `${describe(jobs)} not queued`);
  }
  const renamed: string[] = [];
  try {
    for (const { id, path, target } of drafts) {
      context.files.rename(path, target);
      renamed.push(id);
      if (renamed.length % YIELD_EVERY === 0) await yieldToOthers();
    }
    if (context.fsync) await syncDirectories(context, ...new Set(drafts.map(({ directory }) => directory)));
  } catch (error) {
    for (const { path } of drafts.slice(renamed.length)) removeQuietly(context, path);
    throw spoolError(
      error,
      renamed.length === 0 ? `${describe(jobs)} not queued` : `${describe(jobs)} not surely queued`,
      renamed,
    );
  }
}

async function writeBatch(
  context: SpoolContext,
  spare: SpareFiles,
  jobs: readonly NewJob[],
  drafts: Draft[],
  isSynced: boolean,
): Promise<void> {
  const { files } = context;
  const open: number[] = [];
  try {
    for (const job of jobs) {
      const { path, fd, oldBytes } = spare.next();
      open.push(fd);
      drafts.push(draftOf(context, job, path));
      withBytes(basePieces(job.job), (bytes) => {
        files.write(fd, bytes, 0);
        if (oldBytes > bytes.length) files.truncate(fd, bytes.length);
      });
    }
    if (isSynced) await syncAll(files, open);
  } finally {
    for (const fd of open) files.close(fd);
  }
}

/** All drafts are closed; an error that the one call would not tell is told by the fsync of its file. */
async function syncDrafts({ files, layout }: SpoolContext, drafts: readonly Draft[]): Promise<void> {
  if (await files.syncFileSystem(layout.tmp)) return;
  for (let i = 0; i < drafts.length; i += BATCH) {
    const open: number[] = [];
    try {
      for (const { path } of drafts.slice(i, i + BATCH)) open.push(files.open(path, 'write'));
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

function draftOf(context: SpoolContext, { job, queue, priority }: NewJob, path: string): Draft {
  const { layout } = context;
  const name = { id: job.id, queue, priority, attempt: 0, crashes: 0 };
  const { etaMs } = job.options;
  const isDelayed = etaMs !== undefined && etaMs > context.nowMs();
  const directory = isDelayed ? layout.delayed : layout.pending;
  const target = isDelayed ? `${directory}/${delayedFileName(etaMs, name)}` : `${directory}/${jobFileName(name)}`;
  return { id: job.id, path, directory, target };
}

/** `Job <id> (<task>) was` or `3 jobs were`, as a sentence begins. */
export function describe(jobs: readonly NewJob[]): string {
  const [first] = jobs;
  return jobs.length === 1 && first !== undefined
    ? `Job ${first.job.id} (${first.job.task}) was`
    : `${jobs.length} jobs were`;
}
