/**
 * What is wrong with a place that keeps jobs, the worst first, in one sentence: for `fsq status`, `fsq check`, and whatever shows a place.
 * From figures and limits to problems; the figures are any broker's. Pure.
 */
import type { OwnerInfo, Room } from '../../broker/broker.ts';
import { size, some, span } from '../../job/text.ts';
import { livingRunners } from './runners.ts';

export type Severity = 'warning' | 'critical';

/** Stable, for programs. */
export type ProblemCode =
  | 'restoring'
  | 'unfinished-move'
  | 'disk'
  | 'no-worker'
  | 'not-served'
  | 'age'
  | 'late'
  | 'failed'
  | 'crashes'
  | 'parked'
  | 'paused'
  | 'unknown-queue';

export interface Problem {
  readonly code: ProblemCode;
  readonly severity: Severity;
  /** Without a full stop, in lower case. */
  readonly text: string;
}

export interface Health {
  readonly status: 'ok' | Severity;
  /** That of the worst problem; null: there is none. */
  readonly code: ProblemCode | null;
  /** 'OK', or what is wrong. */
  readonly text: string;
  /** The worst first. */
  readonly problems: readonly Problem[];
}

/** Jobs of one queue that wait. */
export interface QueueBacklog {
  readonly queue: string;
  readonly jobs: number;
}

/** Figures of the queues that are looked at; of a paused one only that. */
export interface HealthFacts {
  readonly ready: number;
  /** For how long the job waits that has been ready for longest. */
  readonly ageMs: number;
  /** How long ago a job was due that is delayed still. */
  readonly lateMs: number;
  readonly failed: FailedFacts | null;
  readonly parked: number;
  /** Processes that take jobs: the children of a worker, or one without a worker. */
  readonly takers: number;
  /** Queues in which jobs are ready, and of which no worker takes any; empty where no worker runs. */
  readonly notServed: readonly QueueBacklog[];
  /** Queues that are paused and in which jobs are ready. */
  readonly paused: readonly QueueBacklog[];
  /** Jobs that run and have lost their process before. */
  readonly crashed: number;
  /** Jobs are being restored after a power cut, or wait for that. */
  readonly isRestoring: boolean;
  /** That jobs are on their way to or from another place, and nobody goes on with that; null: they are not. */
  readonly stoppedMove: string | null;
  /** Null: the broker cannot tell. */
  readonly room: Room | null;
  /** Queues that were asked for and of which nothing is known. */
  readonly unknownQueues: readonly string[];
}

export interface FailedFacts {
  /** How often a job ended as failed, those too that were sent back since then or are forgotten; with `areStill`, jobs that are failed now. */
  readonly jobs: number;
  readonly areStill?: true;
  /** Of failures that have happened: how many jobs are failed now, where that is known. */
  readonly now?: number;
  /** Within which time they failed; null: ever. */
  readonly withinMs: number | null;
  /** What most of those failed with that were looked at. */
  readonly most: { readonly task: string; readonly error: string } | null;
}

/** Null where nothing is asked. */
export interface Limits {
  readonly maxAgeMs: number | null;
  readonly maxFailed: number | null;
  readonly maxDelayMs: number | null;
  /** False where workers come and go, as by cron. */
  readonly isWorkerExpected: boolean;
  /** How bad it is that jobs are ready and no worker runs. */
  readonly noWorkerIs: Severity;
  /** How bad it is when more is the case. */
  readonly severity: Severity;
}

/** Where nobody has said what is too much. */
export const USUAL_LIMITS: Limits = {
  maxAgeMs: 60_000,
  maxFailed: 0,
  maxDelayMs: 60_000,
  isWorkerExpected: true,
  noWorkerIs: 'critical',
  severity: 'warning',
};

/** A disk is nearly full from this part on, where less than so many bytes are left; one of which the broker itself saves room is worse. */
const NEARLY_FULL = { part: 0.9, freeBytes: 5e9, freeInodes: 100_000 };
/** Of more problems the others are counted. */
const MOST_TOLD = 3;

export function healthOf(facts: HealthFacts, limits: Limits): Health {
  const found = RULES.flatMap((rule) => rule(facts, limits) ?? []);
  const problems = [
    ...found.filter(({ severity }) => severity === 'critical'),
    ...found.filter(({ severity }) => severity === 'warning'),
  ];
  const [worst = null] = problems;
  if (worst === null) return { status: 'ok', code: null, text: 'OK', problems };
  const rest = problems.length - MOST_TOLD;
  const texts = [...problems.slice(0, MOST_TOLD).map(({ text }) => text), ...(rest > 0 ? [`and ${rest} more`] : [])];
  return { status: worst.severity, code: worst.code, text: texts.join('; '), problems };
}

/** Of these backlogs those that no living worker takes jobs from; none where no worker runs. */
export function notServed(backlogs: readonly QueueBacklog[], owners: readonly OwnerInfo[]): readonly QueueBacklog[] {
  return livingRunners(owners).length === 0 ? [] : unserved(backlogs, owners);
}

/** The same; all of them where no worker runs. */
export function unserved(backlogs: readonly QueueBacklog[], owners: readonly OwnerInfo[]): readonly QueueBacklog[] {
  const runners = livingRunners(owners);
  if (runners.some(({ queues }) => queues === null)) return [];
  const served = new Set(runners.flatMap(({ queues }) => queues ?? []));
  return backlogs.filter(({ queue }) => !served.has(queue));
}

type Rule = (facts: HealthFacts, limits: Limits) => Problem | null;

/** In this order problems of one severity are told. */
const RULES: readonly Rule[] = [
  ({ ready, takers }, { isWorkerExpected, noWorkerIs }) =>
    ready > 0 && takers === 0 && isWorkerExpected
      ? {
          code: 'no-worker',
          severity: noWorkerIs,
          text: `${some(ready, 'job is', 'jobs are')} ready and no worker runs`,
        }
      : null,
  ({ isRestoring }) =>
    isRestoring ? warning('restoring', 'jobs are restored after a power cut, and may be missing here') : null,
  ({ stoppedMove }) => (stoppedMove === null ? null : warning('unfinished-move', stoppedMove)),
  ({ room }) => (room === null ? null : ofRoom(room)),
  ({ notServed }) =>
    notServed.length === 0 ? null : warning('not-served', `no worker takes ${backlogText(notServed)}`),
  ({ ageMs, takers }, { maxAgeMs, isWorkerExpected, severity }) =>
    maxAgeMs !== null && ageMs > maxAgeMs
      ? {
          code: 'age',
          severity,
          text: `the oldest ready job waits ${span(ageMs)} (at most ${span(maxAgeMs)})${takers === 0 && !isWorkerExpected ? ', and no worker runs' : ''}`,
        }
      : null,
  ({ lateMs }, { maxDelayMs, severity }) =>
    maxDelayMs !== null && lateMs > maxDelayMs
      ? { code: 'late', severity, text: `a delayed job was due ${span(lateMs)} ago (at most ${span(maxDelayMs)})` }
      : null,
  ({ failed }, { maxFailed, severity }) =>
    maxFailed !== null && failed !== null && failed.jobs > maxFailed
      ? { code: 'failed', severity, text: failedText(failed, maxFailed) }
      : null,
  ({ crashed }) =>
    crashed === 0
      ? null
      : warning('crashes', `${some(crashed, 'job that runs has', 'jobs that run have')} lost their process before`),
  ({ parked }) =>
    parked === 0 ? null : warning('parked', `${some(parked, 'job is', 'jobs are')} parked: no worker knows the task`),
  ({ paused }) =>
    paused.length === 0
      ? null
      : warning(
          'paused',
          `${paused.length === 1 ? 'a queue is' : `${paused.length} queues are`} paused: ${backlogText(paused)}`,
        ),
  ({ unknownQueues }) =>
    unknownQueues.length === 0
      ? null
      : warning(
          'unknown-queue',
          `nothing is known of queue ${unknownQueues.join(', ')}: no job, no worker, no outcome`,
        ),
];

function warning(code: ProblemCode, text: string): Problem {
  return { code, severity: 'warning', text };
}

function ofRoom({ freeBytes, totalBytes, freeInodes, totalInodes, isTight }: Room): Problem | null {
  const [bytesUsed, inodesUsed] = [usedPart(freeBytes, totalBytes), usedPart(freeInodes, totalInodes)];
  const isOfInodes = inodesUsed > bytesUsed;
  const isNearlyFull = isOfInodes
    ? inodesUsed >= NEARLY_FULL.part && freeInodes < NEARLY_FULL.freeInodes
    : bytesUsed >= NEARLY_FULL.part && freeBytes < NEARLY_FULL.freeBytes;
  if (!isTight && !isNearlyFull) return null;
  const part = `${Math.floor(100 * Math.max(bytesUsed, inodesUsed))} %`;
  const text = isOfInodes
    ? `${part} of the disk's inodes are used, ${freeInodes} are free`
    : `the disk is ${part} full, ${size(freeBytes)} are free`;
  return { code: 'disk', severity: isTight ? 'critical' : 'warning', text };
}

function usedPart(free: number, total: number): number {
  return total === 0 ? 0 : 1 - free / total;
}

function failedText({ jobs, areStill, now, withinMs, most }: FailedFacts, maxFailed: number): string {
  const within = withinMs === null ? '' : ` within ${span(withinMs)}`;
  const limit = maxFailed === 0 ? '' : ` (at most ${maxFailed})`;
  const what = most === null ? '' : `${jobs === 1 ? ': ' : ', most: '}${most.task} ${most.error}`;
  const still = now === undefined ? '' : ` (${now === 0 ? 'no job is' : some(now, 'job is', 'jobs are')} failed now)`;
  return `${areStill === true ? `${some(jobs, 'job')} failed` : some(jobs, 'failure')}${within}${still}${limit}${what}`;
}

/** '3 jobs of queue mail, 1 of slow'. */
function backlogText(backlogs: readonly QueueBacklog[]): string {
  return backlogs
    .map(({ queue, jobs }, i) => (i === 0 ? `${some(jobs, 'job')} of queue ${queue}` : `${jobs} of ${queue}`))
    .join(', ');
}
