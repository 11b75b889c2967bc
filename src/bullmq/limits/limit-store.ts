/**
 * What the datastore does at once for limits. A scope is a task, or a limit key of a task; it has so much room, and perhaps so many starts in
 * a span of time. A job that found no room is delayed, and is in the line of the scope that had none: when there is room it is ready again,
 * before all others of its priority. Nothing depends on that: its delay ends by itself as well, and the claim that follows asks anew.
 *
 * A job that runs takes up room as long as it has the lock under which it was admitted. So what a dead process held comes free with its locks.
 */

export interface Scope {
  readonly name: string;
  /** How many of its jobs may run at one time; null: any number. */
  readonly most: number | null;
  /** How many may start in each span of time, by the datastore's clock; null: any number. */
  readonly starts: { readonly slots: number; readonly lengthMs: number } | null;
}

/** A job that a process holds, and asks to run. */
export interface LimitedJob {
  readonly queue: string;
  readonly id: string;
  /** Of its lock. */
  readonly token: string;
  /** Its place in a line: the lowest first. */
  readonly order: number;
}

export type Admitted =
  | { readonly kind: 'run' }
  /** `inMs`: when a start is likely to be its own; null: when one of the scope's jobs has ended. */
  | { readonly kind: 'wait'; readonly scope: string; readonly inMs: number | null };

/** The limits of a queue as BullMQ has them; absent: none. */
export interface QueueMeta {
  readonly concurrency?: number;
  /** So many starts in `duration` ms. */
  readonly max?: number;
  readonly duration?: number;
}

export interface LimitStore {
  /** Takes room and a start in each of these scopes, or nothing in any. */
  admit(job: LimitedJob, scopes: readonly Scope[]): Promise<Admitted>;
  /** Puts a job, which is delayed by now, into the line of a scope without room. If there is some by now, those at its head are ready. */
  hold(job: LimitedJob, scope: string): Promise<void>;
  /** The job does not run any more: what comes next in the lines of these scopes is ready. */
  release(job: LimitedJob, scopes: readonly string[]): Promise<void>;
  /** The same for all scopes, of jobs that have lost their locks; and forgets scopes that nobody uses. */
  sweep(): Promise<void>;
  /** How many jobs of these queues are held back by the limit of a task or a key. */
  heldBack(queues: readonly string[]): Promise<number>;
  /**
   * Replaces what fsq has made of BullMQ's limits of a queue, together with its note of that.
   *
   * @param before the note that was there; null: none
   * @param after null: none, and no limits
   * @returns false when another note was there: nothing was changed
   */
  swapQueueLimits(queue: string, before: string | null, after: string | null, meta: QueueMeta): Promise<boolean>;
  /** fsq's notes of the limits of queues, by their names. */
  queueLimits(): Promise<ReadonlyMap<string, string>>;
}
