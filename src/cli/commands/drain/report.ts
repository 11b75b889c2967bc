/** What a drain came to: the facts that every summary is made of, and the exit code that follows from them. Pure. */
import type { Failure } from '../../../job/errors.ts';
import type { LogLine } from '../../../job/values/log-lines.ts';
import type { ShutdownSignal } from '../../../worker/crew.ts';
import { EXIT } from '../../exit.ts';
import { isTrouble, type Stuck } from './left.ts';
import type { EndedJob, TaskCounts } from './tally.ts';

/** Where a task is registered. */
export interface Place {
  /** Absolute path, or a URL. */
  readonly file: string;
  readonly line: number;
}

/** A job that ended in any way but well. */
export interface Trouble extends EndedJob {
  /** Null where its outcome was not there any more. */
  readonly error: Failure | null;
  /** The end of what its runs printed. */
  readonly output: readonly LogLine[];
}

export interface RunReport {
  readonly spool: string;
  readonly startedAtMs: number;
  readonly tookMs: number;
  readonly tasks: readonly TaskCounts[];
  /** Runs that failed, and after which the job ran again, or will. */
  readonly retries: number;
  /** Those that did not end well, in the order in which they ended. */
  readonly troubles: readonly Trouble[];
  /** Those that ended well; only where a reporter names each of them. */
  readonly good: readonly EndedJob[];
  /** What stayed behind. */
  readonly stuck: readonly Stuck[];
  /** Jobs that were waited for, and are not done. */
  readonly unfinished: number;
  readonly places: ReadonlyMap<string, Place>;
  readonly end: RunEnd;
  readonly exitCode: number;
}

/** Why a drain ended. `failed-fast`: --fail-fast ended it; `problem`: the worker could not go on. */
export type RunEnd =
  | { readonly kind: 'done' | 'timeout' | 'failed-fast' }
  | { readonly kind: 'signal'; readonly signal: ShutdownSignal }
  | { readonly kind: 'problem'; readonly exitCode: number };

const SIGNALS: Readonly<Record<ShutdownSignal, number>> = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 };

/** What decides about the exit code. */
export interface RunFacts extends Pick<RunReport, 'tasks' | 'stuck' | 'end'> {
  /** The worker says that a job failed for good. */
  readonly hasFailedJob: boolean;
}

/** Why it ended comes before what became of the jobs; then the worst of them. */
export function exitCodeOf({ tasks, stuck, end, hasFailedJob }: RunFacts): number {
  if (end.kind === 'problem') return end.exitCode;
  if (end.kind === 'signal') return SIGNALS[end.signal];
  if (end.kind === 'timeout') return EXIT.timedOut;
  const isRetrying = stuck.some(({ reason }) => reason === 'retrying');
  if (hasFailedJob || isRetrying || sum(tasks, 'failed') > 0) return EXIT.jobFailed;
  if (stuck.some(isTrouble)) return EXIT.unknown;
  return sum(tasks, 'revoked') + sum(tasks, 'expired') > 0 ? EXIT.notRun : EXIT.good;
}

/** Of all tasks. */
export function sum(tasks: readonly TaskCounts[], what: Exclude<keyof TaskCounts, 'task'>): number {
  return tasks.reduce((all, counts) => all + counts[what], 0);
}

/** `file:line` as a place; null for one that nobody knows. */
export function placeIn(definedAt: string): Place | null {
  const [, file = '', line = ''] = /^(.+):(\d+)$/.exec(definedAt) ?? [];
  return file === '' ? null : { file, line: Number(line) };
}
