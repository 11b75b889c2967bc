/** What is measured of a spool: gathered here, told by metrics-of.ts. Reads names, statistics, and a few jobs. */
import { livingRunners, livingWorkers } from '../../../app/telling/runners.ts';
import { readySinceMs, waitsSinceMs } from '../../../app/telling/health-facts.ts';
import type { ReadSchedule } from '../../../app/schedules/read-schedules.ts';
import { isAddress } from '../../../broker/broker-address.ts';
import type { Broker, OwnerInfo, Sighting, Unended } from '../../../broker/broker.ts';
import { OTHERS, type Statistics } from '../../../broker/statistics.ts';
import { idsAfter } from '../../../job/edges.ts';
import { DEFAULT_QUEUE, idTimeMs, isTimed } from '../../../job/names.ts';
import { nodeFiles } from '../../../spool/disk/files.ts';

/** So many running jobs are looked at for the one that runs longest, and so many ready ones for those that wait longest. */
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
  /** Of the file system; null where it does not tell, and where a server keeps the jobs. */
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
    workers: livingWorkers(owners).length,
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
  const counts = new Map<string, Record<Unended['state'], number>>();
  const countsOf = (queue: string): Record<Unended['state'], number> => {
    const found = counts.get(queue) ?? { pending: 0, delayed: 0, running: 0 };
    counts.set(queue, found);
    return found;
  };
  for (const queue of known) countsOf(queue);
  for (const { queue, state } of jobs) countsOf(queue)[state]++;
  const since = await readySince(broker, nowMs);
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([queue, states]) => {
      const latencyMs = Math.max(0, nowMs - (since.get(queue) ?? nowMs));
      return { queue, ...states, latencyMs, isPaused: paused.has(queue) };
    });
}

/** Since when the job of each queue is ready that has been so for longest, Unix ms. One look at all names, and at few jobs. */
async function readySince(broker: Broker, nowMs: number): Promise<ReadonlyMap<string, number>> {
  const since = new Map<string, number>();
  const note = (queue: string, ms: number): unknown => since.set(queue, Math.min(ms, since.get(queue) ?? nowMs));
  const followers: Sighting[] = [];
  let reads = 0;
  const isEnough = (job: Sighting): boolean => {
    if (job.record !== null && idsAfter(job.record.job.options).length > 0) followers.push(job);
    else note(job.standing.queue, readySinceMs(job));
    return ++reads >= MOST_READ;
  };
  // What was sent later than another is ready cannot have been so for longer.
  const mayBeOlder = ({ id, queue }: { readonly id: string; readonly queue: string }): boolean =>
    isTimed(id) && idTimeMs(id) < (since.get(queue) ?? nowMs);
  await broker.list(['pending'], 1, isEnough, mayBeOlder);
  for (const job of followers) note(job.standing.queue, await waitsSinceMs(broker, job));
  return since;
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
  if (isAddress(place)) return null;
  try {
    const { totalBytes, freeBytes, freeInodes } = nodeFiles.fileSystem(place);
    return { usedBytes: Math.max(0, totalBytes - freeBytes), freeBytes, freeInodes };
  } catch {
    return null; // Some sandboxes have no statfs.
  }
}
