/** How many children of a worker have died, or were killed, and got others in their places, and why the last did. Pure. */
import { isRecord } from '../../job/values/realm.ts';
import { parseCount } from '../figures/histogram.ts';
import { type Crash, CRASHES } from '../statistics.ts';

/**
 * Why a child ended before its time: it crashed in one of these ways, or its worker killed it, because the job that it ran was revoked so, or
 * because what it ran may have been another's.
 */
export type Loss = Crash | 'revoked' | 'fenced';
const LOSSES: readonly Loss[] = [...CRASHES, 'revoked', 'fenced'];

export interface Restarts {
  /** Since the worker has started. */
  readonly count: number;
  /** Null: there was none yet. */
  readonly last: { readonly why: Loss; /** Unix ms. */ readonly atMs: number } | null;
}

/** What became of the child, for people. */
export const LOSS_WORDS: Readonly<Record<Loss, string>> = {
  signal: 'killed, and not by its worker',
  abort: 'aborted, as when memory runs out',
  exit: 'exited by itself',
  job: 'ended by code of a job',
  'time-limit': 'killed at a time limit',
  start: 'ended before it was ready',
  revoked: 'killed for a job that was revoked',
  fenced: 'killed because its jobs were lost to others',
};

export const NO_RESTARTS: Restarts = { count: 0, last: null };

export function oneMore({ count }: Restarts, why: Loss, atMs: number): Restarts {
  return { count: count + 1, last: { why, atMs } };
}

/** Null for anything else: part of what a worker tells of itself. */
export function readRestarts(value: unknown): Restarts | null {
  if (!isRecord(value)) return null;
  const count = parseCount(value['count']);
  if (count === null) return null;
  const { last } = value;
  const why = isRecord(last) ? LOSSES.find((loss) => loss === last['why']) : undefined;
  const atMs = isRecord(last) ? parseCount(last['atMs']) : null;
  // A reason that a newer fsq has is not known here.
  return { count, last: why === undefined || atMs === null ? null : { why, atMs } };
}
