/** A job of BullMQ as the seam shows it. Pure. */
import type { Sighting } from '../../broker/broker.ts';
import { hasOutcomeOf, unended } from '../../job/ended/again.ts';
import type { JobOptions } from '../../job/job-options.ts';
import type { JobRecord, Standing } from '../../job/job.ts';
import { endedAtMs } from '../../job/job.ts';
import { idsAfter } from '../../job/edges.ts';
import { countersOf, recordOf } from './job-data.ts';
import { ownerOf } from './tokens.ts';
import { parseProgress, parseWaits, type Progress } from '../../job/values/progress.ts';
import type { NamedRaw, RawJob } from '../store.ts';

/** A delayed job is due no earlier: it waits for others, and has no time of its own. Unix ms, as late as BullMQ can order. */
export const AFTER_OTHERS_MS = 2_190_000_000_000;

/** Until when a job that waits for others is delayed, Unix ms: one that is too late is claimed, and ends as such. */
export function afterOthersMs({ expiresAtMs = Number.POSITIVE_INFINITY }: JobOptions): number {
  return Math.min(AFTER_OTHERS_MS, expiresAtMs + 1);
}

/** Of a job that another program has delayed beyond that, nobody knows better either. */
export function waitsForOthers({ dueAtMs }: Pick<RawJob, 'dueAtMs'>, options: JobOptions = {}): boolean {
  if (dueAtMs === null) return false;
  return dueAtMs >= AFTER_OTHERS_MS || (idsAfter(options).length > 0 && dueAtMs === afterOthersMs(options));
}

/** @param place for people: where the queues are kept */
export function sightingOf(raw: RawJob, place: string): Sighting {
  const { id, queue, state, processedOn, token } = raw;
  const record = readable(raw);
  const isOver = state === 'completed' || state === 'failed';
  const isRunning = state === 'active';
  const standing = standingOf(raw, record);
  const owner = isRunning ? ownerOf(token ?? '') : null;
  const awaits = isRunning && raw.report !== null ? parseWaits(raw.report, standing.attempt) : [];
  return {
    id,
    state: stateOf(raw, record),
    standing,
    dueAtMs: state !== 'delayed' || waitsForOthers(raw, record?.job.options) ? null : raw.dueAtMs,
    owner,
    startedAtMs: isRunning ? processedOn : null,
    ...(raw.state === 'waiting' && record?.kept.readyAtMs !== undefined ? { readySinceMs: record.kept.readyAtMs } : {}),
    endedAtMs: isOver ? ((record === null ? null : endedAtMs(record)) ?? raw.finishedOn) : null,
    progress: progressOf(raw, standing),
    ...(awaits.length > 0 ? { awaits } : {}),
    ...(isRunning && token !== null && owner === null ? { isForeign: true } : {}),
    location: `${place}, queue ${queue}, job ${id}`,
    record: record === null || isOver ? record : unended(record),
  };
}

/** What fsq wrote; else what a worker of another program did, in per cent. */
function progressOf({ report, progress, processedOn }: RawJob, { attempt }: Standing): Progress | null {
  if (report !== null) return parseProgress(report);
  const share = Number(progress ?? 0) / 100;
  return share > 0 && share <= 1 ? { value: share, attempt, atMs: processedOn ?? 0 } : null;
}

function readable(raw: RawJob): JobRecord | null {
  try {
    return recordOf(raw);
  } catch {
    return null; // The claim that comes upon it fails it, and says why.
  }
}

function stateOf(raw: RawJob, record: JobRecord | null): Sighting['state'] {
  switch (raw.state) {
    case 'waiting':
      return 'pending';
    case 'active':
      return 'running';
    case 'delayed':
      return 'delayed';
    case 'completed':
      return 'succeeded';
    case 'failed':
      return record?.outcome?.state ?? 'failed';
  }
}

/** With the run that is going on; of one that has ended, as its last run was. One that ended without any run has had no attempt. */
export function standingOf(raw: NamedRaw, record: JobRecord | null): Standing {
  const { queue, priority, state, stalls } = raw;
  const before = countersOf(raw);
  // Each time that its lock ran out its process is taken for dead.
  const lost = Math.max(0, stalls - before.stalls);
  const isOver = state === 'completed' || state === 'failed';
  const attempt = isOver
    ? (record?.attempts.at(-1)?.attempt ?? 0)
    : before.attempt + lost + (state === 'active' ? 1 : 0);
  return { queue, priority: Math.min(priority, 9), attempt, crashes: before.crashes + (isOver ? 0 : lost) };
}

/** True of an active job whose run has ended, and which was not moved: its process died over that. */
export function hasEnded(record: JobRecord, { attempt }: Pick<Standing, 'attempt'>): boolean {
  return record.outcome !== null && record.outcome.state !== 'succeeded' && hasOutcomeOf(record, attempt);
}

/** Of how many jobs it waits for the end; 0: of none. */
export function predecessorsOf(record: JobRecord | null): readonly string[] {
  return record === null ? [] : idsAfter(record.job.options);
}
