/** What a broker shows of its workers and of all its jobs. */

/** Which jobs a listing is of; absent: all. */
export type ListedState = 'pending' | 'delayed' | 'running' | 'results';

/** A worker process as others see it. */
export interface OwnerInfo {
  readonly owner: string;
  readonly pid: number;
  /** Of a child: its supervisor, by its name here. Null of others, and where the record does not say. */
  readonly parent: string | null;
  readonly role: 'child' | 'supervisor' | 'consumer';
  readonly startedAtMs: number;
  readonly verdict: 'alive' | 'dead' | 'unknown';
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
}

/** How many jobs are where. `expired` outcomes are gone and not counted. */
export interface Counts {
  readonly pending: number;
  readonly delayed: number;
  readonly running: number;
  readonly results: number;
  readonly corrupt: number;
}

/** What waits for a worker, told without reading any job. */
export interface Backlog {
  /** When the oldest ready job was enqueued, Unix ms; null when none is ready or no id tells its time. */
  readonly oldestAtMs: number | null;
  /** How many ready jobs each queue holds; queues without any are left out. */
  readonly queues: Readonly<Record<string, number>>;
  /** What lies among the ready jobs, is named like none, and so never runs; at most a hundred. */
  readonly foreign: readonly string[];
}
