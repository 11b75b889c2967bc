/** Queues that are paused: a file in queues/ for each. Workers hear of it by a watch; it holds until it is taken away. */
import { type SpoolContext, syncDirectories } from './context.ts';
import { hasCode } from './files.ts';
import { makeDirectory } from './if-there.ts';
import { parsePausedFileName, pausedFileName } from './note-names.ts';

/** @returns false when it was paused already. When it resolves that is durable. */
export async function pauseQueue(context: SpoolContext, queue: string): Promise<boolean> {
  const { files, layout } = context;
  makeDirectory(files, layout.queues);
  const isNew = makeFile(context, queue);
  await syncDirectories(context, layout.queues, layout.root);
  return isNew;
}

/** @returns false when it was not paused. When it resolves that is durable. */
export async function resumeQueue(context: SpoolContext, queue: string): Promise<boolean> {
  const { files, layout } = context;
  try {
    files.unlink(`${layout.queues}/${pausedFileName(queue)}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  await syncDirectories(context, layout.queues);
  return true;
}

export function pausedQueues({ files, layout }: SpoolContext): readonly string[] {
  try {
    return files
      .list(layout.queues)
      .map(parsePausedFileName)
      .filter((queue) => queue !== null)
      .toSorted();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []; // A spool that was made before there was such a directory.
    throw error;
  }
}

/** The name is what counts, so nothing is lost if we die before it has content. */
function makeFile({ files, layout, nowMs }: SpoolContext, queue: string): boolean {
  let fd: number;
  try {
    fd = files.create(`${layout.queues}/${pausedFileName(queue)}`);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    files.write(fd, Buffer.from(`${JSON.stringify({ v: 1, queue, atMs: nowMs(), pid: process.pid })}\n`), 0);
  } finally {
    files.close(fd);
  }
  return true;
}
