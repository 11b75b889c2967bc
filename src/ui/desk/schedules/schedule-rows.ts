/** The schedules of the configuration and of the store: when each fires, what its last runs came to. Pure. */
import type { ReadSchedule } from '../../../app/schedules/read-schedules.ts';
import type { ScheduleRecord } from '../../../broker/schedules.ts';
import type { ScheduleRow } from '../../wire.ts';
import type { IndexRow } from '../index/index-row.ts';
import type { JobIndex } from '../index/job-index.ts';
import { scheduleWords } from './schedule-words.ts';

/** Instants to come, and runs that are over, which are told of one schedule. */
const MOST_NEXT = 5;
const MOST_RUNS = 30;

/** Those of the configuration first, as it has them. */
export function scheduleRows(
  schedules: readonly ReadSchedule[],
  records: readonly ScheduleRecord[],
  index: JobIndex,
  nowMs: number,
): readonly ScheduleRow[] {
  const runs = runsBySchedule(index);
  const kept = new Map(records.map((record) => [record.name, record]));
  const named = new Set(schedules.map(({ name }) => name));
  const others = records.filter(({ name }) => !named.has(name));
  const row = (name: string, schedule: ReadSchedule | null): ScheduleRow => {
    const record = kept.get(name) ?? null;
    return {
      name,
      task: schedule?.task ?? null,
      pattern: schedule?.firing.patternText ?? record?.pattern ?? null,
      words: schedule === null ? null : scheduleWords(schedule.pattern),
      next: schedule === null || record?.isPaused === true ? [] : nextInstants(schedule, record, nowMs),
      last: lastOf(record, runs.get(name)?.at(-1) ?? null, index),
      runs: runs.get(name) ?? [],
      isPaused: record?.isPaused ?? false,
    };
  };
  return [...schedules.map((schedule) => row(schedule.name, schedule)), ...others.map(({ name }) => row(name, null))];
}

/** Also one that somebody has sent besides: of that the store keeps nothing but its job. */
function lastOf(
  record: ScheduleRecord | null,
  run: ScheduleRow['runs'][number] | null,
  index: JobIndex,
): ScheduleRow['last'] {
  const last = record?.last ?? null;
  if (run !== null && (last === null || run.atMs > last.atMs) && run.id !== last?.id)
    return { atMs: run.atMs, id: run.id, state: run.state };
  return last === null ? null : { ...last, state: index.get(last.id)?.state ?? null };
}

/** What was done may lie a little ahead: somebody has set the clock back. */
function nextInstants({ firing }: ReadSchedule, record: ScheduleRecord | null, nowMs: number): readonly number[] {
  const next: number[] = [];
  let at: number | null = Math.max(nowMs, record?.doneMs ?? 0);
  while (next.length < MOST_NEXT) {
    at = firing.times.next(at);
    if (at === null) break;
    next.push(at);
  }
  return next;
}

/** The latest of each schedule, the earliest first. */
function runsBySchedule(index: JobIndex): ReadonlyMap<string, ScheduleRow['runs']> {
  const runs = new Map<string, IndexRow[]>();
  for (const row of index.rows()) {
    if (row.schedule === null) continue;
    const known = runs.get(row.schedule);
    if (known === undefined) runs.set(row.schedule, [row]);
    else known.push(row);
  }
  return new Map(
    [...runs].map(([name, rows]) => [
      name,
      rows
        .toSorted((a, b) => (a.order < b.order ? -1 : 1))
        .slice(-MOST_RUNS)
        .map(({ id, state, tookMs, sentAtMs }) => ({ id, state, ranMs: tookMs, atMs: sentAtMs ?? 0 })),
    ]),
  );
}
