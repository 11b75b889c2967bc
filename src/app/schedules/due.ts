/** What is to be done about a schedule at a moment: decided here, from what was done before, and done by the ticker. Pure. */
import type { Times } from './cron.ts';
import { instantsBetween } from './timetable.ts';

/** What becomes of instants at which no worker ran: nothing, one job for all of them, or one for each. */
export type Missed = 'skip' | 'one' | 'all';

/** An instant that is later than this was missed, ms: a worker that is restarted within a minute misses none. */
const LATE_MS = 60_000;
/** The same for schedules that fire more than twice a minute, ms: else a restart would bring a minute's worth at once. */
const LATE_OF_FREQUENT_MS = 10_000;
const FREQUENT_MS = 30_000;
/** Jobs for missed instants at one time. */
export const MOST_MISSED = 1_000;
/** What was done may lie so far ahead of the clock, and a period of at most a day more, ms: then somebody has set the clock. */
const AHEAD_MS = 3_600_000;
const DAY_MS = 86_400_000;

export interface Firing {
  readonly times: Times;
  /** About the time from one instant to the next, ms. */
  readonly periodMs: number;
  readonly missed: Missed;
  /** As kept beside what was done. */
  readonly patternText: string;
}

/** What was done, as far as anybody knows. */
export interface Done {
  /** All instants up to this one are done, Unix ms; null: nothing is known of the schedule, it is new. */
  readonly doneMs: number | null;
  /** The pattern by which that was; null where nobody knows. */
  readonly pattern: string | null;
  readonly isPaused: boolean;
}

export interface Decision {
  /** The instants that get a job, in their order. */
  readonly send: readonly number[];
  /** Where nothing is sent, and yet all up to here counts as done; null: nothing has changed. */
  readonly passMs: number | null;
  /** Up to where all was done, which lies far ahead: the clock was set back, and from `passMs` on it counts anew. Null: it was not. */
  readonly turnedBackFromMs: number | null;
  /** Missed instants that get no job. `moreSkipped`: and others before them. */
  readonly skipped: readonly number[];
  readonly moreSkipped: boolean;
}

const NOTHING: Decision = { send: [], passMs: null, turnedBackFromMs: null, skipped: [], moreSkipped: false };

export function decide(firing: Firing, done: Done, nowMs: number): Decision {
  const { times, periodMs, missed, patternText } = firing;
  const { doneMs, pattern, isPaused } = done;
  if (doneMs === null) return { ...NOTHING, passMs: nowMs };
  if (doneMs > nowMs + AHEAD_MS + Math.min(periodMs, DAY_MS))
    return { ...NOTHING, passMs: nowMs, turnedBackFromMs: doneMs };
  const { instants, hasMore } = instantsBetween(times, doneMs, nowMs, MOST_MISSED);
  const last = instants.at(-1);
  if (last === undefined) return NOTHING;
  if (isPaused) return { ...NOTHING, passMs: last };
  const lateMs = periodMs < FREQUENT_MS ? LATE_OF_FREQUENT_MS : LATE_MS;
  const late = instants.filter((at) => nowMs - at > lateMs);
  const onTime = instants.slice(late.length);
  // By another pattern these were no instants: who changes a schedule does not want it to catch up.
  const kept = pattern !== null && pattern !== patternText ? [] : keptOf(late, onTime, missed);
  const skipped = late.slice(0, late.length - kept.length);
  const send = [...kept, ...onTime];
  return { send, passMs: send.length === 0 ? last : null, turnedBackFromMs: null, skipped, moreSkipped: hasMore };
}

/** The missed instants that get a job, the newest of `late`. */
function keptOf(late: readonly number[], onTime: readonly number[], missed: Missed): readonly number[] {
  switch (missed) {
    case 'skip':
      return [];
    case 'one':
      return onTime.length > 0 ? [] : late.slice(-1);
    case 'all':
      return late;
  }
}
