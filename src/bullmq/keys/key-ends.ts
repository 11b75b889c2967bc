/** Keys and the ends of jobs: one that is sent back takes its key again, and fields of which no holder stands for anything are removed. */
import type { Job } from '../../job/job.ts';
import type { Engine } from '../engine.ts';
import { pagesOf } from '../looking/table-walk.ts';
import { KEYS, keyField, type KeyHolder, parseHolders, writeHolders } from './key-holders.ts';
import { judge } from './send-unique.ts';

/** How long a job that is sent back stands for its key before it is seen where it waits, ms; that takes one step. */
const SEND_BACK_MS = 10_000;

/** The job that keeps another from taking its key again, by its id; null: none does. */
export async function keyTakenBy(engine: Engine, job: Pick<Job, 'id' | 'task'>, key: string): Promise<string | null> {
  const holders = parseHolders(await engine.store.field(KEYS, keyField(job.task, key)));
  return (await judge(engine, others(holders, job), FOR_ALL)).blocker;
}

/** A key that a job has taken again. */
export interface TakenKey {
  /** The job is back: it stands for its key as long as it has not ended. */
  settle(): Promise<void>;
}

/**
 * Before the job is sent back. Of several who do that at the same time each takes the key, and one sends it back.
 *
 * @returns the id of the job that has the key by now
 */
export async function takeKeyAgain(
  engine: Engine,
  job: Pick<Job, 'id' | 'task'>,
  key: string,
): Promise<TakenKey | string> {
  const { store } = engine;
  const field = keyField(job.task, key);
  for (;;) {
    const before = await store.field(KEYS, field);
    const { blocker, open } = await judge(engine, others(parseHolders(before), job), FOR_ALL);
    if (blocker !== null) return blocker;
    // What it is called differs each time: a sweep that stands still must not take it for what it was before.
    const mark = await engine.store.clockMs();
    const holding = (untilMs: number | null): string | null => writeHolders([...open, { id: job.id, untilMs, mark }]);
    const taken = holding(mark + SEND_BACK_MS);
    if (!(await store.swapField(KEYS, field, before, taken))) continue;
    return { settle: async () => void (await store.swapField(KEYS, field, taken, holding(null))) };
  }
}

const FOR_ALL = { until: 'ended', passed: new Set<string>(), isLast: false } as const;

function others(holders: readonly KeyHolder[], { id }: Pick<Job, 'id'>): readonly KeyHolder[] {
  return holders.filter((holder) => holder.id !== id);
}

/** @returns how many fields are gone, or would go */
export async function sweepKeys(engine: Engine, dryRun = false): Promise<number> {
  const { store, queues } = engine;
  const nowMs = await engine.store.clockMs();
  let gone = 0;
  for await (const fields of pagesOf(store, KEYS)) {
    const page = [...fields].map(([field, text]) => ({ field, text, holders: parseHolders(text) }));
    const ids = page.flatMap(({ holders }) => holders.map(({ id }) => id));
    const stages = await queues.stages(ids);
    const open = new Set(ids.filter((_, i) => stages[i] === 'open'));
    for (const { field, text, holders } of page) {
      const stand = holders.filter(({ id, untilMs }) => open.has(id) || (untilMs !== null && nowMs < untilMs));
      if (stand.length === holders.length && holders.length > 0) continue;
      if (stand.length === 0) gone++;
      if (!dryRun) await store.swapField(KEYS, field, text, writeHolders(stand));
    }
  }
  return gone;
}
