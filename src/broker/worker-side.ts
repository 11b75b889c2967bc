/** The worker's side of a broker: a keeper for its supervisor, a consumer for each of its children, and claims. */
import type { Failure } from '../job/errors.ts';
import type { Attempt, Job, Standing } from '../job/job.ts';
import type { JobOptions } from '../job/job-options.ts';
import type { Ending, Settlement } from '../job/lifecycle.ts';
import type { LimitRules } from '../job/queue-limits.ts';
import type { JsonValue } from '../job/values/json.ts';
import type { ProgressReport } from '../job/values/progress.ts';
import type { BrokerEvent } from './common/broker-event.ts';
import type { Loss } from './common/restarts.ts';
import type { Soon } from './soon.ts';
import type { Figures } from './statistics.ts';
import type { SendingOfTasks } from './task-sending.ts';

export type { BrokerEvent } from './common/broker-event.ts';

/** What a run shows of itself, and keeps, beside its job. It stays there as long as the job's outcome. */
export interface BesideJob {
  /**
   * Shows how far the run is. The last report of a run can be found no later than how it ended. Never throws: where the store
   * refuses, a report may be lost.
   */
  progress(report: ProgressReport): void;
  /** Shows for which jobs the run waits without an end; []: for none any more. Never throws, as `progress`. */
  waitsFor(ids: readonly string[]): void;
  /**
   * Keeps `value` for the next run of the job, in the place of what was kept before. When it resolves that is as durable as an
   * accepted job. It goes when the job succeeds. Waits while the disk is full.
   *
   * @throws FencedError when the claim was taken away; SpoolError when the store refuses; UsageError when the run has ended
   */
  checkpoint(value: JsonValue): Promise<void>;
  /** What this run or one before it kept last; undefined when there is none. @throws SpoolError */
  checkpointed(): JsonValue | undefined;
}

/** The right to run one attempt of one job. It ends with exactly one call of `settle`. */
export interface Claim extends BesideJob {
  readonly job: Job;
  /** With the attempt counted: 1 in the first run. */
  readonly standing: Standing;
  /** The runs before this one. */
  readonly attempts: readonly Attempt[];
  /** Of a job that was sent back after its end: the attempts up to this one count no more. Absent: it was not. */
  readonly again?: number;
  /**
   * Keeps what the run has printed, in the job's log: all that was printed can be read no later than how the run ended. Never throws:
   * where the store refuses, nothing more is kept, and `onEvent` is told.
   */
  print(stream: 'stdout' | 'stderr', text: string | Uint8Array): void;
  /**
   * Carries out the decision, durably. Waits while the disk is full, telling `onEvent`, and never runs the job again for it.
   *
   * @param run when this attempt ran; null when it did not begin
   * @throws FencedError when the claim was taken away: nothing was published
   */
  settle(settlement: Settlement, run: AttemptRun | null): Soon<void>;
}

/** The times of an attempt and its error, for the job's record. */
export interface AttemptRun {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly error?: Failure;
}

/** One process that runs jobs: it holds a proof of life that ends with the process. */
export interface Consumer {
  /** Its name among owners, unique for this incarnation of the process. */
  readonly owner: string;
  /** The next ready job, oldest of the lowest priority number first; waits for one. Null once `signal` is aborted. @throws FencedError */
  next(signal: AbortSignal): Soon<Claim | null>;
  /**
   * Takes this one job, if it is found ready: a run of this process waits for it. May be called while `next` waits. Absent: it cannot.
   *
   * @param queue that of the run's own job: the other is likely to be of it, or of the default one. null: search for it, at some cost
   * @throws FencedError
   */
  take?(id: string, queue: string | null): Promise<Claim | null>;
  /** Gives up the proof of life; every claim must be settled. */
  close(): Promise<void>;
}

export interface ConsumerOptions {
  /** Queues it takes jobs from; null for all. */
  readonly queues: readonly string[] | null;
  /** Whose jobs come first; default: by age. With a line the keeper sees to it, but for jobs that the consumer finds by itself. */
  readonly order?: QueueOrder;
  /** Of queues and tasks, over all consumers of the store that have them. */
  readonly limits?: LimitRules;
  /** The names of the tasks it knows, for others to see. */
  readonly tasks: readonly string[];
  /** What these tasks say of where their jobs wait, for others who send some. */
  readonly sending?: SendingOfTasks;
  /** How many jobs it runs at once, for others to see. Default 1. */
  readonly slots?: number;
  /** Of a worker's child: the worker's keeper, by its name among owners. */
  readonly parent?: string;
  /** Of a worker's child: how it and the keeper hear of each other. Without a line the consumer looks out for itself. */
  readonly line?: Line;
  /**
   * Tells of the jobs that are revoked and have not ended: all of them, each time. A run of one that this consumer holds
   * should be ended. `next` gives none of them.
   */
  readonly onRevoked?: (ids: ReadonlySet<string>) => void;
  /**
   * Tells a child whose keeper has ended which jobs are revoked so that their processes are to be killed: nobody is left who would kill
   * this one. While the keeper lives, that is its part (`ChildSide.terminate`).
   */
  readonly onTerminate?: (ids: ReadonlySet<string>) => void;
  /** How much of what its runs print is kept of a job, bytes. Default 0: nothing. */
  readonly logBytes?: number;
  /**
   * Asked before a job is claimed that has lost its process again and again (`isSuspect`), for where a process runs several: it must not
   * take others with it. Resolves when nothing else works there; null when that is so now. Absent: one job runs at a time.
   */
  readonly alone?: () => Promise<void> | null;
  /** What this consumer runs may be another's now, or soon: this process must end at once, with all that it has started. */
  readonly onFenced?: (why: string) => void;
  readonly onEvent?: (event: BrokerEvent) => void;
  /** With a line, a full disk at the start is waited out, as it is later; aborted: no longer. */
  readonly signal?: AbortSignal;
}

/**
 * Between a consumer in a worker's child and the keeper in the worker. The worker carries their words as JSON and looks into none:
 * each broker has words of its own, or none. Nothing may depend on a word, because either process may die.
 */
export interface Line {
  say(word: unknown): void;
  /**
   * From now on `hear` takes the keeper's words, and `end` is called, once, when the keeper can say no more, because its process has
   * ended. Neither is called before this has returned.
   */
  listen(hear: (word: unknown) => void, end: () => void): void;
}

/** Looks after the store while a worker lives: promotes due jobs, recovers those of dead owners, expires outcomes. */
export interface Keeper {
  /** Its name among owners: that of the worker. */
  readonly owner: string;
  /**
   * These are the tasks of this worker, all of them: others are told and leave them to it, and parked jobs of theirs are ready at
   * once. From then on jobs that only others know are left to those, while they live.
   */
  know(tasks: readonly string[]): void;
  /** The consumer `owner` has begun, in a child of this process. The child's end will be told by `recover`: nobody has to look for it. */
  join(owner: string, child: ChildSide): Member;
  /**
   * Recovers the jobs of `owner`, a process that surely has ended.
   *
   * @param ending how its jobs have ended, `run` aside
   * @param run the one job of which more is known; ignored if that job had an outcome before its process ended
   * @returns whether the owner held any job; true when nobody can tell
   */
  recover(owner: string, ending: Death, run?: EndedRun): Promise<boolean>;
  /** From now on the keeper heeds these limits of tasks when it gives out jobs. */
  limitTasks(tasks: LimitRules['tasks']): void;
  /** Adds these to what `Broker.statistics` tells, within seconds, and for good: a later worker keeps them. Never throws. */
  count(figures: Figures): void;
  /** A child of this worker has ended so, and another takes its place: others see how many did, within seconds, as `OwnerInfo.restarts`. Never throws. */
  lost(why: Loss): void;
  /** Somebody has set the clock: what is due by it now is ready at once. */
  clockMoved(): void;
  /**
   * True when no job of its queues was ready or due at its last look, those of paused queues aside: what runs of its children have sent before
   * they ended is seen by then. What others have just sent may be seen a moment later.
   */
  isIdle(): boolean;
  /** Null when no child of it holds a job; else resolves when none does: a retry of what they ran is ready or due only then. */
  settled(): Promise<void> | null;
  /** Why this process cannot use the store, as a look at it tells; null when it can. */
  problem(): unknown;
  close(): Promise<void>;
}

/** What a keeper can do to a child. */
export interface ChildSide {
  /** Says this to its consumer, through the line. */
  say(word: unknown): void;
  /** Has the process killed at once, because it runs this job, which is revoked so; called again until the process has ended. */
  terminate(id: string): void;
  /** Has the process killed at once, because what it runs may be another's by now; called again until the process has ended. */
  fence(why: string): void;
}

/** One run of a job, whose processes print. */
export interface PrintingJob {
  readonly id: string;
  readonly attempt: number;
  /** By the clock that nobody sets, ms (`machineMs`). */
  readonly begunAtMs: number;
}

/** A consumer that has joined, as its keeper knows it. */
export interface Member {
  /** True while the consumer waits for a job, as far as it has said. */
  readonly isIdle: boolean;
  /** Takes a word of the consumer. */
  hear(word: unknown): void;
  /**
   * Keeps what a process of the child has printed in the log of the job that the child runs, if that can be told.
   *
   * @returns false when that is better told by `printsFor`, from now on
   */
  print(stream: 'stdout' | 'stderr', chunk: Uint8Array): boolean;
  /** What is printed from now on is of this job; null: its run is about to end, and all it has printed was given. */
  printsFor(job: PrintingJob | null): void;
  /** The child takes no more jobs, or has ended. May be called again. */
  leave(): void;
}

/**
 * What the end of a process means for the jobs that it ran: it died, and nobody knows why; it was stopped on purpose; or it was killed,
 * or died, because of one of them, and the others go back uncounted.
 */
export type Death = 'crashed' | 'stopped' | 'interrupted';

/** A run that was ended together with its process. */
export interface EndedRun {
  readonly id: string;
  /** Unix ms; absent: nobody knows. */
  readonly startedAtMs?: number;
  readonly ending: Ending;
  /** What its task's registration says where the job's file says nothing. */
  readonly defaults: JobOptions;
}

export interface KeeperOptions {
  readonly queues: readonly string[] | null;
  /** Whose jobs are given out first; default: by age. */
  readonly order?: QueueOrder;
  /** Which limits the keeper heeds when it gives out jobs; a consumer heeds its own. */
  readonly limits?: LimitRules;
  /** How much of what processes of its children print is kept of a job, bytes. Default 0: nothing. */
  readonly logBytes?: number;
  /** The worker ends when nothing is left: `isIdle` of a member must be false from the moment at which it may have a job. Default false. */
  readonly isBurst?: boolean;
  readonly onEvent?: (event: BrokerEvent) => void;
  /** Aborted while the keeper waits for others before it opens: there is none, and opening it rejects. */
  readonly giveUp?: AbortSignal;
}

/**
 * The variable that a worker sets for each of its children, to a mark unlike any other; all that the child starts inherits it. A
 * broker may find by it the processes that a dead child has left running.
 */
export const CHILD_MARK = 'FSQ_CHILD';

/** In which order a worker takes the jobs of several queues; of one queue always the most urgent first, then the oldest. */
export type QueueOrder =
  /** The most urgent first, then the oldest, whatever their queue. */
  | { readonly kind: 'age' }
  /** In turns, as many of each as its weight says while all have some. */
  | { readonly kind: 'turns'; readonly weights: ReadonlyMap<string, number> }
  /** Of a queue only when those before it have nothing that may start. */
  | { readonly kind: 'listed'; readonly weights: ReadonlyMap<string, number> };

export const BY_AGE: QueueOrder = { kind: 'age' };
