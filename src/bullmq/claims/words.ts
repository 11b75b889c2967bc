/** What a keeper and the consumers of its children say to each other. Nothing depends on a word: each could have been found by a look. */
import type { QueueOrder } from '../../broker/worker-side.ts';
import { BY_AGE } from '../../broker/worker-side.ts';
import { isRecord } from '../../job/values/realm.ts';

/** Of a consumer. */
export type ToKeeper =
  /** It waits, and `held` of its claims are not settled yet. `untilMs`: when a delayed job of a queue is due, Unix ms, as far as it saw. */
  | { readonly t: 'idle'; readonly held: number; readonly untilMs: number | null }
  | { readonly t: 'busy' }
  /** It waits, and the last of its claims is settled. */
  | { readonly t: 'settled' }
  /** It has renewed the locks of all that it runs; the renewal was begun so many ticks of a lock's life ago. */
  | { readonly t: 'renewed'; readonly ticksAgo: number }
  /** The right to what it runs is lost, or may be soon: its process must end. */
  | { readonly t: 'fenced'; readonly why: string };

/** Of a keeper. */
export type ToConsumer =
  /** There may be a job in this queue; null: in any. */
  | { readonly t: 'look'; readonly queue: string | null }
  /** In which order it takes from its queues, and which there are. */
  | {
      readonly t: 'queues';
      readonly queues: readonly string[];
      readonly order: QueueOrder['kind'];
      readonly weights: Weights;
    }
  /** All jobs that are revoked and have not ended. */
  | { readonly t: 'revoked'; readonly ids: readonly string[] };

export function parseToKeeper(word: unknown): ToKeeper | null {
  if (!isRecord(word)) return null;
  const { t, held, untilMs, why, ticksAgo } = word;
  if (t === 'fenced') return { t, why: typeof why === 'string' ? why : 'it lost its jobs' };
  if (t === 'busy' || t === 'settled') return { t };
  if (t === 'renewed') return typeof ticksAgo === 'number' ? { t, ticksAgo } : null;
  if (t !== 'idle' || typeof held !== 'number') return null;
  return { t, held, untilMs: typeof untilMs === 'number' ? untilMs : null };
}

export function parseToConsumer(word: unknown): ToConsumer | null {
  if (!isRecord(word)) return null;
  const { t, queue, queues, order, weights, ids } = word;
  if (t === 'look') return { t, queue: typeof queue === 'string' ? queue : null };
  if (t === 'revoked') return { t, ids: textsIn(ids) };
  if (t !== 'queues') return null;
  const kind = order === 'listed' || order === 'turns' ? order : BY_AGE.kind;
  return { t, queues: textsIn(queues), order: kind, weights: pairsIn(weights) };
}

/** JSON has no maps. */
export type Weights = readonly (readonly [queue: string, weight: number])[];

export function weightsIn(order: QueueOrder): Weights {
  return order.kind === 'age' ? [] : [...order.weights];
}

export function orderOf({
  order,
  weights,
}: {
  readonly order: QueueOrder['kind'];
  readonly weights: Weights;
}): QueueOrder {
  return order === 'age' ? BY_AGE : { kind: order, weights: new Map(weights) };
}

function pairsIn(value: unknown): Weights {
  return (Array.isArray(value) ? value : []).filter(
    (pair): pair is [string, number] =>
      Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'number',
  );
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
