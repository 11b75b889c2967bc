/**
 * The seam between fsq and the place that keeps jobs: the questions of programs that send jobs or look at them. Those of a worker
 * are in worker-side.ts. `app` and `worker` know only these interfaces; test/conformance tests each promise for every broker.
 */
import type { FsqError } from '../job/errors.ts';
import type { JobRecord } from '../job/job.ts';
import type { Uniqueness } from '../job/job-options.ts';
import type { JsonValue } from '../job/values/json.ts';
import type { LogLine } from '../job/values/log-lines.ts';
import type { OwnerInfo } from './common/owner-info.ts';
import type { Arrival, Departure, UnfinishedMove } from './moving.ts';
import type { NewJob, StandIn } from './new-job.ts';
import type { ScheduleStore } from './schedules.ts';
import type { Statistics } from './statistics.ts';
import type { Changed, EveryJobOptions, Looks, NamedJob, Sighting, StorePart, Unended, Whereabouts } from './sights.ts';
import type { Consumer, ConsumerOptions, Keeper, KeeperOptions } from './worker-side.ts';

export type { OwnerInfo } from './common/owner-info.ts';
export type { NewJob, StandIn } from './new-job.ts';

export type {
  Changed,
  EveryJobOptions,
  Known,
  Look,
  Looks,
  NamedJob,
  Sighting,
  StorePart,
  Unended,
  Whereabouts,
} from './sights.ts';

export interface Broker {
  /** The name of the place that keeps the jobs, for people: a path or an address. */
  readonly place: string;
  /** True when there was none and opening it made it. */
  readonly isNew: boolean;
  /**
   * Names a job while it runs, fails or is lost: unique, ordered by time within this process.
   *
   * @param hasOwnTtl true where the job, or perhaps its task, says how long its outcome is kept, or other jobs may need it. Default false
   */
  nextId(hasOwnTtl?: boolean): string;
  /**
   * Accepts jobs. When it resolves, each survives the death of any process and, with fsync on, a power cut (P1).
   * A job whose `etaMs` lies ahead waits for it.
   *
   * @throws SpoolError with `uncertain` empty: surely none is queued; otherwise: those may be
   */
  enqueue(jobs: readonly NewJob[]): Promise<void>;
  /**
   * Accepts a job as `enqueue` does, unless another of its task stands for the key. Of many that come together, from whatever
   * processes, one is accepted; a producer that dies or stops on the way neither holds the key nor causes a second.
   *
   * @returns the job that stands for the key now. One that is accepted may have got another id than `job` says
   * @throws SpoolError as `enqueue` does
   */
  enqueueUnique(job: NewJob, uniqueness: Uniqueness): Promise<StandIn>;
  /** Where the job is now; null when there is none. An `id` must have passed `checkId`. @param was as of `changed`, of this one */
  find(id: string, was?: Whereabouts | null): Promise<Sighting | null>;
  /** The job's outcome, or null when it has none yet; cheaper than `find`. */
  outcome(id: string): Promise<JobRecord | null>;
  /**
   * What the job's runs have printed, from `position` on: 0, or where an earlier part ended. A part is never all of a long log: the end
   * is where no line comes. Without lines also where there is no such job, or it has printed nothing.
   */
  log(id: string, position: number): Promise<LogPart>;
  /** The last that the job's runs have printed, which costs no more of a long log: some hundred lines, or fewer where they are long. */
  logEnd(id: string): Promise<LogEnd>;
  /** What the runs of the job keep for the next one; undefined: nothing, or nothing that can be read. */
  checkpointed(id: string): Promise<JsonValue | undefined>;
  /**
   * Those of many jobs that look different from when `seen` was given their mark (null: never), by their ids. One look for all. A job that
   * moves just then may be missed, and so is one that is nowhere.
   *
   * @param whereWas a job that has not ended is looked for there first: where it still is, that spares a look through all names. Null: nobody knows
   */
  changed(
    seen: ReadonlyMap<string, string | null>,
    whereWas?: (id: string) => Whereabouts | null,
  ): Promise<ReadonlyMap<string, Changed>>;
  /**
   * Looks at every job of the store, some at a time, without holding them: at those that are there, in the order of their sending, then at each that
   * has changed. A job that changes twice between two looks is given once, with all that its record tells, and an outcome is left out only if it
   * is forgotten again before the next look. Ends after those that are there, or when `signal` aborts.
   */
  everyJob(options: EveryJobOptions): AsyncGenerator<Looks, void, undefined>;
  /**
   * Waits for the job's outcome. Null when `signal` aborts first.
   *
   * @param signal null: nothing ends the wait but the outcome
   * @param isSurelyThere true right after `enqueue`: spares the search of the whole store
   * @throws UnknownJobError when there is no such job
   */
  waitForOutcome(id: string, signal: AbortSignal | null, isSurelyThere: boolean): Promise<JobRecord | null>;
  /**
   * Revokes jobs: a job that waits never starts, one that runs is told to end. Needs no worker, and may be called again.
   *
   * @returns the answer for each id; an id is missing where there is no such job
   */
  revoke(ids: readonly string[], options?: RevokeOptions): Promise<ReadonlyMap<string, Revocation>>;
  /**
   * Sends ended jobs back to where they wait, with their history: those that failed, were revoked or expired. Retries and crashes are
   * counted anew, and they do not expire any more. When it resolves that is as durable as a job that was just accepted.
   *
   * @returns the answer for each id: null when it was sent back, else why not; an id is missing where there is no such job
   */
  retry(ids: readonly string[], options?: RetryOptions): Promise<ReadonlyMap<string, FsqError | null>>;
  /**
   * Forgets the outcomes of jobs that have ended, durably, with all that is kept beside them. Waits a few seconds where a power cut at this
   * moment would make the job run again.
   *
   * @returns the answer for each id; an id is missing where there is no such job
   */
  forget(ids: readonly string[]): Promise<ReadonlyMap<string, Forgetting>>;
  /**
   * Does what a worker does in its rounds: forgets outcomes whose time is over, and removes what stands for nothing any more. Workers may run
   * meanwhile.
   *
   * @returns how much of each kind has gone, or would go
   */
  tidy(options?: TidyOptions): Promise<Tidied>;
  /** From now on no job of `queue` is begun, by any worker, until `resume`; running jobs go on. False: it was paused already. */
  pause(queue: string): Promise<boolean>;
  /** False: it was not paused. */
  resume(queue: string): Promise<boolean>;
  /** The queues that are paused, sorted; also those that have no jobs. */
  paused(): Promise<readonly string[]>;
  readonly schedules: ScheduleStore;
  /** Ids that start with `prefix`, at most `limit`. */
  idsByPrefix(prefix: string, limit: number): Promise<readonly string[]>;
  /**
   * At most `limit` jobs that are wanted: those that run, those to run first, then those that were sent last and have ended.
   *
   * @param mayBeWanted asked of each job that has not ended before it is read, in this order; false spares that, and it is not wanted; 'no more':
   * nor are those that come behind it in its state
   */
  list(
    states: readonly ListedState[],
    limit: number,
    isWanted?: (sighting: Sighting) => boolean,
    mayBeWanted?: (job: NamedJob) => boolean | 'no more',
  ): Promise<readonly Sighting[]>;
  /**
   * Every job that has not ended, each once, told without reading any. A job that moves just then may be told where it was, or be missed: the
   * next look has it, or it has its outcome.
   */
  unended(): Promise<readonly Unended[]>;
  /** @param backlog a look at the ready jobs of a moment ago: they are not counted anew */
  counts(backlog?: Backlog): Promise<Counts>;
  backlog(): Promise<Backlog>;
  /** What workers have counted of the jobs of this store, those that have ended too. What cannot be read counts for nothing. */
  statistics(): Promise<Statistics>;
  /** The room that is left where the jobs are kept; null where that cannot be told. */
  room(): Promise<Room | null>;
  /** What the place is made of, with what each part means, for people. Takes some tens of ms at most. */
  parts(): Promise<readonly StorePart[]>;
  /** What is restored after the machine lost its power; null when nothing is. The only question that is answered before that. */
  restoring(): Promise<Restoring | null>;
  /**
   * Every process known here, and whether it provably lives or is dead.
   *
   * @param patienceMs asks each also how soon its event loop turns, and waits so long for those that do not answer at once. A broker opened for many
   * looks goes on waiting between them, and tells for how long. Absent: where it has to ask, it does not
   */
  owners(patienceMs?: number): Promise<readonly OwnerInfo[]>;
  consumer(options: ConsumerOptions): Promise<Consumer>;
  keeper(options: KeeperOptions): Promise<Keeper>;
  /**
   * Begins to move jobs from here to another place, or goes on with that.
   *
   * @param to the other place, for people
   * @throws SpoolError (FSQ_MOVING) while another process does, or while jobs arrive here
   */
  departure(to: string): Promise<Departure>;
  /**
   * The other end of a move.
   *
   * @param id that of the departure
   * @param mayBegin false: it must have begun
   * @returns null where it has not
   * @throws SpoolError (FSQ_MOVING) while another process does, or while another move is not finished
   */
  arrival(from: string, id: string, mayBegin: boolean): Promise<Arrival | null>;
  /** The move to or from here that is not finished; null where there is none. */
  unfinishedMove(): Promise<UnfinishedMove | null>;
  close(): Promise<void>;
}

/** A part of what a job has printed. */
export interface LogPart {
  readonly lines: readonly LogLine[];
  /** Where the next part begins. */
  readonly position: number;
}

/** The last of what a job has printed. */
export interface LogEnd {
  readonly lines: readonly LogLine[];
  /** False: there are lines before these. */
  readonly isWhole: boolean;
}

/**
 * What came of revoking a job. `revoked`: it has that outcome now and never runs again. `requested`: it runs, or ran when
 * its process died; that it is to end is durable, and its outcome will be `revoked` unless it ended before it heard of it.
 * `ended`: it had ended before, and nothing was changed.
 */
export type Revocation = 'revoked' | 'requested' | 'ended';

/**
 * What came of forgetting an outcome. `forgotten`: nobody finds it any more. `unfinished`: the job has not ended, and nothing was changed.
 * `recorded`: it stays for now, because the store still needs it, and may be asked for again.
 */
export type Forgetting = 'forgotten' | 'unfinished' | 'recorded';

export interface RevokeOptions {
  /** Kill the process that runs the job, with all it has started, instead of asking the task to end. Default false. */
  readonly terminate?: boolean;
}

export interface RetryOptions {
  /** Send nothing back, only answer: what would come of it if nothing changes meanwhile. Default false. */
  readonly dryRun?: boolean;
}

export interface TidyOptions {
  /** Remove nothing, only count. Default false. */
  readonly dryRun?: boolean;
}

/** What was removed, by its kind. */
export interface Tidied {
  readonly outcomes: number;
  /** Of jobs that dead processes were about to send. */
  readonly drafts: number;
  /** Records of processes that are dead. */
  readonly owners: number;
  /** Keys that stood for no job. */
  readonly keys: number;
  /** What lay beside jobs that are gone. */
  readonly beside: number;
  /** Of the journals of dead processes. */
  readonly segments: number;
  /** Dead processes that stay, and the jobs that they hold: a worker sends these back first. */
  readonly left: { readonly owners: number; readonly jobs: number };
}

/** Which jobs a listing is of; absent: all. */
export type ListedState = 'pending' | 'delayed' | 'running' | 'results';

/** Jobs that a power cut broke or lost become whole again before anything else is done with the store. */
export interface Restoring {
  /** Segments of the journal that are read for it. */
  readonly segments: number;
  /** The process that does it, and since when, Unix ms; null while none does. */
  readonly pid: number | null;
  readonly sinceMs: number | null;
}

/** What this user may still write, and what there is in all. */
export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** 0 where there are as many as are needed, as is `totalInodes`. */
  readonly freeInodes: number;
  readonly totalInodes: number;
  /** So little is left that the broker itself makes room. */
  readonly isTight: boolean;
}

/** How many jobs are where. Outcomes that are forgotten are not counted. */
export interface Counts {
  readonly pending: number;
  readonly delayed: number;
  readonly running: number;
  readonly results: number;
  /** What was set aside because it cannot be read. Absent where nothing is: such a job is among the results, and its failure says so. */
  readonly corrupt?: number;
}

/** What waits for a worker, told by reading one job at most. */
export interface Backlog {
  /** The ready job that was enqueued first; absent where none is, or it has moved just now. */
  readonly oldest?: Sighting;
  /** When the oldest ready job was enqueued, Unix ms; null when none is ready or no id tells its time. */
  readonly oldestAtMs: number | null;
  /** How many ready jobs each queue holds; queues without any are left out. */
  readonly queues: Readonly<Record<string, number>>;
  /** What lies among the ready jobs, is named like none, and so never runs; at most a hundred. */
  readonly foreign: readonly string[];
}
