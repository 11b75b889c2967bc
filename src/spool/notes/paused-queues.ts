/** The notes in queues/: each says that a queue is paused, until it is removed. Workers watch the directory. */
import { isQueueName } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { createNew, listIfThere, makeDirectory, unlinkIfThere } from '../disk/if-there.ts';

const PAUSED = '.paused';

/** The name says all; what the file holds is for people. */
function pausedFileName(queue: string): string {
  return queue + PAUSED;
}

export function parsePausedFileName(fileName: string): string | null {
  const queue = fileName.slice(0, -PAUSED.length);
  return fileName.endsWith(PAUSED) && isQueueName(queue) ? queue : null;
}

/** @returns false when it was paused already. When it resolves that is durable. */
export async function pauseQueue(context: SpoolContext, queue: string): Promise<boolean> {
  const { files, layout } = context;
  makeDirectory(files, layout.queues);
  const text = `${JSON.stringify({ v: 1, queue, atMs: context.nowMs(), pid: process.pid })}\n`;
  // If we die before the file has its text, its name still says all.
  const isNew = createNew(files, `${layout.queues}/${pausedFileName(queue)}`, Buffer.from(text));
  await syncDirectories(context, layout.queues, layout.root);
  return isNew;
}

/** @returns false when it was not paused. When it resolves that is durable. */
export async function resumeQueue(context: SpoolContext, queue: string): Promise<boolean> {
  const { files, layout } = context;
  if (!unlinkIfThere(files, `${layout.queues}/${pausedFileName(queue)}`)) return false;
  await syncDirectories(context, layout.queues);
  return true;
}

/** None in a spool of an older fsq, which has no such directory before a queue is paused. */
export function pausedQueues({ files, layout }: SpoolContext): readonly string[] {
  return listIfThere(files, layout.queues)
    .map(parsePausedFileName)
    .filter((queue) => queue !== null)
    .toSorted();
}
