/**
 * The messages between a supervisor and its children: signs of life, "stop", and the words of the broker. No job travels here,
 * so a dead parent or child loses nothing. A message is `unknown` until a parser here accepts it.
 */
import type { LimitedRun } from '../app/execute.ts';
import type { TaskSending } from '../broker/task-sending.ts';
import type { PrintingJob } from '../broker/worker-side.ts';
import { type Figures, parseFigures } from '../broker/statistics.ts';
import { readJobOptions } from '../job/job-options.ts';
import { isQueueLimits, type QueueLimits } from '../job/queue-limits.ts';
import { isRecord } from '../job/values/realm.ts';
import type { ParkedNews } from './log.ts';
import { isRanJob, type RanJob } from './child/ran-jobs.ts';

export interface FoundTask {
  readonly name: string;
  /** Over all workers of the spool; absent: none. */
  readonly limits?: QueueLimits;
  /** Of its options those that a job by its name must have; absent: none. */
  readonly sending?: TaskSending;
  /** `file:line` */
  readonly definedAt: string;
  /** The spool that the task's app names for its jobs; absent: none. */
  readonly spool?: string;
}

/** From the supervisor. */
export type ToChild =
  /** What the worker's keeper says to the child's consumer: the broker's words, as they are. */
  | { readonly type: 'hint'; readonly word: unknown }
  /** What its processes print belongs to the jobs: say of each run when it begins and ends. */
  | { readonly type: 'say-runs' }
  /** All that was printed before the end of the run is read: go on. */
  | { readonly type: 'heard' }
  /** The run of this job, which ended after its limit, is let off: go on. */
  | { readonly type: 'pardon'; readonly id: string }
  /** Finish the jobs at hand and end. */
  | { readonly type: 'drain' }
  /** End at once; the jobs at hand will be queued again. */
  | { readonly type: 'stop' };

/** With this variable Node.js tells a parent which modules its child loads, as for its own `--watch`: 'watch:import', 'watch:require'. */
export const REPORT_MODULES = 'WATCH_REPORT_DEPENDENCIES';

/** Code points to an argument, which may have 128 KiB on Linux: each takes at most four bytes. All together may have some 2 MiB. */
const ARGUMENT = /[^]{1,32000}/gu;

/** The arguments that tell a process its options: a project may have thousands of modules. */
export function toArguments(value: unknown): readonly string[] {
  return JSON.stringify(value).match(ARGUMENT) ?? [];
}

/** From a child. */
export type FromChild =
  /** It imports this file now: if nothing more comes, it hangs there. */
  | { readonly type: 'importing'; readonly module: string }
  /** It has imported all it was told to. */
  | { readonly type: 'imported' }
  | { readonly type: 'ready'; readonly owner: string; readonly tasks: readonly FoundTask[] }
  /** The task modules cannot be loaded; nothing was claimed. A child that imports `loader` first may be able to. */
  | { readonly type: 'unloadable'; readonly code: string; readonly message: string; readonly loader?: string }
  /** Node.js has loaded these modules: paths, or URLs. */
  | { readonly type: 'loaded'; readonly modules: readonly string[] }
  /** What its consumer says to the worker's keeper. */
  | { readonly type: 'hint'; readonly word: unknown }
  /** It has begun a run that has a time limit, at `begunAtMs` by the clock that nobody sets. */
  | ({ readonly type: 'running'; readonly begunAtMs: number } & LimitedRun)
  /**
   * The run of that job has ended. `isLate`: after its limit, so that a kill may be on its way; it waits for the pardon. Said twice where the
   * run ended in time, and the process stood still before it could say so.
   */
  | { readonly type: 'ended'; readonly id: string; readonly isLate: boolean }
  /** It ends now because of code of this job, which runs there: an error that nobody caught, or `process.exit()`. */
  | { readonly type: 'blamed'; readonly id: string }
  /** What its processes print from now on is this job's, and so is what was read since its run began without a word of whose it was. */
  | ({ readonly type: 'prints' } & PrintingJob)
  /** The run of that job has ended; it waits for the answer. */
  | { readonly type: 'printed' }
  /** What a job of it prints is not kept. */
  | { readonly type: 'unlogged'; readonly id: string; readonly reason: string }
  /** It knows no task of that name, and has parked the job. */
  | ({ readonly type: 'parked' } & ParkedNews)
  /** One of its jobs has failed for good. */
  | { readonly type: 'failed' }
  /** These runs have ended, and are settled; told where the worker counts them. */
  | { readonly type: 'ran'; readonly runs: readonly RanJob[] }
  /** What it has counted since it told last. */
  | { readonly type: 'counted'; readonly figures: Figures }
  /** It takes no further job and ends when its outcomes have arrived, because the worker's settings want it so. */
  | { readonly type: 'retiring'; readonly why: string }
  /** The spool cannot be used any more. */
  | { readonly type: 'unusable'; readonly message: string }
  /** Its last word: it ends in order. */
  | { readonly type: 'bye' };

/** Null for anything that is not such a message: user code shares the channel and may send its own. */
export function parseToChild(message: unknown): ToChild | null {
  if (!isRecord(message)) return null;
  const { type, word, id } = message;
  if (type === 'hint') return { type, word };
  if (type === 'pardon') return typeof id === 'string' ? { type, id } : null;
  const isKnown = ['drain', 'stop', 'heard', 'say-runs'].some((known) => known === type);
  return isKnown ? ({ type } as ToChild) : null;
}

/** Null for anything that is not such a message. */
export function parseFromChild(message: unknown): FromChild | null {
  if (!isRecord(message)) return null;
  const { type, owner, tasks, code, module, message: text, word, isLate, why, loader, id, reason, task } = message;
  if (type === 'hint') return { type, word };
  if (type === 'imported' || type === 'failed' || type === 'printed' || type === 'bye') return { type };
  if (type === 'importing' && typeof module === 'string') return { type, module };
  if (type === 'ready' && typeof owner === 'string' && Array.isArray(tasks))
    return { type, owner, tasks: tasks.filter(isFoundTask) };
  if (type === 'ran') return { type, runs: Array.isArray(message['runs']) ? message['runs'].filter(isRanJob) : [] };
  const figures = type === 'counted' ? parseFigures(message['figures']) : null;
  if (figures !== null) return { type: 'counted', figures };
  if (type === 'unloadable' && typeof code === 'string' && typeof text === 'string')
    return { type, code, message: text, ...(typeof loader === 'string' ? { loader } : {}) };
  if (type === 'prints') return toPrints(message);
  if (type === 'unlogged' && typeof id === 'string' && typeof reason === 'string') return { type, id, reason };
  if (type === 'parked' && typeof id === 'string' && typeof task === 'string' && typeof reason === 'string')
    return { type, id, task, reason };
  if (type === 'ended' && typeof id === 'string' && typeof isLate === 'boolean') return { type, id, isLate };
  if (type === 'blamed' && typeof id === 'string') return { type, id };
  if (type === 'running') return toRunning(message);
  if (type === 'retiring' && typeof why === 'string') return { type, why };
  if (type === 'unusable' && typeof text === 'string') return { type, message: text };
  const modules = message['watch:import'] ?? message['watch:require'];
  if (Array.isArray(modules)) return { type: 'loaded', modules: modules.filter((one) => typeof one === 'string') };
  return null;
}

/** The limits of those tasks that have some. */
export function limitsOf(tasks: readonly FoundTask[]): ReadonlyMap<string, QueueLimits> {
  return new Map(tasks.flatMap(({ name, limits }) => (limits === undefined ? [] : [[name, limits] as const])));
}

function toPrints({ id, attempt, begunAtMs }: Record<string, unknown>): FromChild | null {
  const isOne = typeof id === 'string' && typeof attempt === 'number' && typeof begunAtMs === 'number';
  return isOne ? { type: 'prints', id, attempt, begunAtMs } : null;
}

function toRunning(parts: Record<string, unknown>): FromChild | null {
  const { id, task, startedAtMs, limitMs, begunAtMs, defaults } = parts;
  if (typeof id !== 'string' || typeof task !== 'string') return null;
  if (typeof startedAtMs !== 'number' || typeof limitMs !== 'number' || typeof begunAtMs !== 'number') return null;
  return { type: 'running', begunAtMs, id, task, startedAtMs, limitMs, defaults: readJobOptions(defaults) };
}

function isFoundTask(value: unknown): value is FoundTask {
  if (!isRecord(value)) return false;
  const { name, definedAt, limits, sending, spool } = value;
  if (sending !== undefined && !isRecord(sending)) return false;
  const areTexts = typeof name === 'string' && typeof definedAt === 'string' && typeof (spool ?? '') === 'string';
  return areTexts && (limits === undefined || isQueueLimits(limits));
}
