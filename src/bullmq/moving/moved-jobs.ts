/** A job of BullMQ as another place is told of it, and what another place tells as a job of BullMQ. Pure. */
import type { MovedJob } from '../../broker/moving.ts';
import { unended } from '../../job/ended/again.ts';
import { endedAtMs } from '../../job/job.ts';
import { encodeTail } from '../../job/tail.ts';
import { type LogLine, logText, parseLogText } from '../../job/values/log-lines.ts';
import { parseCheckpoint } from '../beside/checkpoints.ts';
import { dataOf, recordOf, tailOf, withoutValue } from '../jobs/job-data.ts';
import { AFTER_OTHERS_MS, sightingOf, standingOf, waitsForOthers } from '../jobs/raw-sighting.ts';
import type { RawJob } from '../store.ts';
import type { ArrivingJob } from './move-store.ts';

/** A job on its way that is ready has this time, Unix ms: later than any that BullMQ can order by. */
export const READY_MS: number = AFTER_OTHERS_MS + 1;

/** What is kept beside a job. */
interface Beside {
  readonly checkpoint: string | null;
  readonly log: readonly string[];
  readonly isRevoked: boolean;
}

/** @throws CorruptJobError */
export function movedJob(raw: RawJob, beside: Beside): MovedJob {
  const record = recordOf(raw);
  const { options } = record.job;
  const hasEnded = raw.state === 'completed' || raw.state === 'failed';
  const isFollower = raw.state === 'delayed' && raw.dueAtMs !== READY_MS && waitsForOthers(raw, options);
  const isTimed = raw.state === 'delayed' && raw.dueAtMs !== READY_MS && !isFollower;
  return {
    record: hasEnded ? record : unended(record),
    standing: standingOf(raw, record),
    dueAtMs: isTimed ? raw.dueAtMs : null,
    isFollower,
    key: null, // Who has the keys adds it.
    isRevoked: beside.isRevoked,
    progress: sightingOf(raw, '').progress,
    checkpoint: parseCheckpoint(beside.checkpoint ?? ''),
    log: beside.log.map(parseLogText).filter((line): line is LogLine => line !== null),
  };
}

/** @param nowMs Unix ms: how long an outcome is kept counts from its arrival */
export function arrivingJob(moved: MovedJob, nowMs: number): ArrivingJob {
  const { record, standing, dueAtMs, isFollower } = moved;
  const { job, outcome } = record;
  const atMs = endedAtMs(record) ?? job.enqueuedAtMs;
  return {
    id: job.id,
    queue: standing.queue,
    fields: { ...jobFields(moved), ...(outcome === null ? {} : endedFields(moved, atMs)) },
    log: moved.log.map(logText),
    ended: outcome === null ? null : { atMs: nowMs, state: outcome.state === 'succeeded' ? 'completed' : 'failed' },
    dueAtMs: isFollower ? AFTER_OTHERS_MS : (dueAtMs ?? READY_MS),
  };
}

function jobFields(moved: MovedJob): Readonly<Record<string, string>> {
  const { record, standing, progress, checkpoint } = moved;
  const { job } = record;
  const priority = String(standing.priority);
  const options = { jobId: job.id, attempts: (job.options.retries ?? 0) + 1, delay: 0, priority: standing.priority };
  return {
    name: job.task,
    data: dataOf({ job }),
    opts: JSON.stringify(options),
    timestamp: String(job.enqueuedAtMs),
    delay: '0',
    priority,
    ...(hasHistory(moved) ? { fsq: tailFor(moved), ats: String(Math.max(1, standing.attempt)) } : {}),
    ...(progress === null ? {} : { fsqReport: JSON.stringify({ v: 1, ...progress }) }),
    ...(checkpoint === null ? {} : { fsqCheckpoint: JSON.stringify({ v: 1, ...checkpoint }) }),
  };
}

/** BullMQ counts claims, and the first one of a job looks for no tail. */
function hasHistory({ record: { attempts, outcome, parked, kept }, standing }: MovedJob): boolean {
  const { attempt, crashes } = standing;
  return attempts.length + attempt + crashes + (kept.again ?? 0) > 0 || outcome !== null || parked !== null;
}

function endedFields({ record: { outcome } }: MovedJob, atMs: number): Readonly<Record<string, string>> {
  if (outcome === null) return {};
  const finishedOn = String(atMs);
  if (outcome.state === 'succeeded') return { finishedOn, returnvalue: JSON.stringify(outcome.value ?? null) };
  return { finishedOn, failedReason: outcome.error.message };
}

function tailFor({ record, standing }: MovedJob): string {
  const { attempts, outcome, parked, kept } = record;
  const counters = { attempt: standing.attempt, crashes: standing.crashes, stalls: 0 };
  const again = kept.again ?? 0;
  if (outcome === null) return tailOf(counters, encodeTail(attempts, parked === null ? null : { parked }, again));
  const end = { standing, endedAtMs: kept.endedAtMs ?? null, ttlMs: kept.ttlMs };
  if (outcome.state !== 'succeeded') return tailOf(counters, encodeTail(attempts, { outcome, ...end }, again));
  const tail = encodeTail(attempts, { outcome: { state: 'succeeded', value: undefined }, ...end }, again);
  return tailOf(counters, outcome.value === undefined ? withoutValue(tail) : tail);
}
