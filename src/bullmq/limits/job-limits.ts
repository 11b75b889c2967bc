/** Whether a held job may run, by the limits of its task and its limit key over all workers; those of its queue are BullMQ's (queue-rules.ts). */
import { type LimitRules, type QueueLimits, windowOf } from '../../job/queue-limits.ts';
import { holdBack } from '../claims/moves.ts';
import type { Held } from '../claims/held-job.ts';
import type { Engine } from '../engine.ts';
import { FREED } from './limit-rounds.ts';
import type { LimitedJob, Scope } from './limit-store.ts';

/** How long a job that waits for another's end is delayed, ms: should nobody make it ready, it is tried again then, and later each time. */
const FIRST_DELAY_MS = 30_000;
const MOST_DOUBLINGS = 5;
/** A job that waits for a start further ahead looks again half-way: there may be fewer before it then. */
const SURE_FOR_MS = 60_000;
/** Clocks differ: not to come a moment too early. */
const MARGIN_MS = 2;

/** Of a job that runs: its run is over. */
export type Leave = () => void;

/** What limits a job. */
interface Limits {
  readonly scopes: readonly Scope[];
  /** Its queue has room for so many jobs at one time: others wait for this one's end. */
  readonly isQueueLimited: boolean;
}

/** Null where nothing does: that costs nothing. */
export function limitsOf({ queue, record: { job } }: Held, rules: LimitRules | undefined): Limits | null {
  const ofTask = rules?.tasks.get(job.task);
  const isQueueLimited = (rules?.queues.get(queue)?.concurrency ?? null) !== null;
  if (ofTask === undefined && !isQueueLimited) return null;
  return { scopes: ofTask === undefined ? [] : scopes(job.task, ofTask, job.options.limitKey ?? ''), isQueueLimited };
}

function scopes(task: string, { concurrency, rate, perKey }: QueueLimits, key: string): readonly Scope[] {
  const starts = rate === null ? null : lengthOf(rate);
  const ofTask = concurrency === null && starts === null ? [] : [{ name: task, most: concurrency, starts }];
  // No name of a task has a line feed. Jobs without a key share the limit.
  return perKey === undefined ? ofTask : [...ofTask, { name: `${task}\n${key}`, most: perKey, starts: null }];
}

function lengthOf(rate: NonNullable<QueueLimits['rate']>): Scope['starts'] {
  const { slots } = windowOf(rate, 0);
  return { slots, lengthMs: (slots * rate.periodMs) / rate.count };
}

/**
 * Takes room for the job, or delays it: then it waits in the line of the limit that has none.
 *
 * @returns null when it has to wait
 * @throws FencedError, the datastore's error: then it is held as before
 */
export async function takeRoom(
  engine: Engine,
  held: Held,
  { scopes, isQueueLimited }: Limits,
): Promise<{ readonly leave: Leave } | null> {
  const { store } = engine;
  const job = limited(held);
  const admitted = scopes.length === 0 ? { kind: 'run' as const } : await store.limits.admit(job, scopes);
  const named = scopes.filter(({ most }) => most !== null).map(({ name }) => name);
  const leave = (): void => {
    // What is lost of it the rounds of a keeper find: the job's lock is gone.
    if (named.length > 0) store.limits.release(job, named).catch(() => undefined);
    if (isQueueLimited) store.publish(FREED, job.queue);
  };
  if (admitted.kind === 'run') return { leave };
  const { scope, inMs } = admitted;
  await holdBack(engine, held, delayOf(inMs, held.claims));
  if (inMs === null) await store.limits.hold(job, scope);
  if (isQueueLimited) store.publish(FREED, job.queue);
  return null;
}

/** Of one priority the oldest is first in a line. */
function limited({ queue, id, token, record: { job }, standing: { priority } }: Held): LimitedJob {
  return { queue, id, token, order: priority * 2 ** 43 + job.enqueuedAtMs };
}

/** @param claims how often it was claimed, this time included */
export function delayOf(inMs: number | null, claims: number): number {
  if (inMs === null) return FIRST_DELAY_MS * 2 ** Math.min(Math.max(0, claims - 1), MOST_DOUBLINGS);
  return inMs + MARGIN_MS <= SURE_FOR_MS ? inMs + MARGIN_MS : Math.max(SURE_FOR_MS, Math.ceil(inMs / 2));
}
