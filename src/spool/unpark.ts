/** Parked jobs whose task is now known: ready again at once, rather than when their backoff ends. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { parseDelayedFileName } from './layout.ts';
import { readJob } from './read.ts';
import type { Turns } from './turns.ts';
import { renameOver } from './set-aside.ts';

/** A parked job is due within a minute; what is due later was not parked. */
const LOOK_AHEAD_MS = 60_000;

/** Makes the parked jobs of `tasks` ready. All that is due soon is read for it, in slices. */
export async function unpark(context: SpoolContext, tasks: ReadonlySet<string>, turns: Turns): Promise<void> {
  const { files, layout, odd } = context;
  const latest = context.nowMs() + LOOK_AHEAD_MS;
  for (const fileName of files.walk(layout.delayed)) {
    if (turns.isOver) await turns.next();
    const parsed = parseDelayedFileName(fileName);
    if (parsed === null || parsed.dueAtMs > latest) continue;
    const path = `${layout.delayed}/${fileName}`;
    odd.try(path, () => {
      if (isParked(context, path, parsed.name.id, tasks)) makeReady(context, path, parsed.jobFile);
    });
  }
}

function isParked(context: SpoolContext, path: string, id: string, tasks: ReadonlySet<string>): boolean {
  const reading = readJob(context, path, id);
  if (reading.kind !== 'job') return false;
  const { job, parked } = reading.document.record;
  return parked !== null && tasks.has(job.task);
}

/** Makes a delayed job ready before its time. @param path of its file in delayed/ */
export function makeReady(context: SpoolContext, path: string, jobFile: string): void {
  try {
    renameOver(context, path, `${context.layout.pending}/${jobFile}`);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // Its time has just come, or another worker was faster.
  }
}
