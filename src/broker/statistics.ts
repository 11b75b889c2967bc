/**
 * What workers count of their jobs, to be added up over all workers of a store, also over those that have ended: no figure of a task
 * goes down. Every figure is late by some seconds, and what a process had not told when it was killed is missing.
 */
import { isQueueName, isTaskName } from '../job/names.ts';
import { isRecord } from '../job/values/realm.ts';
import {
  addBuckets,
  addHistogram,
  addTime,
  emptyHistogram,
  type Histogram,
  type OpenHistogram,
  parseCounts,
  parseHistogram,
} from './figures/histogram.ts';
import type { Counted, History } from './figures/history.ts';

/** How a job may come to its end. */
export const OUTCOMES = ['succeeded', 'failed', 'revoked', 'expired'] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

/** The jobs of one task in one queue. */
export interface TaskFigures {
  readonly queue: string;
  /** Or OTHERS. */
  readonly task: string;
  /** Jobs by how they ended. */
  readonly ended: Readonly<Record<OutcomeName, number>>;
  /** Runs after which the job runs again: they failed, or their process died. */
  readonly retried: number;
  /** From when a job could run until its first run began. Jobs that waited for other jobs are left out. */
  readonly wait: Histogram;
  /** Every run, however it ended. */
  readonly run: Histogram;
}

export interface Figures {
  readonly tasks: readonly TaskFigures[];
  /** Children that ended against their will, by the reason: one of CRASHES. */
  readonly crashes: Readonly<Record<string, number>>;
  /** Children that were started in the place of others. */
  readonly restarts: number;
}

/** All that was counted in a store. */
export interface Statistics extends Figures {
  /** Since when, Unix ms; null: nothing was counted yet. */
  readonly sinceMs: number | null;
  readonly history: History;
}

/**
 * Why a child ended. `signal`: it was killed, and not by its worker; `abort`: it aborted, as V8 does when it has no more memory; `exit`: it
 * exited by itself; `job`: code of a job threw an error that nobody caught, or called process.exit(); `time-limit`: its worker killed it at the
 * time limit of a job; `start`: it was never ready.
 */
export const CRASHES = ['signal', 'abort', 'exit', 'job', 'time-limit', 'start'] as const;
export type Crash = (typeof CRASHES)[number];

/** Stands for all tasks, in queues of whatever name, that are not told apart: no task and no queue has such a name. */
export const OTHERS = '(others)';
/** So many tasks, each in one queue, are told apart in one sum; those that come later are OTHERS together. */
export const MOST_TASKS = 200;

/** How one run, or a job without one, ended. */
export interface RunFigures {
  readonly queue: string;
  readonly task: string;
  readonly how: OutcomeName | 'retried';
  /** Null: it is not known, or not its first run. */
  readonly waitMs: number | null;
  /** Null: it did not run. */
  readonly runMs: number | null;
}

interface OpenTask extends TaskFigures {
  readonly ended: Record<OutcomeName, number>;
  retried: number;
  readonly wait: OpenHistogram;
  readonly run: OpenHistogram;
}

/** Figures that are counted on. */
export class Tally implements Figures {
  /** By queue, then by task. */
  readonly #byQueue = new Map<string, Map<string, OpenTask>>();
  readonly #tasks: OpenTask[] = [];
  readonly crashes: Record<string, number> = {};
  restarts = 0;

  get tasks(): readonly TaskFigures[] {
    return this.#tasks;
  }

  get isEmpty(): boolean {
    return this.#tasks.length === 0 && this.restarts === 0 && Object.keys(this.crashes).length === 0;
  }

  addRun({ queue, task, how, waitMs, runMs }: RunFigures): void {
    const sum = this.#of(queue, task);
    if (how === 'retried') sum.retried++;
    else sum.ended[how]++;
    if (waitMs !== null) addTime(sum.wait, waitMs);
    if (runMs !== null) addTime(sum.run, runMs);
  }

  addCrash(reason: string, count = 1): void {
    this.crashes[reason] = (this.crashes[reason] ?? 0) + count;
  }

  add(more: Figures): void {
    for (const { queue, task, ended, retried, wait, run } of more.tasks) {
      const sum = this.#of(queue, task);
      for (const outcome of OUTCOMES) sum.ended[outcome] += ended[outcome];
      sum.retried += retried;
      addHistogram(sum.wait, wait);
      addHistogram(sum.run, run);
    }
    for (const [reason, count] of Object.entries(more.crashes)) this.addCrash(reason, count);
    this.restarts += more.restarts;
  }

  #of(queue: string, task: string): OpenTask {
    const known = this.#byQueue.get(queue)?.get(task);
    if (known !== undefined) return known;
    const isOther = this.#tasks.length >= MOST_TASKS || !isQueueName(queue) || !isTaskName(task);
    if (isOther && (queue !== OTHERS || task !== OTHERS)) return this.#of(OTHERS, OTHERS);
    const tasks = this.#byQueue.get(queue) ?? new Map<string, OpenTask>();
    const ended = { succeeded: 0, failed: 0, revoked: 0, expired: 0 };
    const sum = { queue, task, ended, retried: 0, wait: emptyHistogram(), run: emptyHistogram() };
    this.#byQueue.set(queue, tasks.set(task, sum));
    this.#tasks.push(sum);
    return sum;
  }
}

/** What figures come to in all, for a history. */
export function countedIn({ tasks }: Figures): Counted {
  const counted = { ended: 0, failed: 0, wait: [], run: [] };
  for (const { ended, wait, run } of tasks) {
    for (const outcome of OUTCOMES) counted.ended += ended[outcome];
    counted.failed += ended.failed;
    addBuckets(counted.wait, wait.buckets);
    addBuckets(counted.run, run.buckets);
  }
  return counted;
}

/** Null for anything else: part of what a process tells another, or keeps. */
export function parseFigures(value: unknown): Figures | null {
  if (!isRecord(value)) return null;
  const { tasks, crashes } = value;
  if (!Array.isArray(tasks) || tasks.length > MOST_TASKS + 1 || !isRecord(crashes)) return null;
  const parsed = tasks.map(parseTask);
  const reasons = CRASHES.filter((reason) => crashes[reason] !== undefined);
  const [counts, more] = [parseCounts(crashes, reasons), parseCounts(value, ['restarts'])];
  if (counts === null || more === null || !parsed.every((task) => task !== null)) return null;
  return { tasks: parsed, crashes: counts, ...more };
}

function parseTask(value: unknown): TaskFigures | null {
  if (!isRecord(value)) return null;
  const { queue, task, ended } = value;
  if (typeof queue !== 'string' || typeof task !== 'string' || !isRecord(ended) || !isNamed(queue, task)) return null;
  const [outcomes, counts] = [parseCounts(ended, OUTCOMES), parseCounts(value, ['retried'])];
  const [wait, run] = [parseHistogram(value['wait']), parseHistogram(value['run'])];
  if (outcomes === null || counts === null || wait === null || run === null) return null;
  return { queue, task, ended: outcomes, ...counts, wait, run };
}

function isNamed(queue: string, task: string): boolean {
  return (queue === OTHERS && task === OTHERS) || (isQueueName(queue) && isTaskName(task));
}
