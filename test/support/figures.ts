/** Statistics of a few jobs, for tests. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { NO_HISTORY, withCounted } from '../../src/broker/figures/history.ts';
import { countedIn, type Figures, Tally } from '../../src/broker/statistics.ts';
import type { SpoolContext } from '../../src/spool/disk/context.ts';
import { readStatistics } from '../../src/spool/statistics/read-statistics.ts';
import { figuresText, type KeptFigures } from '../../src/spool/statistics/statistics-file.ts';
import { plant } from './planted.ts';

/** Of so many jobs that succeeded. */
export function figuresOfJobs(succeeded: number, task = 'add'): Figures {
  const tally = new Tally();
  for (let i = 0; i < succeeded; i++) tally.addRun({ queue: 'default', task, how: 'succeeded', waitMs: 1, runMs: 1 });
  const { tasks, crashes, restarts } = tally;
  return { tasks, crashes, restarts };
}

/** The same as the file of a process that counted them at `nowMs`. */
export function figuresFile(succeeded: number, parts: Partial<KeptFigures> = {}, nowMs = Date.now()): string {
  const figures = figuresOfJobs(succeeded);
  const history = withCounted(NO_HISTORY, countedIn(figures), nowMs);
  return figuresText({ ...figures, history, sinceMs: nowMs, taken: [], ...parts });
}

/** Puts such files into a spool, by their names. */
export function plantFigures(spool: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(spool, 'statistics'), { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) plant(spool, `statistics/${name}`, text);
}

/** How many jobs the statistics say have succeeded. */
export function succeededIn(context: SpoolContext): number {
  return readStatistics(context).tasks.reduce((sum, { ended }) => sum + ended.succeeded, 0);
}
