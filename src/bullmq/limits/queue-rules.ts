/**
 * Limits of queues are BullMQ's own, kept in the queue: no claim takes a job in vain, and programs without fsq heed them too. Each process
 * that runs jobs makes them as strict as its settings say. Only a look at all processes that live can make them less strict, so that those of
 * settings that nobody has any more go. fsq's note of what it has set is swapped along: a process that begins meanwhile is not overlooked,
 * because its record is there before its limits. Limits that others have set are left alone where no settings have any.
 */
import { isQueueLimits, type LimitRules, type QueueLimits, strictest, windowOf } from '../../job/queue-limits.ts';
import type { Engine } from '../engine.ts';
import { listOwners } from '../crew/owner-records.ts';
import type { QueueMeta } from './limit-store.ts';

type Rules = LimitRules['queues'];

/** Before a process takes its first job; its record among the owners says the same. @throws the datastore's error */
export async function tightenQueues({ store: { limits } }: Engine, rules: Rules | undefined): Promise<void> {
  for (const [queue, mine] of rules ?? []) {
    for (;;) {
      const before = (await limits.queueLimits()).get(queue) ?? null;
      const both = strictest([parse(queue, before), new Map([[queue, mine]])]).get(queue) ?? mine;
      const after = written(both);
      if (after === before || (await limits.swapQueueLimits(queue, before, after, metaOf(both)))) break;
    }
  }
}

/** @throws the datastore's error */
export async function loosenQueues(engine: Engine): Promise<void> {
  const { limits } = engine.store;
  const notes = await limits.queueLimits();
  if (notes.size === 0) return;
  const alive = (await listOwners(engine)).filter(({ verdict }) => verdict !== 'dead');
  const wanted = strictest(alive.map((owner) => owner.limits?.queues ?? new Map<string, QueueLimits>()));
  for (const [queue, before] of notes) {
    const limit = wanted.get(queue);
    const after = limit === undefined ? null : written(limit);
    // Where it fails a process has begun: the next round sees it.
    if (after !== before) await limits.swapQueueLimits(queue, before, after, limit === undefined ? {} : metaOf(limit));
  }
}

function metaOf({ concurrency, rate }: QueueLimits): QueueMeta {
  if (rate === null) return concurrency === null ? {} : { concurrency };
  // Spread evenly, as everywhere in fsq.
  const { slots } = windowOf(rate, 0);
  const starts = { max: slots, duration: Math.ceil((slots * rate.periodMs) / rate.count) };
  return concurrency === null ? starts : { concurrency, ...starts };
}

function written({ concurrency, rate }: QueueLimits): string {
  return JSON.stringify({ concurrency, rate: rate === null ? null : { count: rate.count, periodMs: rate.periodMs } });
}

function parse(queue: string, note: string | null): Rules {
  const value: unknown = note === null ? null : JSON.parse(note);
  return isQueueLimits(value) ? new Map([[queue, value]]) : new Map();
}
