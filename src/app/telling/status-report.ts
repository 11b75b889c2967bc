/** The document of `fsq status`: from what was found to a verdict, figures and advice. Pure. */
import { blockedText, isBlocked } from './blocked.ts';
import { isChildOf, orphansAmong, processText, unreadyText } from './standstill.ts';
import { type FailedFacts, type Health, type HealthFacts, healthOf, notServed, USUAL_LIMITS } from './health.ts';
import { livingRunners, livingTasks, livingWorkers } from './runners.ts';
import { movingAdvice, stoppedMoveText } from './on-its-way.ts';
import { isAddress } from '../../broker/broker-address.ts';
import type { Backlog, Counts, OwnerInfo, Restoring, Room, Sighting } from '../../broker/broker.ts';
import type { Restarts } from '../../broker/common/restarts.ts';
import type { UnfinishedMove } from '../../broker/moving.ts';
import { RINGS, slotsUpTo, totalOfSlots } from '../../broker/figures/history.ts';
import type { Statistics } from '../../broker/statistics.ts';
import { format, some, span, suggest } from '../../job/text.ts';

const HOUR_MS = 3_600_000;

/** What was found. */
export interface StatusFacts {
  /** A path, or an address. */
  readonly place: string;
  readonly nowMs: number;
  readonly restoring: Restoring | null;
  readonly counts: Counts;
  readonly backlog: Backlog;
  /** How long the job waits that has been ready for longest, ms; 0 where none is ready. */
  readonly longestWaitMs: number;
  readonly statistics: Statistics;
  readonly failed: FailedFacts;
  readonly room: Room | null;
  /** Null: no job is on its way to or from another place. */
  readonly move: UnfinishedMove | null;
  readonly owners: readonly OwnerInfo[];
  readonly paused: readonly string[];
  /** The running jobs that were looked at. */
  readonly running: readonly Sighting[];
  /** The delayed jobs that were read, the first due ones first: all that may be parked. */
  readonly delayed: readonly Sighting[];
  /** Ready jobs that are parked still. */
  readonly parkedReady: readonly Sighting[];
  /** False when there are more of them than were read. */
  readonly isAllRead: boolean;
}

/** The document of `fsq status --json`. */
export interface StatusReport {
  readonly verdict: Health;
  /** Its path; null where a server keeps the jobs. */
  readonly spool: string | null;
  /** The address of that server, without its password; null of a spool. */
  readonly broker: string | null;
  /** Jobs are restored after a power cut, or wait for that: until then some may be missing here. Null, nearly always. */
  readonly restoring: Restoring | null;
  readonly jobs: Counts;
  /** Jobs on their way to or from another place: they are counted as delayed. Null: there are none. */
  readonly moving: Moving | null;
  readonly queues: Readonly<Record<string, number>>;
  /** Queues of which no job is begun. */
  readonly paused: readonly string[];
  /** When the oldest ready job was enqueued, Unix ms. */
  readonly oldestPendingAtMs: number | null;
  /** How long the job waits that has been ready for longest, ms; null when none is ready. Those of paused queues are left out. */
  readonly longestWaitMs: number | null;
  /** When the running job was claimed that runs longest, Unix ms. */
  readonly oldestRunningAtMs: number | null;
  /** Jobs that ended within the last minute, as workers have counted them; null: no worker has counted any. */
  readonly lastMinute: { readonly ended: number; readonly failed: number } | null;
  /** Jobs that failed, as workers have counted them, those too whose outcome is forgotten or that were sent back; null: none has counted any. */
  readonly failures: Failures | null;
  readonly workers: readonly WorkerStatus[];
  readonly tasks: readonly string[];
  /** Numbers of the children that live on without their worker, until the jobs at hand are done. */
  readonly orphans: readonly number[];
  /** Processes that are dead, or of which it cannot be told. */
  readonly lost: readonly Pick<OwnerInfo, 'owner' | 'pid' | 'host' | 'role' | 'verdict'>[];
  readonly parked: readonly ParkedStatus[];
  /** False when there are too many delayed jobs to read each of them: `parked` is then of the first ones only. */
  readonly isParkedComplete: boolean;
  readonly foreign: readonly string[];
  /** What is wrong and what to do about it, one sentence or two each. */
  readonly advice: readonly string[];
}

interface Moving extends Pick<UnfinishedMove, 'from' | 'to' | 'isGoing'> {
  readonly jobs: number;
}

interface Failures {
  readonly lastHour: number;
  readonly lastDay: number;
  readonly ever: number;
  /** Since when it is counted, Unix ms. */
  readonly sinceMs: number;
}

/** A worker, or a process that runs jobs without one. */
export type WorkerStatus = Pick<OwnerInfo, 'pid' | 'host' | 'startedAtMs' | 'queues'> & {
  readonly children: readonly number[];
  /** Jobs at once in each child. */
  readonly slots: number;
  /** Its children that died, or were killed, and were replaced; null: it does not say. */
  readonly restarts: Restarts | null;
};

/** Jobs that wait for a worker that knows their task. */
interface ParkedStatus {
  readonly task: string;
  readonly jobs: number;
  readonly didYouMean: string | null;
}

export function reportOf(found: StatusFacts): StatusReport {
  const { place, restoring, counts, backlog, owners, paused, running, move, isAllRead } = found;
  const tasks = livingTasks(owners);
  const isAnyGoing = Object.entries(backlog.queues).some(([queue, jobs]) => jobs > 0 && !paused.includes(queue));
  const startsMs = running.flatMap(({ startedAtMs }) => startedAtMs ?? []);
  const facts = {
    spool: isAddress(place) ? null : place,
    broker: isAddress(place) ? place : null,
    restoring,
    jobs: counts,
    moving: move === null ? null : { from: move.from, to: move.to, isGoing: move.isGoing, jobs: move.ids.length },
    queues: backlog.queues,
    paused,
    oldestPendingAtMs: backlog.oldestAtMs,
    longestWaitMs: isAnyGoing ? found.longestWaitMs : null,
    oldestRunningAtMs: startsMs.length === 0 ? null : Math.min(...startsMs),
    lastMinute: lastMinute(found),
    failures: failuresOf(found),
    workers: workersOf(owners),
    tasks,
    orphans: orphansAmong(owners).map(({ pid }) => pid),
    lost: owners
      .filter(({ verdict }) => verdict !== 'alive')
      .map(({ owner, pid, host, role, verdict }) => ({
        owner,
        pid,
        ...(host === undefined ? {} : { host }),
        role,
        verdict,
      })),
    parked: parkedOf([...found.delayed, ...found.parkedReady], tasks),
    isParkedComplete: isAllRead,
    foreign: backlog.foreign,
  };
  const orphans = new Set(orphansAmong(owners).map(({ owner }) => owner));
  const goingOn = running.filter(({ owner }) => owner !== null && orphans.has(owner)).length;
  const verdict = healthOf(healthFacts(found, facts.parked), USUAL_LIMITS);
  return { verdict, ...facts, advice: adviceFor(facts, found, goingOn) };
}

function healthFacts(found: StatusFacts, parked: readonly ParkedStatus[]): HealthFacts {
  const { nowMs, backlog, owners, paused, running, delayed, restoring, room, failed, move } = found;
  const queues = Object.entries(backlog.queues).map(([queue, jobs]) => ({ queue, jobs }));
  const going = queues.filter(({ queue }) => !paused.includes(queue));
  const onTheWay = new Set(move?.ids);
  const isLate = ({ id, dueAtMs, standing }: Sighting): boolean =>
    dueAtMs !== null && !onTheWay.has(id) && !paused.includes(standing.queue);
  return {
    ready: going.reduce((sum, { jobs }) => sum + jobs, 0),
    ageMs: found.longestWaitMs,
    lateMs: Math.max(0, nowMs - (delayed.find(isLate)?.dueAtMs ?? nowMs)),
    failed,
    parked: parked.reduce((sum, { jobs }) => sum + jobs, 0),
    takers: livingRunners(owners).length,
    notServed: notServed(going, owners),
    paused: queues.filter(({ queue }) => paused.includes(queue)),
    crashed: running.filter(({ standing }) => standing.crashes > 0).length,
    isRestoring: restoring !== null,
    stoppedMove: stoppedMoveText(move),
    room,
    unknownQueues: [],
  };
}

/** The minute that has passed, without the second that goes on: of that not all is counted. */
function lastMinute({ statistics: { sinceMs, history }, nowMs }: StatusFacts): StatusReport['lastMinute'] {
  if (sinceMs === null) return null;
  const { ended, failed } = totalOfSlots(slotsUpTo(history, 'seconds', nowMs));
  return { ended, failed };
}

/** The verdict may know of some that no worker lived to count: each longer time has at least as many. */
function failuresOf({ statistics: { sinceMs, history, tasks }, nowMs, failed }: StatusFacts): Failures | null {
  if (sinceMs === null) return null;
  const slots = slotsUpTo(history, 'fiveMinutes', nowMs);
  const lastHour = Math.max(failed.jobs, totalOfSlots(slots.slice(-HOUR_MS / RINGS.fiveMinutes.everyMs)).failed);
  const lastDay = Math.max(lastHour, totalOfSlots(slots).failed);
  const counted = tasks.reduce((sum, { ended }) => sum + ended.failed, 0);
  return { lastHour, lastDay, ever: Math.max(lastDay, counted), sinceMs };
}

function workersOf(owners: readonly OwnerInfo[]): readonly WorkerStatus[] {
  const living = owners.filter(({ verdict }) => verdict === 'alive');
  return livingWorkers(owners).map((worker) => {
    const { pid, host, startedAtMs, queues, restarts = null } = worker;
    const children = living.filter((one) => isChildOf(one, worker));
    const slots = Math.max(worker.slots, ...children.map((child) => child.slots));
    const where = host === undefined ? {} : { host };
    return { pid, ...where, startedAtMs, queues, children: children.map((child) => child.pid), slots, restarts };
  });
}

function parkedOf(waiting: readonly Sighting[], tasks: readonly string[]): readonly ParkedStatus[] {
  const jobs = new Map<string, number>();
  for (const { record } of waiting) {
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
  report: Omit<StatusReport, 'advice' | 'verdict'>,
  { owners, move, place }: StatusFacts,
  goingOn: number,
): readonly string[] {
  const { jobs, restoring, orphans, lost, parked, tasks, foreign, spool } = report;
  const hasWorker = livingRunners(owners).length > 0;
  const dead = lost.filter(({ verdict }) => verdict === 'dead').length;
  const unproved = lost.filter(({ verdict }) => verdict === 'unknown').map(({ owner }) => owner);
  const isOneOrphan = orphans.length === 1;
  return [
    restoring === null ? null : restoringAdvice(restoring),
    movingAdvice(move, place),
    hasWorker
      ? null
      : workerAdvice(
          owners,
          Math.max(0, jobs.pending + jobs.delayed + jobs.running - goingOn - (move?.ids.length ?? 0)),
        ),
    dead === 0
      ? null
      : `${some(dead, 'process', 'processes')} died; ${hasWorker ? 'a worker is recovering' : 'the next worker recovers'} what they held.`,
    orphans.length === 0
      ? null
      : `${some(orphans.length, 'child', 'children')} of a worker that died (pid ${orphansAmong(owners).map(processText).join(', ')}) ${isOneOrphan ? 'finishes' : 'finish'} the jobs at hand and ${isOneOrphan ? 'takes' : 'take'} no more.`,
    ...owners.filter(isBlocked).map(blockedText),
    unproved.length === 0
      ? null
      : `It cannot be told whether ${unproved.join(', ')} ${unproved.length === 1 ? 'lives' : 'live'}; the jobs stay there until it is certain.`,
    ...parked.map((entry) => parkedAdvice(entry, tasks)),
    ...pausedAdvice(report),
    ...unservedAdvice(report, owners),
    foreign.length === 0
      ? null
      : `${spool}/pending holds what is not named like a job and never runs: ${foreign.slice(0, 5).map(format).join(', ')}${foreign.length > 5 ? ', …' : ''}.`,
    jobs.corrupt === undefined || jobs.corrupt === 0
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
  const backlogs = Object.entries(queues).map(([queue, jobs]) => ({ queue, jobs }));
  return notServed(backlogs, owners).map(
    ({ queue, jobs }) =>
      `No running worker takes jobs of queue ${queue}, where ${some(jobs, 'job')} ${jobs === 1 ? 'waits' : 'wait'}: \`fsq worker -Q ${queue}\`.`,
  );
}
