/** What is measured of a spool: gathered here, told by metrics-of.ts. Reads names, statistics, and a few jobs. */
import { livingRunners } from '../../../app/telling/runners.ts';
import { waitsSinceMs } from '../../../app/telling/health-facts.ts';
import type { ReadSchedule } from '../../../app/schedules/read-schedules.ts';
import type { Broker, OwnerInfo, Unended } from '../../../broker/broker.ts';
import { OTHERS, type Statistics } from '../../../broker/statistics.ts';
import { DEFAULT_QUEUE, idTimeMs, isTimed } from '../../../job/names.ts';
import { nodeFiles } from '../../../spool/disk/files.ts';

/** So many running jobs are looked at for the one that runs longest, and so many of a queue for the one that waits longest. */
const MOST_READ = 1_000;

/** What waits and runs in one queue. */
export interface QueueFacts {
  readonly queue: string;
  readonly pending: number;
  readonly delayed: number;
  readonly running: number;
  /** How long the job waits that has been ready for longest, ms; 0 when none is. */
  readonly latencyMs: number;
  readonly isPaused: boolean;
}

export interface MetricFacts {
  readonly version: string;
  readonly statistics: Statistics;
  /** Sorted; also those without jobs that are known of. */
  readonly queues: readonly QueueFacts[];
  /** 0 when nothing runs. */
  readonly longestRunMs: number;
  readonly workers: number;
  readonly slots: { readonly busy: number; readonly idle: number };
  /** How long the instant is over that a schedule should have sent next, ms; 0 when none is. Paused ones are left out. */
  readonly schedules: readonly { readonly schedule: string; readonly lateMs: number }[];
  /** Of the file system; null where it does not tell. */
  readonly room: { readonly usedBytes: number; readonly freeBytes: number; readonly freeInodes: number } | null;
}

interface Asked {
  readonly version: string;
  readonly schedules: readonly ReadSchedule[];
}

/** @throws SpoolError */
export async function gatherFacts(broker: Broker, { version, schedules }: Asked): Promise<MetricFacts> {
  const [statistics, owners, paused] = [await broker.statistics(), await broker.owners(), await broker.paused()];
  const jobs = await broker.unended();
  const nowMs = Date.now();
  const running = await broker.list(['running'], MOST_READ);
  const starts = running.flatMap(({ startedAtMs }) => startedAtMs ?? []);
  return {
    version,
    statistics,
    queues: await queuesIn(broker, jobs, [...queuesOf(statistics, owners), ...paused], new Set(paused), nowMs),
    longestRunMs: starts.reduce((longest, startedAtMs) => Math.max(longest, nowMs - startedAtMs), 0),
    workers: owners.filter(({ role, verdict }) => role === 'supervisor' && verdict === 'alive').length,
    slots: slotsOf(livingRunners(owners), jobs),
    schedules: await lateSchedules(broker, schedules, nowMs),
    room: roomOf(broker.place),
  };
}

/** Queues that had jobs, or whose jobs a worker takes: their gauges stay when they are empty. */
function queuesOf({ tasks }: Statistics, owners: readonly OwnerInfo[]): readonly string[] {
  const counted = tasks.flatMap(({ queue }) => (queue === OTHERS ? [] : [queue]));
  return [DEFAULT_QUEUE, ...counted, ...owners.flatMap(({ queues }) => queues ?? [])];
}

async function queuesIn(
  broker: Broker,
  jobs: readonly Unended[],
  known: readonly string[],
  paused: ReadonlySet<string>,
  nowMs: number,
): Promise<readonly QueueFacts[]> {
  const byQueue = new Map<string, Record<Unended['state'], string[]>>();
  for (const queue of known) byQueue.set(queue, { pending: [], delayed: [], running: [] });
  for (const { queue, state, id } of jobs) {
    const ids = byQueue.get(queue) ?? { pending: [], delayed: [], running: [] };
    byQueue.set(queue, ids);
    ids[state].push(id);
  }
  const found: QueueFacts[] = [];
  for (const [queue, { pending, delayed, running }] of [...byQueue].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const counts = { pending: pending.length, delayed: delayed.length, running: running.length };
    const latencyMs = await latencyOf(broker, pending, nowMs);
    found.push({ queue, ...counts, latencyMs, isPaused: paused.has(queue) });
  }
  return found;
}

/** How long the job waits that has been ready for longest, ms. Those that were sent first are read; one that was delayed is younger than its id. */
async function latencyOf(broker: Broker, ids: readonly string[], nowMs: number): Promise<number> {
  let sinceMs = nowMs;
  for (const id of ids.filter(isTimed).toSorted().slice(0, MOST_READ)) {
    // All others were sent later, and so cannot be older.
    if (idTimeMs(id) >= sinceMs) break;
    const job = await broker.find(id);
    if (job?.state === 'pending') sinceMs = Math.min(sinceMs, await waitsSinceMs(broker, job));
  }
  return Math.max(0, nowMs - sinceMs);
}

/** A child may hold jobs beyond its slots, whose outcomes are on their way to the disk. */
function slotsOf(runners: readonly OwnerInfo[], jobs: readonly Unended[]): MetricFacts['slots'] {
  const held = new Map<string, number>();
  for (const { owner } of jobs) if (owner !== null) held.set(owner, (held.get(owner) ?? 0) + 1);
  let [busy, all] = [0, 0];
  for (const { owner, slots } of runners) {
    busy += Math.min(slots, held.get(owner) ?? 0);
    all += slots;
  }
  return { busy, idle: all - busy };
}

async function lateSchedules(
  broker: Broker,
  schedules: readonly ReadSchedule[],
  nowMs: number,
): Promise<MetricFacts['schedules']> {
  if (schedules.length === 0) return [];
  const records = new Map((await broker.schedules.list()).map((record) => [record.name, record]));
  return schedules.flatMap(({ name, firing }) => {
    const { doneMs = null, isPaused = false } = records.get(name) ?? {};
    if (isPaused) return [];
    const next = doneMs === null ? null : firing.times.next(doneMs);
    return [{ schedule: name, lateMs: next === null ? 0 : Math.max(0, nowMs - next) }];
  });
}

function roomOf(place: string): MetricFacts['room'] {
  try {
    const { totalBytes, freeBytes, freeInodes } = nodeFiles.fileSystem(place);
    return { usedBytes: Math.max(0, totalBytes - freeBytes), freeBytes, freeInodes };
  } catch {
    return null; // Some sandboxes have no statfs.
  }
}
