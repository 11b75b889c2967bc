/** Parked jobs whose task is now known: ready again at once, rather than when their backoff ends. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { parseDelayedFileName } from './layout.ts';
import { readJob } from './read.ts';
import { renameOver } from './way.ts';

/** Delayed jobs looked at, the soonest first: a worker's start must not read a whole backlog. The others wait for their time. */
const MOST_LOOKED_AT = 1_000;
/** A parked job is due within a minute; what is due later was not parked. */
const LOOK_AHEAD_MS = 60_000;

/** Makes the parked jobs of `tasks` ready. */
export function unpark(context: SpoolContext, tasks: ReadonlySet<string>): void {
  const { files, layout, odd } = context;
  const latest = context.nowMs() + LOOK_AHEAD_MS;
  for (const fileName of files.list(layout.delayed).toSorted().slice(0, MOST_LOOKED_AT)) {
    const parsed = parseDelayedFileName(fileName);
    if (parsed === null) continue;
    if (parsed.dueAtMs > latest) return;
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

function makeReady(context: SpoolContext, path: string, jobFile: string): void {
  try {
    renameOver(context, path, `${context.layout.pending}/${jobFile}`);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // Its time has just come, or another worker was faster.
  }
}
