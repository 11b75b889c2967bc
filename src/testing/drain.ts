/** Waiting until nothing of a spool is left to run, and how its jobs stand then. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Broker, Sighting } from '../broker/broker.ts';
import { idsAfter } from '../job/edges.ts';
import { FsqError } from '../job/errors.ts';
import type { JobState } from '../job/job.ts';
import { some } from '../job/text.ts';
import type { TestWorker } from './test-worker.ts';

/** How many jobs of the spool stand how. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly revoked: number;
  readonly expired: number;
  /** Wait for a time that has not come, or for jobs that have not ended. */
  readonly delayed: number;
  /** Wait for a worker that knows their task. */
  readonly parked: number;
  /** Wait in a queue that is paused. */
  readonly paused: number;
}

interface Draining {
  readonly broker: Broker;
  readonly worker: TestWorker;
  readonly nowMs: () => number;
  readonly timeoutMs: number;
  /** Moves the clock to the time of a job that is delayed, and true is given; null: such jobs are left. */
  readonly moveTo: ((atMs: number) => void) | null;
}

/** How often it looks, ms. */
const LOOK_EVERY_MS = 5;
/** Looks without any job, one after the other, where jobs are moved by other processes: one look may miss a job on its way. */
const LOOKS = 3;
/** The largest number of jobs that a test has. */
const MANY = 1_000_000;
/** Taken before any test can have put another clock in its place. */
const realMs = performance.now.bind(performance);

/** @throws FsqError (FSQ_TIMEOUT) naming what is left; what has ended the worker */
export async function drain(draining: Draining): Promise<Tally> {
  const { broker, worker, timeoutMs, moveTo } = draining;
  const endAt = realMs() + timeoutMs;
  for (let quiet = 0; ;) {
    if (worker.failure !== null) throw worker.failure.error;
    if (worker.steps !== null) worker.clockMoved(); // Also where the timers of this process stand still.
    const { steps } = worker;
    quiet = (await isBusy(draining)) || worker.steps !== steps ? 0 : quiet + 1;
    if (quiet >= (steps === null ? LOOKS : 1)) {
      const dueAtMs = moveTo === null ? null : await soonest(broker);
      if (dueAtMs === null) return tallyOf(broker);
      moveTo?.(dueAtMs);
      quiet = 0;
    }
    if (realMs() > endAt) throw await timeout(draining);
    await wait(LOOK_EVERY_MS);
  }
}

async function isBusy(draining: Draining): Promise<boolean> {
  // Mostly one runs, and then nothing else need be looked at.
  return (await draining.broker.list(['running'], 1)).length > 0 || (await unfinished(draining, 1)).length > 0;
}

/**
 * Jobs that run, or may begin now: in the order of a job's life, so that a job that goes on meanwhile is seen. The first are those that
 * wait for others: while one of these has not ended it is among the rest, or nothing goes on before its time comes.
 */
async function unfinished({ broker, nowMs }: Draining, most: number): Promise<readonly Sighting[]> {
  const paused = new Set(await broker.paused());
  const mayBegin = ({ standing, dueAtMs, state }: Sighting): boolean =>
    !paused.has(standing.queue) && (state === 'pending' || (dueAtMs !== null && dueAtMs <= nowMs()));
  const waiting = await broker.list(
    ['delayed'],
    MANY,
    ({ standing, dueAtMs }) => dueAtMs === null && !paused.has(standing.queue),
  );
  const found: Sighting[] = [];
  for (const one of waiting) if (await isReleased(broker, one)) found.push(one);
  for (const state of ['delayed', 'pending', 'running'] as const) {
    if (found.length >= most) break;
    found.push(...(await broker.list([state], most, state === 'running' ? undefined : mayBegin)));
  }
  return found;
}

/** True when all that the job waits for has ended, or is nowhere: its worker is about to hear of that. */
async function isReleased(broker: Broker, { record }: Sighting): Promise<boolean> {
  // From the last on: jobs end much as they were sent.
  for (const id of idsAfter(record?.job.options ?? {}).toReversed())
    if ((await broker.outcome(id)) === null && (await broker.find(id)) !== null) return false;
  return true;
}

/** When the first of the delayed jobs is due, those that are parked or paused aside; null: none is delayed. */
async function soonest(broker: Broker): Promise<number | null> {
  const paused = new Set(await broker.paused());
  const waiting = (await broker.list(['delayed'], MANY)).filter(
    ({ record, standing }) => record?.parked === null && !paused.has(standing.queue),
  );
  const times = waiting.flatMap(({ dueAtMs }) => (dueAtMs === null ? [] : [dueAtMs]));
  return times.length === 0 ? null : Math.min(...times);
}

async function tallyOf(broker: Broker): Promise<Tally> {
  const tally = { succeeded: 0, failed: 0, revoked: 0, expired: 0, delayed: 0, parked: 0, paused: 0 };
  for (const { state, record } of await broker.list(['delayed', 'pending', 'results'], MANY)) {
    if (state === 'pending') tally.paused++;
    else if (state === 'delayed' && record?.parked !== null) tally.parked++;
    else if (state !== 'running') tally[state]++;
  }
  return tally;
}

async function timeout(draining: Draining): Promise<FsqError> {
  const left = await unfinished(draining, MANY);
  const named = left
    .slice(0, 3)
    .map(({ id, state, record }) => `${record?.job.task ?? 'a job'} ${id} is ${words[state]}`);
  const more = left.length > 3 ? `, and ${some(left.length - 3, 'job')} more` : '';
  return new FsqError(
    'FSQ_TIMEOUT',
    `The temporary spool was not drained within ${draining.timeoutMs} ms: ${named.join(', ') || 'jobs came and went'}${more}. drain({ timeout }) waits longer.`,
  );
}

const words: Readonly<Record<Exclude<JobState, 'unknown'>, string>> = {
  pending: 'ready',
  delayed: 'due',
  running: 'running',
  succeeded: 'ended',
  failed: 'ended',
  revoked: 'ended',
  expired: 'ended',
};
