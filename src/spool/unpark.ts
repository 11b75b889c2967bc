/** Parked jobs whose task is now known: ready again at once, rather than when their backoff ends. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { parseDelayedFileName } from './layout.ts';
import { readJob } from './read.ts';

/** Delayed jobs looked at, the soonest first: a worker's start must not read a whole backlog. The others wait for their time. */
const MOST_LOOKED_AT = 1_000;
/** A parked job is due within a minute; what is due later was not parked. */
const LOOK_AHEAD_MS = 60_000;

/** Makes the parked jobs of `tasks` ready. */
export function unpark(context: SpoolContext, tasks: ReadonlySet<string>): void {
  const { files, layout } = context;
  const latest = context.nowMs() + LOOK_AHEAD_MS;
  for (const fileName of files.list(layout.delayed).toSorted().slice(0, MOST_LOOKED_AT)) {
    const parsed = parseDelayedFileName(fileName);
    if (parsed === null) continue;
    if (parsed.dueAtMs > latest) return;
    const path = `${layout.delayed}/${fileName}`;
    const reading = readJob(context, path, parsed.name.id);
    if (reading.kind !== 'job') continue;
    const { job, parked } = reading.document.record;
    if (parked === null || !tasks.has(job.task)) continue;
    try {
      files.rename(path, `${layout.pending}/${parsed.jobFile}`);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error; // Its time has just come, or another worker was faster.
    }
  }
}
