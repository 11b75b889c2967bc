/**
 * The seam between what fsq does and where jobs are kept. `app` and `worker` know only these interfaces; what each
 * method promises is tested for every broker by test/conformance.
 */
import type { Failure } from '../job/errors.ts';
import type { Attempt, Job, JobRecord, JobState, Standing } from '../job/job.ts';
import type { Settlement } from '../job/lifecycle.ts';
import type { Uniqueness } from '../job/uniqueness.ts';
import type { BrokerEvent } from './events.ts';
import type { Keeper, KeeperOptions } from './keeper.ts';
import type { Backlog, Counts, ListedState, OwnerInfo } from './observed.ts';
import type { Hints } from './hints.ts';
import type { LimitRules } from '../job/run-limits.ts';
import type { QueueOrder } from './queues.ts';
import type { Revocation, RevokeOptions } from './revocation.ts';
import type { Soon } from './soon.ts';
import type { StandIn } from './stand-in.ts';

export type { BrokerEvent } from './events.ts';
export type { EndedRun, Keeper, KeeperOptions } from './keeper.ts';
export type { Backlog, Counts, ListedState, OwnerInfo } from './observed.ts';
export { CHILD_MARK, type Hint, type Hints, type Instruction, type TaskElsewhere } from './hints.ts';
export type { QueueOrder } from './queues.ts';
export type { Revocation, RevokeOptions } from './revocation.ts';
export type { StandIn } from './stand-in.ts';

/** A job to be accepted. */
export interface NewJob {
  readonly job: Job;
  readonly queue: string;
  readonly priority: number;
}

/** A job as found somewhere in its life. */
export interface Sighting {
  readonly id: string;
  readonly state: Exclude<JobState, 'unknown'>;
  readonly standing: Standing;
  /** Unix ms; only of a delayed job. */
  readonly dueAtMs: number | null;
  /** Who holds it; only of a running job. */
  readonly owner: string | null;
  /** When this attempt was claimed, Unix ms; only of a running job, and null where that cannot be told. */
  readonly startedAtMs: number | null;
  /** When it ended, Unix ms; only of a job that has. */
  readonly endedAtMs: number | null;
  /** Where it lies, for people: a path. */
  readonly location: string;
  /** What it holds; null when it cannot be read. */
  readonly record: JobRecord | null;
}

/** The right to run one attempt of one job. It ends with exactly one call of `settle`. */
export interface Claim {
  readonly job: Job;
  /** With the attempt counted: 1 in the first run. */
  readonly standing: Standing;
  /** The runs before this one. */
  readonly attempts: readonly Attempt[];
  /**
   * Does what was decided, durably. Waits while the disk is full, telling `onEvent`, and never runs the job again for it.
   *
   * @param run when this attempt ran; null when it did not begin
   * @throws FencedError when the claim was taken away: nothing was published
   */
  settle(settlement: Settlement, run: AttemptRun | null): Soon<void>;
}

/** When an attempt ran and what it threw, for the job's record. */
export interface AttemptRun {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly error?: Failure;
}

/** One process that runs jobs: it holds a proof of life that ends with the process. */
export interface Consumer {
  /** Its name among owners, unique for this incarnation of the process. */
  readonly owner: string;
  /**
   * The next ready job, oldest of the lowest priority number first; waits for one. Null once `signal` is aborted.
   *
   * @throws FencedError
   */
  next(signal: AbortSignal): Soon<Claim | null>;
  /** Gives up the proof of life; every claim must be settled. */
  close(): Promise<void>;
}

export interface ConsumerOptions {
  /** Queues it takes jobs from; null for all. */
  readonly queues: readonly string[] | null;
  /** Whose jobs come first; default: by age. With hints, whoever gives them sees to it. */
  readonly order?: QueueOrder;
  /** Of queues and tasks, over all consumers of the store that have them. */
  readonly limits?: LimitRules;
  /** The names of the tasks it knows, for others to see. */
  readonly tasks: readonly string[];
  /** What this process has as CHILD_MARK, unlike any other: by it, what it left running is known and killed after its death. */
  readonly mark?: string;
  /** The keeper of the worker whose process this is one of, by its name among owners. */
  readonly parent?: string;
  /** Without hints it looks out for itself. */
  readonly hints?: Hints;
  /**
   * Tells of the jobs that are revoked and have not ended: all of them, each time. A run of one that this consumer holds
   * should be ended; what was not begun is not given to it.
   */
  readonly onRevoked?: (ids: ReadonlySet<string>) => void;
  readonly onEvent?: (event: BrokerEvent) => void;
  /** With hints, a full disk at the start is waited out, as it is later; aborted: no longer. */
  readonly signal?: AbortSignal;
}

export interface Broker {
  /** Where the jobs are, for people. */
  readonly place: string;
  /** True when there was none and opening it made it. */
  readonly isNew: boolean;
  /** Names a job while it runs, fails or is lost: unique, ordered by time within this process. */
  nextId(): string;
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
  /** Where the job is now; null when there is none. An `id` must have passed `checkId`. */
  find(id: string): Promise<Sighting | null>;
  /** The job's outcome, or null when it has none yet; cheaper than `find`. */
  outcome(id: string): Promise<JobRecord | null>;
  /**
   * Waits for the job's outcome. Null when `signal` aborts first.
   *
   * @param isSurelyThere true right after `enqueue`: spares the search of the whole store
   * @throws UnknownJobError when there is no such job
   */
  waitForOutcome(id: string, signal: AbortSignal, isSurelyThere: boolean): Promise<JobRecord | null>;
  /**
   * Revokes jobs: what waits never starts, what runs is told to end. Needs no worker, and may be called again.
   *
   * @returns what came of each; an id is missing where there is no such job
   */
  revoke(ids: readonly string[], options?: RevokeOptions): Promise<ReadonlyMap<string, Revocation>>;
  /** From now on no job of `queue` is begun, by any worker, until `resume`; what runs goes on. False: it was paused already. */
  pause(queue: string): Promise<boolean>;
  /** False: it was not paused. */
  resume(queue: string): Promise<boolean>;
  /** The queues that are paused, sorted; also those that have no jobs. */
  paused(): Promise<readonly string[]>;
  /** Ids that start with `prefix`, at most `limit`. */
  idsByPrefix(prefix: string, limit: number): Promise<readonly string[]>;
  /** At most `limit` jobs that are wanted: those to run first, then those that ended last. */
  list(
    states: readonly ListedState[],
    limit: number,
    isWanted?: (sighting: Sighting) => boolean,
  ): Promise<readonly Sighting[]>;
  /** @param backlog what was seen a moment ago of the ready jobs: they are not counted anew */
  counts(backlog?: Backlog): Promise<Counts>;
  backlog(): Promise<Backlog>;
  /** Every process known here, with what can be proved of its life. */
  owners(): Promise<readonly OwnerInfo[]>;
  consumer(options: ConsumerOptions): Promise<Consumer>;
  keeper(options: KeeperOptions): Promise<Keeper>;
  close(): Promise<void>;
}
