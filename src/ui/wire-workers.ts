/** What the page hears of each process: a part of the summary in wire.ts, in its units. */

export interface WorkerSummary {
  /** Its name among processes, for the filter `worker`. */
  readonly owner: string;
  readonly pid: number;
  readonly host: string | null;
  readonly role: 'child' | 'supervisor' | 'consumer';
  readonly verdict: 'alive' | 'dead' | 'unknown';
  readonly parent: string | null;
  readonly startedAtMs: number;
  /** Null: all. */
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly slots: number;
  readonly jobs: readonly { readonly id: string; readonly task: string | null; readonly startedAtMs: number | null }[];
  /** What its process takes, where this machine can tell; else null. */
  readonly memoryBytes: number | null;
  /** Of its fsq; null where it does not say. */
  readonly version: string | null;
  /** Of a supervisor: its children that died, or were killed, and were replaced; null where nobody tells. */
  readonly restarts: {
    readonly count: number;
    readonly last: { readonly text: string; readonly atMs: number } | null;
  } | null;
  /** How late its event loop turns; null where nobody tells. */
  readonly loop: LoopDelay | null;
}

export interface LoopDelay {
  /** The longest delay of the last minute, in steps from 10 on: it was no longer than this. */
  readonly longestMs: number;
  /** It has not turned since: the process computes without a pause, or is stopped. Null: it turns. */
  readonly blockedSinceMs: number | null;
}
