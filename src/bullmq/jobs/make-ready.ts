/**
 * Delayed jobs made ready before somebody claims one of their queue. BullMQ looks for due jobs with each claim only: in a queue that no worker
 * takes, or whose workers are all busy, they would stay delayed, and whoever counts what is ready would miss them.
 */
import type { Engine } from '../engine.ts';
import { peek } from '../../job/values/realm.ts';
import type { RawJob } from '../store.ts';

/** A claim is faster where there is one, ms. */
const LATE_MS = 1_000;
/** Of a queue in one round: the next ones come in the next. */
const AT_ONCE = 500;

/** BullMQ's code for a job that is not delayed any more. */
const NOT_DELAYED = -3;

/** Does nothing where it has become due, or another process was first. */
export async function makeReady(engine: Engine, { queue, id }: Pick<RawJob, 'queue' | 'id'>): Promise<void> {
  try {
    await engine.backend(queue).promote(id);
  } catch (error) {
    if (peek(error, 'code') !== NOT_DELAYED) throw error;
  }
}

/** Of all queues, those whose time came a moment ago. */
export async function makeLateReady(engine: Engine): Promise<void> {
  const lateMs = engine.nowMs() - LATE_MS;
  for (const queue of await engine.queues.all()) {
    const backend = engine.backend(queue);
    const [late = 0] = await backend.getCounts(['delayed'], lateMs);
    if (late === 0) continue;
    const ids = (await backend.getRanges(['delayed'], 0, Math.min(late, AT_ONCE) - 1, true)).flat();
    const raws = await engine.store.look(ids, [queue]);
    for (const raw of raws)
      if (raw?.state === 'delayed' && (raw.dueAtMs ?? Infinity) <= lateMs) await makeReady(engine, raw);
  }
}
