/**
 * What fsq keeps beside BullMQ's own data, and the looks that BullMQ has no question for. One implementation for Redis and one for
 * PostgreSQL. Publishing is a hint only: whoever hears of something could have found it by a look, within seconds.
 */
import type { JobJson } from 'bullmq';
import type { LimitStore } from './limits/limit-store.ts';
import type { MoveStore } from './moving/move-store.ts';

/** A job as the datastore has it: BullMQ's fields, untouched, and fsq's tail. */
export interface RawJob {
  readonly id: string;
  readonly queue: string;
  readonly state: 'waiting' | 'delayed' | 'active' | 'completed' | 'failed';
  /** When a delayed job is due, Unix ms; null of others. */
  readonly dueAtMs: number | null;
  /** Of an active job: the token of its lock; null where it has run out. */
  readonly token: string | null;
  readonly name: string;
  /** JSON. */
  readonly data: string;
  /** 0 runs first. */
  readonly priority: number;
  /** When it was sent, Unix ms, as its sender said. */
  readonly timestamp: number;
  readonly processedOn: number | null;
  readonly finishedOn: number | null;
  /** JSON; null where there is none. */
  readonly returnvalue: string | null;
  readonly failedReason: string | null;
  /** JSON, an array of texts. */
  readonly stacktrace: string | null;
  /** Who claimed it last. */
  readonly processedBy: string | null;
  /** How often it was claimed: each claim has a number of its own. */
  readonly claims: number;
  /** How often its lock ran out and it went back to wait. */
  readonly stalls: number;
  /** Another program has given it up: it is to fail with this. */
  readonly deferredFailure: string | null;
  /** What fsq wrote last; null: nothing yet. */
  readonly tail: string | null;
  /** How far its run is, as other programs show it. JSON: a number from 0 to 100, or anything. */
  readonly progress: string | null;
  /** What its runs have told of themselves, as fsq wrote it. JSON. */
  readonly report: string | null;
  /** How many lines of its log there are. */
  readonly logged: number;
}

/** A job as far as is told without its texts. Of one that has ended only its place, its id and when it ended count. */
export interface NamedRaw extends Pick<
  RawJob,
  'id' | 'queue' | 'state' | 'dueAtMs' | 'token' | 'name' | 'priority' | 'claims' | 'stalls' | 'finishedOn'
> {
  /** At least the counters with which its tail begins. */
  readonly tail: string | null;
}

/** Some jobs of a queue, and where to go on; null: there are no more. */
export interface Page {
  readonly jobs: readonly NamedRaw[];
  readonly next: string | null;
}

/** What is ready in a queue: how much, and the ids of those that were made ready first, one for each priority. */
export interface Heads {
  readonly queue: string;
  readonly ready: number;
  readonly ids: readonly string[];
}

/** What has happened to jobs of queues since an earlier look. */
export interface News {
  readonly ids: readonly string[];
  /** For the next look. */
  readonly position: string;
  /** True when some of it may not be told: only a look through all jobs tells it. */
  readonly hasGap: boolean;
}

/** How much of a log may be there. */
export interface LogRoom {
  readonly mostBytes: number;
  /** What is there goes first if it is more than that; null: it stays. */
  readonly clearAboveBytes: number | null;
}

/** What came of lines for a log. */
export interface LogAppended {
  /** So many of the lines are there now: others have filled the log. */
  readonly taken: number;
  readonly sizeBytes: number;
  /** So much of it went. */
  readonly clearedBytes: number;
}

/** A job that is active under a lock of one of these owners. */
export interface HeldJob {
  readonly queue: string;
  readonly id: string;
  readonly token: string;
}

/** Which claim of a job: its number, and how often the lock had run out by then. */
export type ClaimCounts = Pick<RawJob, 'claims' | 'stalls'>;

/** Where a job is: one that is named for an operation. */
export interface Place {
  readonly queue: string;
  readonly id: string;
}

export interface FieldValue {
  readonly field: string;
  readonly value: string;
}

/** Some fields of a table, and where to go on; null: there are no more. */
export interface FieldsPage {
  readonly fields: ReadonlyMap<string, string>;
  readonly next: string | null;
}

/** A job that has ended, as it ended at one time: one that was sent back since is another. */
export interface EndedPlace extends Place {
  /** Unix ms. */
  readonly finishedOn: number;
}

/** An outcome, without what it costs to move: arguments and value. */
export interface EndedJob extends EndedPlace {
  readonly state: 'completed' | 'failed';
  readonly tail: string | null;
  /** Only where it may name jobs that come next. */
  readonly data: string | null;
}

export interface EndedRange extends Pick<EndedJob, 'queue' | 'state'> {
  /** Unix ms, both included. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly skip: number;
  readonly limit: number;
}

/** A field of a table that is to change from what it was: null: it was not there. */
export interface Fact {
  readonly table: string;
  readonly field: string;
  readonly before: string | null;
  readonly after: string;
}

export interface Store {
  readonly kind: 'redis' | 'postgres';
  /** The jobs of these ids, in their order; null where there is none in any of these queues. */
  look(ids: readonly string[], queues: readonly string[]): Promise<readonly (RawJob | null)[]>;
  /**
   * An active job is ready again, before others of its priority.
   *
   * @param at with the token of its lock: another holder's job is left alone
   * @param tail null: it stays
   * @returns false when the lock is gone: nothing was changed
   */
  giveBack(at: HeldJob, tail: string | null): Promise<boolean>;
  /**
   * After a move over which BullMQ has failed: the fields of the job that BullMQ cannot read are as if nobody had written them, and the job is
   * held under this lock, also where the move has let it go already. Absent: no such fields can be there.
   *
   * @returns 'moved' when it waits by that move; null when it is not in this claim any more: nothing was changed
   */
  mendHeld?(at: HeldJob, claim: ClaimCounts, lockMs: number): Promise<'held' | 'moved' | null>;
  /**
   * Ends a job that waits or is delayed: it is among the failed ones then.
   *
   * @returns 'running' when it is active, 'over' when it had ended, null when it is not there
   */
  endWaiting(at: Place, tail: string, reason: string): Promise<'ended' | 'running' | 'over' | null>;
  /** Whether the jobs of these ids have ended, in their order; null where there is none in any of these queues. Much cheaper than `look`. */
  stages(ids: readonly string[], queues: readonly string[]): Promise<readonly ('open' | 'ended' | null)[]>;
  /**
   * Sends a failed job back to where it waits, with this tail; nothing else is left of its end.
   *
   * @param dueAtMs it is delayed until then; null: it is ready
   * @param call no other call has it: one that comes twice, because its answer was lost, is answered twice
   * @returns false when it has not ended so any more: nothing was changed
   */
  sendBack(at: EndedPlace, tail: string, dueAtMs: number | null, call: string): Promise<boolean>;
  /**
   * Changes a fact and adds a job, both or neither. A job of this id that is there already stays as it is.
   *
   * @param dueAtMs it is delayed until then; null: it is ready
   * @returns false when something else than `before` was there: nothing was changed
   */
  sendIf(fact: Fact, queue: string, job: JobJson, dueAtMs: number | null): Promise<boolean>;
  /**
   * Replaces all that a job's sender has said of it, its queue too, but its id and when it was sent.
   *
   * @param dueAtMs it is delayed until then; null: it is ready
   * @returns false when it does not wait, or a worker has written of it, or has died over it: nothing was changed
   */
  renew(at: Place, queue: string, job: JobJson, dueAtMs: number | null): Promise<boolean>;
  /** Ended jobs by their ends, the earliest first. */
  endedBy(range: EndedRange): Promise<readonly EndedJob[]>;
  /** Those of these jobs that have ended. */
  endedAs(places: readonly Place[]): Promise<readonly EndedJob[]>;
  /** Removes ended jobs with all that BullMQ keeps beside them. One that has not ended so any more stays. @returns the ids of those that are gone */
  forget(queue: string, ended: readonly Omit<EndedPlace, 'queue'>[]): Promise<readonly string[]>;
  /** The active jobs of these queues whose locks belong to one of the owners. */
  held(queues: readonly string[], owners: readonly string[]): Promise<readonly HeldJob[]>;

  /**
   * Jobs of one queue in one state: those that wait in the order in which they are to run, those that are delayed as they are due, those that
   * have ended from the last one back. A job that moves meanwhile may be missed, or told twice.
   *
   * @param after as an earlier page has given it; null: from the beginning
   */
  page(queue: string, state: RawJob['state'], after: string | null, count: number): Promise<Page>;
  /** Of each of these queues. */
  heads(queues: readonly string[]): Promise<readonly Heads[]>;
  /** Ids of jobs that begin so, at most `limit`. */
  idsByPrefix(prefix: string, queues: readonly string[], limit: number): Promise<readonly string[]>;
  /** @param position as an earlier look has given it; null: from now on */
  news(queues: readonly string[], position: string | null): Promise<News>;

  /**
   * Writes what a run tells of itself.
   *
   * @param percent for other programs; null: that stays as it is
   * @returns false when the lock is gone: nothing was written
   */
  keepReport(at: Place, token: string, report: string, percent: number | null): Promise<boolean>;
  /** Keeps this for the next run, as durably as a job. @returns false when the lock is gone: nothing was written */
  keepCheckpoint(at: Place, token: string, text: string): Promise<boolean>;
  checkpoint(at: Place): Promise<string | null>;
  dropCheckpoint(at: Place): Promise<void>;
  /** Adds lines to the log of a job, in this order. They go with the job, as do its report and its checkpoint. */
  appendLog(at: Place, lines: readonly string[], room: LogRoom): Promise<LogAppended>;
  /** Some lines of the log, and how many come before them: `from`, unless the log has become shorter. */
  log(at: Place, from: number): Promise<{ readonly lines: readonly string[]; readonly from: number }>;

  /** The values of these keys, in their order. */
  get(keys: readonly string[]): Promise<readonly (string | null)[]>;
  /** @param options `ifAbsent`: only where there is none. `ttlMs`: it is gone after that. @returns whether it was written */
  set(key: string, value: string, options?: { readonly ifAbsent?: boolean; readonly ttlMs?: number }): Promise<boolean>;
  /** Replaces `before` (null: none) by `after` (null: none), at once. False: something else was there. */
  swap(key: string, before: string | null, after: string | null): Promise<boolean>;
  /** @returns how many were there */
  remove(keys: readonly string[]): Promise<number>;

  /** A table of its own under each name: fields and their values. */
  fields(table: string): Promise<ReadonlyMap<string, string>>;
  /**
   * Some of the fields, about `count`. Whoever goes on to the end is told each field that was there all the time, perhaps twice.
   *
   * @param after as an earlier page has given it in `next`; null: from the beginning
   */
  someFields(table: string, after: string | null, count: number): Promise<FieldsPage>;
  field(table: string, field: string): Promise<string | null>;
  /** @param options `ifAbsent`: only where the field is not there. @returns whether it was written */
  setField(table: string, field: string, value: string, options?: { readonly ifAbsent?: boolean }): Promise<boolean>;
  /** Replaces `before` (null: none) by `after` (null: none), at once. False: something else was there. */
  swapField(table: string, field: string, before: string | null, after: string | null): Promise<boolean>;
  /** At once, unless `from.field` is not `from.value` any more: that field goes, and `to.field` gets `to.value`. False: it was not. */
  mergeFields(table: string, from: FieldValue, to: FieldValue): Promise<boolean>;
  /** @returns how many were there */
  removeFields(table: string, fields: readonly string[]): Promise<number>;

  readonly limits: LimitStore;
  readonly moves: MoveStore;

  publish(topic: string, text: string): void;
  /** @returns ends the subscription */
  subscribe(topic: string, hear: (text: string) => void): Promise<() => void>;
  /** The clock of the datastore, Unix ms. */
  clockMs(): Promise<number>;
  close(): Promise<void>;
}
