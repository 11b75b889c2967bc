/** Queues that are paused: a file in queues/ for each. Workers hear of it by a watch; it holds until it is taken away. */
import { type SpoolContext, syncDirectories } from './context.ts';
import { createNew, listIfThere, makeDirectory, unlinkIfThere } from './if-there.ts';
import { parsePausedFileName, pausedFileName } from './note-names.ts';

/** @returns false when it was paused already. When it resolves that is durable. */
export async function pauseQueue(context: SpoolContext, queue: string): Promise<boolean> {
  const { files, layout } = context;
  makeDirectory(files, layout.queues);
  const text = `${JSON.stringify({ v: 1, queue, atMs: context.nowMs(), pid: process.pid })}\n`;
  // The name is what counts, so nothing is lost if we die before it has content.
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

export function pausedQueues({ files, layout }: SpoolContext): readonly string[] {
  // A spool that an older fsq made has no such directory before a queue is paused.
  return listIfThere(files, layout.queues)
    .map(parsePausedFileName)
    .filter((queue) => queue !== null)
    .toSorted();
}
