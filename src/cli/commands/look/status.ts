/** `fsq status`: what waits, what runs, what is wrong and what to do about it. */
import { isChildOf, orphansAmong, unreadyText } from '../../../app/telling/standstill.ts';
import type { Backlog, Broker, Counts, OwnerInfo, Restoring, Sighting } from '../../../broker/broker.ts';
import { escape, format, some, span, suggest } from '../../../job/text.ts';
import { type Command, type Context, spoolOption, withSpoolOption } from '../../command.ts';
import { fieldLines } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { livingRunners, livingTasks } from '../../../app/telling/runners.ts';
import { withSpool } from '../../lookup.ts';

/** How many delayed jobs are read to find parked ones, and running ones for their start: a listing of names tells the rest. */
const MAX_READ = 1_000;

/** More children than this are counted, not listed. */
const MAX_PIDS = 8;

export const status: Command = {
  name: 'status',
  summary: 'what waits, what runs, what is wrong and what to do about it',
  usage: 'fsq status [options]',
  examples: [
    ['fsq status', 'of the spool of this project'],
    ['fsq status --spool /var/spool/shop', 'of another one'],
    ['fsq status --json', 'for programs: jobs, queues, workers, tasks, parked, advice …'],
  ],
  options: { json: { type: 'boolean', help: 'print one JSON document' } },
  notes: ['Exits 0 also when something is wrong; `advice` of --json is empty when nothing is.'],
  run: runStatus,
};

function runStatus(context: Context): Promise<number> {
  const look = async (broker: Broker): Promise<number> => {
    const restoring = await broker.restoring();
    const backlog = await broker.backlog();
    const [counts, owners, paused, delayed, running] = await Promise.all([
      broker.counts(backlog),
      broker.owners(),
      broker.paused(),
      broker.list(['delayed'], MAX_READ),
      broker.list(['running'], MAX_READ),
    ]);
    const found = reportOf({
      spool: broker.place,
      restoring,
      counts,
      backlog,
      owners,
      paused,
      delayed,
      running,
      isAllRead: delayed.length < MAX_READ,
    });
    const option = spoolOption(context.values);
    const report = { ...found, advice: found.advice.map((text) => withSpoolOption(text, option)) };
    context.print(report, () => statusText(report, Date.now()));
    return EXIT.good;
  };
  return withSpool(context, look, { looksAtOnce: true });
}

/** What was found. */
export interface StatusFacts {
  readonly spool: string;
  readonly restoring: Restoring | null;
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

/** The document of `fsq status --json`. */
interface StatusReport {
  readonly spool: string;
  /** Jobs are restored after a power cut, or wait for that: until then some may be missing here. Null, nearly always. */
  readonly restoring: Restoring | null;
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

/** A worker, or a process that runs jobs without one. */
type WorkerStatus = Pick<OwnerInfo, 'pid' | 'startedAtMs' | 'queues'> & {
  readonly children: readonly number[];
  /** Jobs at once in each child. */
  readonly slots: number;
};

/** Jobs that wait for a worker that knows their task. */
interface ParkedStatus {
  readonly task: string;
  readonly jobs: number;
  readonly didYouMean: string | null;
}

export function reportOf({
  spool,
  restoring,
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
    restoring,
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
  const orphans = new Set(orphansAmong(owners).map(({ owner }) => owner));
  const goingOn = running.filter(({ owner }) => owner !== null && orphans.has(owner)).length;
  return { ...facts, advice: adviceFor(facts, owners, goingOn) };
}

function workersOf(owners: readonly OwnerInfo[]): readonly WorkerStatus[] {
  const living = owners.filter(({ verdict }) => verdict === 'alive');
  const supervisors = living.filter(({ role }) => role === 'supervisor');
  const alone = livingRunners(owners).filter(
    (runner) => !supervisors.some((supervisor) => isChildOf(runner, supervisor)),
  );
  return [...supervisors, ...alone].map((worker) => {
    const { pid, startedAtMs, queues } = worker;
    const children = living.filter((one) => isChildOf(one, worker));
    const slots = Math.max(worker.slots, ...children.map((child) => child.slots));
    return { pid, startedAtMs, queues, children: children.map((child) => child.pid), slots };
  });
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

/** @param goingOn jobs that run in children whose worker is gone: they wait for no other */
function adviceFor(
  report: Omit<StatusReport, 'advice'>,
  owners: readonly OwnerInfo[],
  goingOn: number,
): readonly string[] {
  const { jobs, restoring, orphans, lost, parked, tasks, foreign, spool } = report;
  const hasWorker = livingRunners(owners).length > 0;
  const dead = lost.filter(({ verdict }) => verdict === 'dead').length;
  const unproved = lost.filter(({ verdict }) => verdict === 'unknown').map(({ owner }) => owner);
  const isOneOrphan = orphans.length === 1;
  return [
    restoring === null ? null : restoringAdvice(restoring),
    hasWorker ? null : workerAdvice(owners, jobs.pending + jobs.delayed + jobs.running - goingOn),
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
      : `${spool}/corrupt holds ${some(jobs.corrupt, 'file')} that could not be read. A job's has a failed result that says why; \`fsq doctor\` tells of others.`,
  ].filter((advice) => advice !== null);
}

function restoringAdvice({ segments, pid, sinceMs }: Restoring): string {
  const journal = `${some(segments, 'segment')} of the journal of an earlier boot`;
  return pid === null || sinceMs === null
    ? `${journal} ${segments === 1 ? 'waits' : 'wait'} to be replayed: the next worker, or program that sends jobs, does it first. Until then jobs may be missing above.`
    : `${journal} ${segments === 1 ? 'is' : 'are'} being replayed, by process ${pid} since ${span(Math.max(0, Date.now() - sinceMs))}. No job begins before that, and some may be missing above.`;
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

/** The report for people. */
export function statusText(report: StatusReport, nowMs: number): string {
  const { jobs, oldestPendingAtMs, oldestRunningAtMs, queues, paused, workers, tasks, advice } = report;
  const ages: Readonly<Record<string, string>> = {
    ...(oldestPendingAtMs === null ? {} : { pending: `   the oldest was sent ${span(nowMs - oldestPendingAtMs)} ago` }),
    ...(oldestRunningAtMs === null ? {} : { running: `   the oldest began ${span(nowMs - oldestRunningAtMs)} ago` }),
  };
  const names = Object.keys(queues);
  const isOneQueue = names.length <= 1 && (names[0] ?? 'default') === 'default';
  const width = String(Math.max(...Object.values(jobs))).length;
  const workerTexts = workers.length === 0 ? ['none'] : workers.map((worker) => workerText(worker, nowMs));
  const lines = [
    ...fieldLines([['spool', report.spool]]),
    '',
    ...fieldLines([
      ...Object.entries(jobs).map(
        ([state, count]) => [state, `${String(count).padStart(width)}${ages[state] ?? ''}`] as const,
      ),
      ['queues', isOneQueue ? null : names.map((name) => `${name} ${queues[name]}`).join(', ')],
      ['paused', paused.length === 0 ? null : paused.join(', ')],
    ]),
    '',
    ...fieldLines([
      ...workerTexts.map((text, i) => [i === 0 ? 'workers' : '', text] as const),
      ['tasks', tasks.length === 0 ? null : tasks.join(', ')],
      ['parked', report.isParkedComplete ? null : 'only the first delayed jobs were read to find parked ones'],
    ]),
    ...(advice.length === 0 ? [] : ['', ...advice.map((text) => `! ${escape(text)}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

function workerText({ pid, startedAtMs, queues, children, slots }: WorkerStatus, nowMs: number): string {
  const pids = children.length <= MAX_PIDS ? ` (${children.join(', ')})` : '';
  const staff = children.length === 0 ? '' : `, ${some(children.length, 'child', 'children')}${pids}`;
  const each = slots === 1 ? '' : `, ${slots} slots in each`;
  return `pid ${pid}${staff}${each}, ${queues === null ? 'all queues' : `queues ${queues.join(', ')}`}, up ${span(nowMs - startedAtMs)}`;
}
