/** What a page shows of a store at a glance: from looks at it, and from the index, to figures. Pure. */
import { livingRunners } from '../../../app/telling/runners.ts';
import { reportOf, type StatusFacts } from '../../../app/telling/status-report.ts';
import type { OwnerInfo, Sighting } from '../../../broker/broker.ts';
import { quantile } from '../../../broker/figures/histogram.ts';
import { RINGS, slotsUpTo, totalOfSlots } from '../../../broker/figures/history.ts';
import type { Statistics } from '../../../broker/statistics.ts';
import type { Activity, Quantiles, QueueSummary, Summary } from '../../wire.ts';
import type { LoopDelay } from '../../wire-workers.ts';
import type { JobIndex } from '../index/job-index.ts';
import { textAt } from '../job/job-commands.ts';
import { workerRows } from './worker-rows.ts';

/** What is cheap to know, however many jobs there are. */
export interface LiveFacts {
  readonly owners: readonly OwnerInfo[];
  readonly paused: readonly string[];
  readonly statistics: Statistics;
  readonly running: readonly Sighting[];
  readonly memory: ReadonlyMap<string, number>;
  readonly loops: ReadonlyMap<string, LoopDelay>;
}

export interface SummaryFacts {
  readonly nowMs: number;
  readonly live: LiveFacts;
  /** Of a moment ago: the dearer it is, the longer. */
  readonly status: StatusFacts;
  readonly index: JobIndex;
  /** Of each queue since when the job waits that has been ready for longest, as the index has it. */
  readonly readySinceMs: ReadonlyMap<string, number>;
}

export function summaryOf(facts: SummaryFacts): Summary {
  const { nowMs, live, status, index } = facts;
  const now = index.isComplete ? { now: index.tallies.states.failed } : {};
  const { verdict, advice } = reportOf({ ...status, failed: { ...status.failed, ...now } });
  const failures = verdict.problems.find(({ code }) => code === 'failed');
  const { owners, statistics, running, memory, loops } = live;
  return {
    atMs: nowMs,
    trouble: null,
    verdict: {
      status: verdict.status,
      text: textAt(status.place, verdict.text),
      failures: failures === undefined ? null : textAt(status.place, failures.text),
    },
    advice: advice.map((text) => textAt(status.place, text)),
    counts: countsOf(facts),
    minutes: activityOf(statistics, 'quarterMinutes', nowMs),
    day: activityOf(statistics, 'fiveMinutes', nowMs),
    queues: queuesOf(facts),
    workers: workerRows(owners, running, memory, loops),
    index: { read: index.size, isComplete: index.isComplete },
  };
}

const NO_QUANTILES = { wait: null, run: null };
const NO_COUNTS = { pending: 0, delayed: 0, parked: 0, running: 0, succeeded: 0, failed: 0, revoked: 0, expired: 0 };

/** Where nothing can be looked at. */
export function troubledSummary(trouble: string, nowMs: number): Summary {
  const none = (ring: 'quarterMinutes' | 'fiveMinutes'): Activity => {
    const { everyMs, slots } = RINGS[ring];
    const ended = Array.from({ length: slots }, () => 0);
    const fromMs = (Math.floor(nowMs / everyMs) - slots + 1) * everyMs;
    return { slotMs: everyMs, fromMs, ended, failed: ended, ...NO_QUANTILES };
  };
  return {
    atMs: nowMs,
    trouble,
    verdict: { status: 'critical', text: trouble, failures: null },
    advice: [],
    counts: NO_COUNTS,
    minutes: none('quarterMinutes'),
    day: none('fiveMinutes'),
    queues: [],
    workers: [],
    index: { read: 0, isComplete: false },
  };
}

/** Until the index is complete, names alone tell of the states that they can. */
function countsOf({ index, status: { counts } }: SummaryFacts): Summary['counts'] {
  const { states } = index.tallies;
  if (index.isComplete) return { ...states };
  const { pending, running, delayed } = counts;
  return { ...states, pending, running, delayed: Math.max(0, delayed - states.parked) };
}

function activityOf({ history }: Statistics, ring: 'quarterMinutes' | 'fiveMinutes', nowMs: number): Activity {
  const slots = slotsUpTo(history, ring, nowMs);
  const { everyMs } = RINGS[ring];
  const total = totalOfSlots(slots);
  return {
    slotMs: everyMs,
    fromMs: (slots[0]?.at ?? 0) * everyMs,
    ended: slots.map(({ ended }) => ended),
    failed: slots.map(({ failed }) => failed),
    wait: quantilesOf(total.wait),
    run: quantilesOf(total.run),
  };
}

function quantilesOf(buckets: readonly number[]): Quantiles | null {
  const [p50, p95, p99] = [quantile(buckets, 0.5), quantile(buckets, 0.95), quantile(buckets, 0.99)];
  return p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 };
}

function queuesOf({ nowMs, live, status, index, readySinceMs }: SummaryFacts): readonly QueueSummary[] {
  const { owners, paused, running } = live;
  const ready = status.backlog.queues;
  const runners = livingRunners(owners);
  const served = runners.flatMap(({ queues }) => queues ?? []);
  const takesAll = runners.some(({ queues }) => queues === null);
  const names = new Set([...index.tallies.queues, ...Object.keys(ready), ...paused, ...served]);
  return [...names].toSorted().map((name) => {
    const counts = index.tallies.of(name);
    const sinceMs = readySinceMs.get(name);
    return {
      name,
      ready: index.isComplete ? counts.pending : (ready[name] ?? 0),
      delayed: counts.delayed + counts.parked,
      running: index.isComplete ? counts.running : running.filter(({ standing }) => standing.queue === name).length,
      failed: counts.failed,
      oldestMs: sinceMs === undefined ? null : Math.max(0, nowMs - sinceMs),
      isPaused: paused.includes(name),
      isServed: takesAll || served.includes(name),
      ended: index.size === 0 && !index.isComplete ? null : index.tallies.endedByMinute(name, nowMs),
    };
  });
}
