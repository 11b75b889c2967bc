/** What `fsq status` tells, worked out from what was found in the spool. Pure. */
import { unreadyText } from '../../../app/warnings.ts';
import type { Backlog, Counts, OwnerInfo, Sighting } from '../../../broker/broker.ts';
import { format, some, suggest } from '../../../job/text.ts';
import { isChildOf, livingRunners, livingTasks, orphansAmong } from '../../runners.ts';

/** What was found. */
export interface StatusFacts {
  readonly spool: string;
  readonly counts: Counts;
  readonly backlog: Backlog;
  readonly owners: readonly OwnerInfo[];
  readonly paused: readonly string[];
  /** The running jobs that were looked at. */
  readonly running: readonly Sighting[];
  /** The delayed jobs that were read. */
  readonly delayed: readonly Sighting[];
  /** False when there are more of them than were read. */
  readonly isAllRead: boolean;
}

/** A worker, or a process that runs jobs without one. */
export interface WorkerStatus {
  readonly pid: number;
  readonly startedAtMs: number;
  /** Null for all. */
  readonly queues: readonly string[] | null;
  readonly children: readonly number[];
}

/** Jobs that wait for a worker that knows their task. */
export interface ParkedStatus {
  readonly task: string;
  readonly jobs: number;
  readonly didYouMean: string | null;
}

/** The document of `fsq status --json`. */
export interface StatusReport {
  readonly spool: string;
  readonly jobs: Counts;
  readonly queues: Readonly<Record<string, number>>;
  /** Queues of which no job is begun. */
  readonly paused: readonly string[];
  /** When the oldest ready job was enqueued, Unix ms. */
  readonly oldestPendingAtMs: number | null;
  /** When the running job was claimed that runs longest, Unix ms. */
  readonly oldestRunningAtMs: number | null;
  readonly workers: readonly WorkerStatus[];
  readonly tasks: readonly string[];
  /** Numbers of the children that live on without their worker, until the jobs at hand are done. */
  readonly orphans: readonly number[];
  /** Processes that are dead, or of which it cannot be told. */
  readonly lost: readonly Pick<OwnerInfo, 'owner' | 'pid' | 'role' | 'verdict'>[];
  readonly parked: readonly ParkedStatus[];
  /** False when there are too many delayed jobs to read each of them: `parked` is then of the first ones only. */
  readonly isParkedComplete: boolean;
  readonly foreign: readonly string[];
  /** What is wrong and what to do about it, one sentence or two each. */
  readonly advice: readonly string[];
}

export function reportOf({
  spool,
  counts,
  backlog,
  owners,
  paused,
  running,
  delayed,
  isAllRead,
}: StatusFacts): StatusReport {
  const tasks = livingTasks(owners);
  const startsMs = running.flatMap(({ startedAtMs }) => startedAtMs ?? []);
  const facts = {
    spool,
    jobs: counts,
    queues: backlog.queues,
    paused,
    oldestPendingAtMs: backlog.oldestAtMs,
    oldestRunningAtMs: startsMs.length === 0 ? null : Math.min(...startsMs),
    workers: workersOf(owners),
    tasks,
    orphans: orphansAmong(owners).map(({ pid }) => pid),
    lost: owners
      .filter(({ verdict }) => verdict !== 'alive')
      .map(({ owner, pid, role, verdict }) => ({ owner, pid, role, verdict })),
    parked: parkedOf(delayed, tasks),
    isParkedComplete: isAllRead,
    foreign: backlog.foreign,
  };
  return { ...facts, advice: adviceFor(facts, owners) };
}

function workersOf(owners: readonly OwnerInfo[]): readonly WorkerStatus[] {
  const living = owners.filter(({ verdict }) => verdict === 'alive');
  const supervisors = living.filter(({ role }) => role === 'supervisor');
  const alone = livingRunners(owners).filter(
    (runner) => !supervisors.some((supervisor) => isChildOf(runner, supervisor)),
  );
  return [...supervisors, ...alone].map((worker) => ({
    pid: worker.pid,
    startedAtMs: worker.startedAtMs,
    queues: worker.queues,
    children: living.filter((owner) => isChildOf(owner, worker)).map(({ pid }) => pid),
  }));
}

function parkedOf(delayed: readonly Sighting[], tasks: readonly string[]): readonly ParkedStatus[] {
  const jobs = new Map<string, number>();
  for (const { record } of delayed) {
    if (record === null || record.parked === null) continue;
    jobs.set(record.job.task, (jobs.get(record.job.task) ?? 0) + 1);
  }
  return [...jobs].map(([task, count]) => ({
    task,
    jobs: count,
    didYouMean: tasks.includes(task) ? null : suggest(task, tasks),
  }));
}

function adviceFor(report: Omit<StatusReport, 'advice'>, owners: readonly OwnerInfo[]): readonly string[] {
  const { jobs, orphans, lost, parked, tasks, foreign, spool } = report;
  const hasWorker = livingRunners(owners).length > 0;
  const dead = lost.filter(({ verdict }) => verdict === 'dead').length;
  const unproved = lost.filter(({ verdict }) => verdict === 'unknown').map(({ owner }) => owner);
  const isOneOrphan = orphans.length === 1;
  return [
    hasWorker ? null : workerAdvice(owners, jobs.pending + jobs.delayed + jobs.running),
    dead === 0
      ? null
      : `${some(dead, 'process', 'processes')} died; ${hasWorker ? 'a worker is recovering' : 'the next worker recovers'} what they held.`,
    orphans.length === 0
      ? null
      : `${some(orphans.length, 'child', 'children')} of a worker that died (pid ${orphans.join(', ')}) ${isOneOrphan ? 'finishes' : 'finish'} the jobs at hand and ${isOneOrphan ? 'takes' : 'take'} no more.`,
    unproved.length === 0
      ? null
      : `It cannot be told whether ${unproved.join(', ')} ${unproved.length === 1 ? 'lives' : 'live'}; the jobs stay there until it is certain.`,
    ...parked.map((entry) => parkedAdvice(entry, tasks)),
    ...pausedAdvice(report),
    ...unservedAdvice(report, owners),
    foreign.length === 0
      ? null
      : `${spool}/pending holds what is not named like a job and never runs: ${foreign.slice(0, 5).map(format).join(', ')}${foreign.length > 5 ? ', …' : ''}.`,
    jobs.corrupt === 0
      ? null
      : `${spool}/corrupt holds ${some(jobs.corrupt, 'file')} that could not be read as a job; each has a failed result that says why.`,
  ].filter((advice) => advice !== null);
}

function workerAdvice(owners: readonly OwnerInfo[], waiting: number): string {
  const unready = unreadyText(owners);
  if (unready !== null) return `${unready}.`;
  const jobs = waiting === 0 ? '' : ` and ${some(waiting, 'job waits', 'jobs wait')}`;
  return `No worker is running${jobs}. \`fsq worker\` starts one.`;
}

function parkedAdvice({ task, jobs, didYouMean }: ParkedStatus, tasks: readonly string[]): string {
  const parked = `${some(jobs, 'job')} of task ${task} ${jobs === 1 ? 'is' : 'are'} parked`;
  if (tasks.includes(task)) return `${parked}; a worker that knows it runs now, and takes them within a minute.`;
  const hint = didYouMean === null ? '. Start one that does; nothing is lost.' : `; did you mean ${didYouMean}?`;
  return `${parked}: no running worker knows it${hint}`;
}

function pausedAdvice({ paused, queues }: Pick<StatusReport, 'paused' | 'queues'>): readonly string[] {
  return paused.map((queue) => {
    const count = queues[queue] ?? 0;
    const jobs = count === 0 ? '' : ` and ${some(count, 'job')} of it ${count === 1 ? 'waits' : 'wait'}`;
    return `Queue ${queue} is paused${jobs}: \`fsq resume ${queue}\`.`;
  });
}

/** Queues with ready jobs that no living worker takes jobs from. */
function unservedAdvice({ queues }: Pick<StatusReport, 'queues'>, owners: readonly OwnerInfo[]): readonly string[] {
  const runners = livingRunners(owners);
  if (runners.length === 0 || runners.some((runner) => runner.queues === null)) return [];
  const served = new Set(runners.flatMap((runner) => runner.queues ?? []));
  const unserved = Object.entries(queues).filter(([queue]) => !served.has(queue));
  return unserved.map(
    ([queue, count]) =>
      `No running worker takes jobs of queue ${queue}, where ${some(count, 'job')} ${count === 1 ? 'waits' : 'wait'}: \`fsq worker -Q ${queue}\`.`,
  );
}
