/** What a datastore does at once with jobs on their way to or from another place (src/broker/moving.ts). */
/** Where a job is. */
interface At {
  readonly queue: string;
  readonly id: string;
}

/** The table of the jobs that are on their way: their ids, and their queues. */
export const MOVING = 'moving';
/** The table of the move's note, and its only field. */
export const NOTES = 'moves';
export const NOTE = 'note';

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
  /** True: BullMQ counts those that are on their way among the delayed ones. */
  readonly isCounting: boolean;
  /**
   * The steps of whoever has written this note. While another one stands there, or none, a step changes nothing and says null: its process stood
   * still, and another goes on with the move, or has ended it.
   */
  under(note: string): MoveSteps;
}

/** Each can be done twice. */
export interface MoveSteps {
  /** A job that waits or is delayed lies nowhere from now on, and is in MOVING. Who looks finds it delayed. @returns false: it did not wait */
  take(at: At): Promise<boolean | null>;
  /** A job of MOVING waits from then on: until this time, Unix ms; 0: it is ready. Another is left alone. */
  sendToWait(at: At, dueAtMs: number): Promise<boolean | null>;
  /** A job of MOVING is gone. Another is left alone. */
  drop(at: At): Promise<boolean | null>;
  /** Makes the job, unless there is one of its id. @returns whether it is there now as one that arrives, or has ended as it did */
  accept(job: ArrivingJob): Promise<boolean | null>;
}
