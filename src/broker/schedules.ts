/** What a place that keeps jobs knows of schedules: up to which instant each is done, and which are paused. */
import { isQueueName } from '../job/names.ts';
import type { NewJob, StandIn } from './new-job.ts';

/** What is kept of one schedule. */
export interface ScheduleRecord {
  readonly name: string;
  /** All instants up to this one are done: they have a job, or get none. Unix ms; null: nothing was done yet. */
  readonly doneMs: number | null;
  /** The pattern by which that was, as its worker told it; null where nobody knows. */
  readonly pattern: string | null;
  /** The last instant that got a job, and which; null where none did, or nobody knows. */
  readonly last: { readonly atMs: number; readonly id: string } | null;
  readonly isPaused: boolean;
}

/** An instant of a schedule: it gets one job at most, whoever sends it, and however often. */
export interface ScheduledInstant {
  readonly schedule: string;
  /** Unix ms. */
  readonly atMs: number;
  /** The schedule's pattern, kept for others to compare. */
  readonly pattern: string;
}

/** Each of these may be called at any time by any process, also by several at once. */
export interface ScheduleStore {
  /** What is kept of a schedule; of a new one: nothing was done, and it is not paused. */
  find(schedule: string): Promise<ScheduleRecord>;
  /** All of which anything is kept, by name. */
  list(): Promise<readonly ScheduleRecord[]>;
  /**
   * Accepts the job of an instant, as durably as any, and counts all instants up to it as done. Of many processes that send it one
   * succeeds; one that dies or is stopped on the way, for however long, neither loses it nor causes a second.
   *
   * @returns the instant's job, also where another process has sent it; null where the instant is done and its job is not known
   * @throws SpoolError
   */
  send(instant: ScheduledInstant, job: NewJob): Promise<StandIn | null>;
  /** Counts all instants up to this one as done: those without a job get none. @throws SpoolError */
  pass(instant: ScheduledInstant): Promise<void>;
  /** The clock was set back: instants after this one count as not done. @throws SpoolError */
  turnBack(instant: ScheduledInstant): Promise<void>;
  /** From now on its instants get no jobs. False: it was paused already. @throws SpoolError */
  pause(schedule: string): Promise<boolean>;
  /** False: it was not paused. @throws SpoolError */
  resume(schedule: string): Promise<boolean>;
}

/** True for the name of a schedule: it becomes part of a path. */
export function isScheduleName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name) && isQueueName(name.toLowerCase());
}

/**
 * The name under which a place keeps up to when runs of `fsq map` are over, as it does of a schedule: no schedule has such a name.
 *
 * @param hash 40 hexadecimal digits, which stand for the run's own name
 */
export function mapRunName(hash: string): string {
  return `map.${hash}`;
}

/** True for what `mapRunName` gives. */
export function isMapRunName(name: string): boolean {
  return /^map\.[0-9a-f]{40}$/.test(name);
}
