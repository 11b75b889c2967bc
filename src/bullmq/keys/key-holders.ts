/**
 * Which jobs stand for a key: one field of one table for each key, with the jobs that were accepted for it. What a holder means is said by
 * its job: one that has ended, however that came, or that is gone, stands for nothing. So nobody has to release a key; who does only
 * saves a later sweep.
 *
 * BullMQ's own deduplication would not do. Its keys are of one queue, and fsq's of a task, whatever the queues of its jobs. It holds from
 * sending to the end and knows no key that is free as soon as its job runs, nor one that other calls see through.
 */
import { isId } from '../../job/names.ts';
import type { Uniqueness } from '../../job/job-options.ts';
import type { RawJob } from '../store.ts';

/** The table: see `keyField`. */
export const KEYS = 'keys';

/** A job that was accepted for a key. It stands for that, to some time at least if it has one. */
export interface KeyHolder {
  readonly id: string;
  /** Unix ms. */
  readonly untilMs: number | null;
  /** Tells it from the same job's holder before; absent: its first. */
  readonly mark?: number;
}

/** A key may hold any character, be longer than a name, and must not be one key with another task's. */
export function keyField(task: string, key: string): string {
  // Loaded by the first job with a key: to import the library must not cost it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(`${task}\0${key}`).digest('hex');
}

const HOLDER = /^(\S+) (-|\d+)(?: (\d+))?$/;

/** Null: none. */
export function writeHolders(holders: readonly KeyHolder[]): string | null {
  return holders.length === 0
    ? null
    : holders.map(({ id, untilMs, mark = '' }) => `${id} ${untilMs ?? '-'} ${mark}`.trimEnd()).join('\n');
}

/** The oldest first; what is no holder is left out. */
export function parseHolders(text: string | null): readonly KeyHolder[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [, id = '', until, mark] = HOLDER.exec(line) ?? [];
    if (!isId(id)) return [];
    const untilMs = until === '-' ? null : Number(until);
    return [{ id, untilMs, ...(mark === undefined ? {} : { mark: Number(mark) }) }];
  });
}

/** How far a job has come, as its key sees it. */
export type Stage = 'waits' | 'runs' | 'over';

/** @param raw null: it is nowhere any more */
export function stageOf(raw: Pick<RawJob, 'state'> | null): Stage {
  switch (raw?.state) {
    case 'waiting':
    case 'delayed':
      return 'waits';
    case 'active':
      return 'runs';
    default:
      return 'over';
  }
}

/** What a holder is to a call: `blocks`: its job stands for the call. `passes`: it does not, and has not ended. `free`: it stands for nothing. */
export function verdictOf(
  { untilMs }: KeyHolder,
  stage: Stage,
  until: Uniqueness['until'],
  nowMs: number,
): 'blocks' | 'passes' | 'free' {
  if (untilMs !== null && nowMs < untilMs) return 'blocks';
  if (stage === 'over') return 'free';
  // A job whose own time is over does not keep out a call with a time.
  const isKeptOut = until === 'ended' || (until !== 'started' && untilMs === null);
  return isKeptOut || (stage === 'waits' && until === 'started') ? 'blocks' : 'passes';
}
