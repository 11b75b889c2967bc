/** What may be said of queues: whose jobs come first. Pausing and limits are the broker's methods and options. */

/** In which order a worker takes the jobs of several queues; of one queue always the most urgent first, then the oldest. */
export type QueueOrder =
  /** The most urgent first, then the oldest, whatever their queue. */
  | { readonly kind: 'age' }
  /** In turns, as many of each as its weight says while all have some. */
  | { readonly kind: 'turns'; readonly weights: ReadonlyMap<string, number> }
  /** Of a queue only when those before it have nothing that may start. */
  | { readonly kind: 'listed'; readonly weights: ReadonlyMap<string, number> };

export const BY_AGE: QueueOrder = { kind: 'age' };
