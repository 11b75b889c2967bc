/** How far a job is, as a number: a follower keeps one for each of very many jobs, and another number is news. Pure. */
import type { Known } from '../../broker/broker.ts';
import { endedAtMs, type JobRecord } from '../../job/job.ts';
import type { Spot } from '../locate.ts';

const PLACES = { pending: 0, delayed: 1, held: 2, count: 4 } as const;
/** Of an outcome that was not read. */
export const ENDED_BEFORE = -1;

/** How far a job is, as a number: its attempt and where it lies, and below zero the time of its end. */
export function stepOf(spot: Spot, record: JobRecord | null): number {
  if (spot.at === 'results') return record === null ? ENDED_BEFORE : -Math.max(2, endedAtMs(record) ?? 2);
  // With attempt 0 it is held to get new arguments: it waits.
  if (spot.at === 'held')
    return spot.name.attempt === 0 ? PLACES.delayed : spot.name.attempt * PLACES.count + PLACES.held;
  const place = spot.at === 'waiting' && spot.dueAtMs === null ? 'pending' : 'delayed';
  return spot.name.attempt * PLACES.count + PLACES[place];
}

/** The same of a job that waits, if this is the name of one. */
export function stepIn(name: string, isPending: boolean): number {
  const crashesAt = name.lastIndexOf('.', name.length - '.json'.length - 1);
  const attemptAt = name.lastIndexOf('.', crashesAt - 1);
  return Number(name.slice(attemptAt + 1, crashesAt)) * PLACES.count + (isPending ? PLACES.pending : PLACES.delayed);
}

export function isRunning(step: number): boolean {
  return step >= 0 && step % PLACES.count === PLACES.held;
}

/** What that step says of the runs. One that had ended says nothing: it was sent back since, under the attempt that it had come to. */
export function knownBy(step: number, spot: Spot, record: JobRecord | null): Known {
  if (step >= 0) return { attempt: Math.floor(step / PLACES.count), isRunning: isRunning(step) };
  if (spot.at === 'results') return { attempt: record?.kept.again ?? 0, isRunning: false, isOver: true };
  return { attempt: Math.max(0, spot.name.attempt - (spot.at === 'held' ? 1 : 0)), isRunning: false, isOver: true };
}
