/** What a drain has left to wait for, from a look at all jobs that have not ended. Pure. */
import { EXEC_TASK } from '../../../job/names.ts';
import type { Unended } from '../../../broker/broker.ts';
import { some } from '../../../job/text.ts';

/** A parked job is looked at again within this time, ms: one that is due later was not parked. */
const PARKED_FOR_MS = 60_000;

/** What was seen in one look. */
export interface Seen {
  /** Of the queues that are drained. */
  readonly unended: readonly Unended[];
  readonly paused: readonly string[];
  /** Processes of which nobody can tell whether they live. */
  readonly unproved: ReadonlySet<string>;
  /** Parked jobs, as far as they were read, with their tasks: nobody here knows those. */
  readonly parked: ReadonlyMap<string, string>;
  /** Parked jobs of tasks that are known here: the worker makes them ready. */
  readonly unparked: ReadonlySet<string>;
  readonly nowMs: number;
}

/** Jobs that are waited for. */
export interface Left {
  readonly pending: number;
  readonly running: number;
  /** For which a time or another job must come first; 0 where a drain does not wait for such jobs. */
  readonly delayed: number;
}

/** Why jobs are left behind that nobody waits for. */
export interface Stuck {
  readonly reason: 'parked' | 'paused' | 'unproved' | 'retrying' | 'waiting';
  /** The task, the queue, or the process; '' where there is no such thing. */
  readonly of: string;
  readonly jobs: number;
}

/** @param waitsForLater whether jobs count that wait for a time or for another job */
export function leftOf(seen: Seen, waitsForLater: boolean): Left {
  const able = seen.unended.filter((job) => isAble(job, seen));
  const count = (state: Unended['state']): number => able.filter((job) => job.state === state).length;
  const [pending, running] = [count('pending'), count('running')];
  const due = able.filter((job) => isDue(job, seen.nowMs) || seen.unparked.has(job.id)).length;
  if (!waitsForLater) return { pending: pending + due, running, delayed: 0 };
  // A job that waits for another waits in vain once nothing else can move.
  const timed = able.filter(({ state, dueAtMs }) => state === 'delayed' && dueAtMs !== null).length;
  const isMoving = pending + running + timed > 0;
  return { pending, running, delayed: isMoving ? count('delayed') : 0 };
}

/** How many jobs are waited for. */
export function countLeft({ pending, running, delayed }: Left): number {
  return pending + running + delayed;
}

/** True of a delayed job that is due so soon that it may be parked: later ones were not. */
export function isSoon({ state, dueAtMs }: Pick<Unended, 'state' | 'dueAtMs'>, nowMs: number): boolean {
  return state === 'delayed' && dueAtMs !== null && dueAtMs <= nowMs + PARKED_FOR_MS;
}

/** What stays behind when nothing is waited for any more. @param retrying ids of jobs that have failed, and run again later */
export function stuckIn(seen: Seen, retrying: ReadonlySet<string>): readonly Stuck[] {
  const found = new Map<string, { -readonly [key in keyof Stuck]: Stuck[key] }>();
  for (const job of seen.unended) {
    const [reason, of] = whyLeft(job, seen, retrying);
    const key = `${reason} ${of}`;
    const entry = found.get(key) ?? { reason, of, jobs: 0 };
    entry.jobs++;
    found.set(key, entry);
  }
  return [...found.values()];
}

/** For people. */
export function stuckText({ reason, of, jobs }: Stuck): string {
  const [are, wait] = jobs === 1 ? ['is', 'waits'] : ['are', 'wait'];
  const count = some(jobs, 'job');
  switch (reason) {
    case 'parked':
      return `${count} of task ${of} ${are} parked: ${of === EXEC_TASK ? 'it runs with --allow-exec only' : 'no task module here knows it'}`;
    case 'paused':
      return `${count} of queue ${of} ${wait}: the queue is paused`;
    case 'unproved':
      return `${count} ${are} held by ${of}, of which it cannot be told whether it lives`;
    case 'retrying':
      return `${count} failed and ${wait} for another attempt; --delayed waits for it`;
    case 'waiting':
      return `${count} ${wait} for a time or for another job`;
  }
}

/** True for what hinders a drain, and not for jobs that are meant to run later. */
export function isTrouble({ reason }: Stuck): boolean {
  return reason === 'parked' || reason === 'paused' || reason === 'unproved';
}

function whyLeft(job: Unended, seen: Seen, retrying: ReadonlySet<string>): readonly [Stuck['reason'], string] {
  const task = seen.parked.get(job.id);
  if (task !== undefined) return ['parked', task];
  if (job.state !== 'running' && seen.paused.includes(job.queue)) return ['paused', job.queue];
  if (job.owner !== null && seen.unproved.has(job.owner)) return ['unproved', job.owner];
  return retrying.has(job.id) ? ['retrying', ''] : ['waiting', ''];
}

/** False for a job that nothing here can move. */
function isAble({ id, state, queue, owner }: Unended, { paused, unproved, parked }: Seen): boolean {
  if (state === 'running') return owner === null || !unproved.has(owner);
  return !paused.includes(queue) && !parked.has(id);
}

function isDue({ state, dueAtMs }: Unended, nowMs: number): boolean {
  return state === 'delayed' && dueAtMs !== null && dueAtMs <= nowMs;
}
