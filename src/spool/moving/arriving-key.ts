/** A job that arrives stands for its key here too, unless another job does: of two with one key both would run. */
import { setTimeout as wait } from 'node:timers/promises';
import type { MovedJob } from '../../broker/moving.ts';
import { type FsqError, NotRetriedError } from '../../job/errors.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { createNew, discard, makeDirectory } from '../disk/if-there.ts';
import { readJob } from '../job-file/read.ts';
import {
  clear,
  judge,
  keyDirectory,
  type KeyHolder,
  keyHolderOf,
  keyHoldersIn,
  type KeyHolderState,
  makeVoid,
} from '../keys/key-holders.ts';

/** How long a producer has to send a job that wants the same key, ms; then it is outdone. */
const PATIENCE_MS = 1_000;
const LOOK_AGAIN_MS = 5;
/** How often a directory is made again that a sweep has removed at once. */
const TRIES = 50;

/**
 * The job's file lies in moving/ already. Its holder comes first, then the look at rivals: a producer that looks later finds it.
 *
 * @returns why it cannot; null when it stands for its key, or needs none
 */
export async function standForKey(context: SpoolContext, moved: MovedJob): Promise<FsqError | null> {
  const { id, task, options } = moved.record.job;
  if (options.key === undefined || moved.key === null) return null;
  const directory = keyDirectory(context.layout, task, options.key);
  const own = keyHolderOf(directory, { id, untilMs: moved.key.untilMs });
  await putUp(context, directory, own);
  for (const rival of keyHoldersIn(context, directory)) {
    if (rival.id === id) continue;
    const verdict = await resolved(context, rival, moved);
    if (verdict === 'blocks') {
      discard(context.files, own.path);
      const text = `Job ${id} (${task}) was not moved: job ${rival.id} in ${context.layout.root} has its key ${JSON.stringify(options.key)} now, and has not ended.`;
      return new NotRetriedError('FSQ_KEY_TAKEN', id, text, rival.id);
    }
    await clear(context, rival, verdict);
  }
  return null;
}

/** It does not arrive after all. @param path of its file */
export async function dropKey(context: SpoolContext, path: string, id: string): Promise<void> {
  const reading = readJob(context, path, id);
  const job = reading.kind === 'job' ? reading.document.record.job : null;
  if (job?.options.key === undefined) return;
  const directory = keyDirectory(context.layout, job.task, job.options.key);
  for (const holder of keyHoldersIn(context, directory)) if (holder.id === id) discard(context.files, holder.path);
}

async function putUp(context: SpoolContext, directory: string, own: KeyHolder): Promise<void> {
  const { files, layout } = context;
  for (let left = TRIES; ; left--) {
    makeDirectory(files, layout.keys);
    makeDirectory(files, directory);
    try {
      createNew(files, own.path);
      return await syncDirectories(context, directory, layout.keys);
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || left === 0) throw error;
    }
  }
}

/** Waits for a producer that is about to send its job. */
async function resolved(context: SpoolContext, rival: KeyHolder, moved: MovedJob): Promise<KeyHolderState> {
  const untilMs = moved.key?.untilMs ?? null;
  const until = untilMs === null ? 'ended' : { ms: untilMs - context.nowMs() };
  const outdoAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const verdict = await judge(context, rival, moved.standing, until);
    if (verdict !== 'undecided') return verdict;
    if (performance.now() >= outdoAt) makeVoid(context, rival);
    else await wait(LOOK_AGAIN_MS);
  }
}
