/** Jobs that arrive stand for their keys here too, unless others do: of two with one key both would run. */
import type { MovedJob } from '../../broker/moving.ts';
import { type FsqError, NotRetriedError } from '../../job/errors.ts';
import type { Engine } from '../engine.ts';
import { KEYS, keyField, parseHolders, writeHolders } from '../keys/key-holders.ts';
import { judge } from '../keys/send-unique.ts';

/** The job lies among those that arrive already. @returns why it cannot; null when it stands for its key, or needs none */
export async function standForKey(engine: Engine, { record: { job }, key }: MovedJob): Promise<FsqError | null> {
  const { id, task, options } = job;
  if (options.key === undefined || key === null) return null;
  const field = keyField(task, options.key);
  for (;;) {
    const before = await engine.store.field(KEYS, field);
    const others = parseHolders(before).filter((holder) => holder.id !== id);
    const { blocker, open } = await judge(engine, others, { until: 'ended', passed: new Set(), isLast: false });
    if (blocker !== null) {
      const text = `Job ${id} (${task}) was not moved: job ${blocker} in ${engine.place} has its key ${JSON.stringify(options.key)} now, and has not ended.`;
      return new NotRetriedError('FSQ_KEY_TAKEN', id, text, blocker);
    }
    const after = writeHolders([...open, { id, untilMs: key.untilMs, mark: engine.nowMs() }]);
    if (await engine.store.swapField(KEYS, field, before, after)) return null;
  }
}

/** How a job here stands for its key; null: for none. */
export async function keyOf(engine: Engine, job: MovedJob['record']['job']): Promise<MovedJob['key']> {
  const { id, task, options } = job;
  if (options.key === undefined) return null;
  const holders = parseHolders(await engine.store.field(KEYS, keyField(task, options.key)));
  const own = holders.findLast((holder) => holder.id === id);
  return own === undefined ? null : { untilMs: own.untilMs };
}
