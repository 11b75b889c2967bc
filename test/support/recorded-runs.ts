/** Tasks that write down when their runs begin and end, for whoever holds the runs against each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal, JournalRun } from '../oracle/journal.ts';
import { runFindings } from '../oracle/runs.ts';
import type { Project } from './project.ts';

/**
 * A line of that size is appended whole (write(2), O_APPEND). `block` lets nothing else in its process go on; a run of `meet` goes on
 * until so many runs of the project have begun, however long others take to come.
 */
export const RECORDED_TASKS: Readonly<Record<string, string>> = {
  'tasks.mjs': `import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
const RUNS = process.env.RUNS ?? 'runs.txt';
const line = (what) => {
  const { id, attempt } = currentJob();
  appendFileSync(RUNS, [what, id, attempt, process.pid, Date.now()].join(' ') + '\\n');
};
const recorded = (act) => async (...args) => {
  line('begin');
  try {
    return await act(...args);
  } finally {
    line('end');
  }
};
task('square', recorded((n) => n * n));
task('nap', recorded(async (ms) => { await wait(ms); return ms; }));
const begun = () => readFileSync(RUNS, 'utf8').split('begin').length - 1;
task('meet', recorded(async (runs) => { while (begun() < runs) await wait(5); return 'met'; }));
task('block', recorded((ms) => { const end = performance.now() + ms; while (performance.now() < end); return ms; }));
task('fail', recorded((text) => { throw new RangeError(text); }));
task('twice', { retries: 1, backoff: '20ms' }, recorded(() => { if (currentJob().attempt === 1) throw new Error('once'); return 'well'; }));
task('die', recorded(() => process.kill(process.pid, 'SIGKILL')));
task('die-once', recorded((after = 0) => { if (currentJob().attempt > 1) return 'lived'; return wait(after).then(() => process.kill(process.pid, 'SIGKILL')); }));
`,
};

/** In the order in which they began. */
export function recordedRuns({ path }: Project): readonly JournalRun[] {
  const runs = new Map<string, JournalRun>();
  for (const line of linesOf(join(path, 'runs.txt'))) {
    const [what, id = '', attempt = '', pid = '', atMs = ''] = line.split(' ');
    const key = `${id} ${attempt} ${pid}`;
    const run = runs.get(key);
    if (what === 'begin')
      runs.set(key, { id, attempt: Number(attempt), pid: Number(pid), startedAtMs: Number(atMs), endedAtMs: null });
    else if (run !== undefined) runs.set(key, { ...run, endedAtMs: Number(atMs) });
  }
  return [...runs.values()];
}

/** What is wrong with the runs of the project, in words; none when all is well. */
export function faultsOfRuns(project: Project, journal: Omit<Journal, 'runs'> = {}): readonly string[] {
  return runFindings({ ...journal, runs: recordedRuns(project) }).map(({ message }) => message);
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').filter(Boolean);
  } catch {
    return []; // No run has begun.
  }
}
