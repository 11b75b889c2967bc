/** What a datastore does at once with jobs on their way to or from another place (src/broker/moving.ts). */
/** Where a job is. */
interface At {
  readonly queue: string;
  readonly id: string;
}

/** The table of the jobs that are on their way: their ids, and their queues. */
export const MOVING = 'moving';

/** A job with all that is kept of it, as its fields of the datastore. */
export interface ArrivingJob extends At {
  readonly fields: Readonly<Record<string, string>>;
  readonly log: readonly string[];
  /** When it ended, Unix ms, and how; null: it arrives, and lies nowhere else. */
  readonly ended: { readonly atMs: number; readonly state: 'completed' | 'failed' } | null;
  /** Of one that arrives, Unix ms: see `READY_MS`. */
  readonly dueAtMs: number;
}

export interface MoveStore {
  /** A job that waits or is delayed lies nowhere from now on, and is in MOVING. Who looks finds it delayed. @returns false: it does not wait */
  take(at: At): Promise<boolean>;
  /** A job of MOVING waits from then on: until this time, Unix ms; 0: it is ready. Another is left alone. */
  sendToWait(at: At, dueAtMs: number): Promise<void>;
  /** A job of MOVING is gone. Another is left alone. */
  drop(at: At): Promise<void>;
  /** Makes the job, unless there is one of its id. @returns whether it is there now as one that arrives, or has ended as it did */
  accept(job: ArrivingJob): Promise<boolean>;
}
