/** What a worker asks of a broker: a keeper for its supervisor, a consumer for each of its children, and claims. */
import type { Failure } from '../job/errors.ts';
import type { Attempt, Job, Standing } from '../job/job.ts';
import type { JobOptions } from '../job/job-options.ts';
import type { Ending, Settlement } from '../job/lifecycle.ts';
import type { LimitRules } from '../job/queue-limits.ts';
import type { Soon } from './soon.ts';

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

/** Looks after the store while a worker lives: promotes due jobs, recovers those of dead owners, expires outcomes. */
export interface Keeper {
  /** Its name among owners: that of the worker. */
  readonly owner: string;
  /** Up to `max` names of ready jobs; [] when there are none now, and then `onReady` is called once there may be. */
  take(max: number): readonly string[];
  /** Tells whether a consumer is the lookout: what comes is left to it for a few ms before `take` gives it to others. */
  setLookout(isPosted: boolean): void;
  /**
   * These are the tasks of this worker, all of them: others are told and leave them to it, and parked jobs of theirs are ready at
   * once. From then on jobs that only others know are left to those, while they live.
   */
  know(tasks: readonly string[]): void;
  /** Tells that `owner` is a child of this process: its death will be reported by `recover`, so its life need not be probed. */
  adopt(owner: string): void;
  /**
   * Recovers what `owner`, a process that surely has ended, held.
   *
   * @param ending 'stopped' when it was ended on purpose: its jobs are ready again and no crash is counted
   * @param run the one job of which more is known than that; nothing if it had an outcome before its process ended
   * @returns whether it held any job; true when nobody can tell
   */
  recover(owner: string, ending: 'crashed' | 'stopped', run?: EndedRun): Promise<boolean>;
  /** From now on these limits of tasks hold for what is taken; those of queues are its options'. */
  limitTasks(tasks: LimitRules['tasks']): void;
  /** True when no job of its queues is ready or due, those of paused queues aside. */
  isIdle(): boolean;
  /** Why this process cannot use the store, as a look at it tells; null when it can. */
  problem(): unknown;
  close(): Promise<void>;
}

/** A run that was ended together with its process. */
export interface EndedRun {
  readonly id: string;
  readonly startedAtMs: number;
  readonly ending: Ending;
  /** What its task's registration says where the job's file says nothing. */
  readonly defaults: JobOptions;
}

export interface KeeperOptions {
  readonly queues: readonly string[] | null;
  /** Whose jobs are taken first; default: by age. */
  readonly order?: QueueOrder;
  /** Which limits `take` heeds; a consumer heeds its own. */
  readonly limits?: LimitRules;
  readonly onReady: () => void;
  /** What every consumer of the worker has to know, whenever it may be another than before. */
  readonly onInstruction?: (instruction: Instruction) => void;
  /**
   * A job that `owner`, which was adopted, runs is to be ended by killing that process at once; told again until it has ended.
   */
  readonly onTerminate?: (owner: string, id: string) => void;
  readonly onEvent?: (event: BrokerEvent) => void;
}

/** A task that another living worker knows, and its own does not. */
export interface TaskElsewhere {
  readonly task: string;
  /** The queues that the other takes jobs from; null for all. */
  readonly queues: readonly string[] | null;
}

/** What every consumer has to know while it works: all of its kind, each time. */
export type Instruction =
  /** The jobs that are revoked and run somewhere. */
  | { readonly type: 'revoked'; readonly ids: readonly string[] }
  /** The queues that are paused. */
  | { readonly type: 'paused'; readonly queues: readonly string[] }
  /** The tasks that are left to other workers. */
  | { readonly type: 'elsewhere'; readonly tasks: readonly TaskElsewhere[] };

/** What a consumer is told by the process that looks out for it. Names are hints; losing one costs time only. */
export type Hint =
  | Instruction
  /** Names of ready jobs to try. */
  | { readonly type: 'names'; readonly names: readonly string[] }
  /**
   * Whether this consumer is the lookout: of all that have nothing to do, the one that watches for itself, so that a lone job
   * reaches it without a detour. Names that are given end that too.
   */
  | { readonly type: 'lookout'; readonly isPosted: boolean }
  /** Nothing more will come: the process that gave the hints has ended. */
  | { readonly type: 'alone' };

export interface Hints {
  /**
   * Asks for names; some come, now or when there are any.
   *
   * @param isIdle false while names are left: asked early, so that the answer is there when they are used up
   */
  want(isIdle: boolean): void;
  /** `listener` is told all that comes from now on. */
  listen(listener: (hint: Hint) => void): void;
}

/** The variable that holds a consumer's mark in the environment of all that it starts. */
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

/** What a broker did on its own and a person should hear of. */
export type BrokerEvent =
  | {
      readonly kind: 'recovered';
      readonly id: string;
      readonly owner: string;
      readonly ending: Ending['kind'];
      readonly settlement: Settlement;
    }
  | { readonly kind: 'corrupt'; readonly name: string; readonly reason: string }
  | { readonly kind: 'foreign'; readonly name: string }
  /** What cannot be moved, read or removed, such as an immutable file: it is left alone for `againMs`, and all else goes on. */
  | { readonly kind: 'refused'; readonly name: string; readonly error: unknown; readonly againMs: number }
  /** Something had the name that a job was to get; it was moved away, unread. */
  | { readonly kind: 'cleared'; readonly name: string }
  /** The store is gone or read-only: the worker must end. */
  | { readonly kind: 'unusable'; readonly error: unknown }
  /** A finished step may not survive a power cut: its job would then run again. Nothing is done about it. */
  | { readonly kind: 'undurable'; readonly directory: string; readonly error: unknown }
  | { readonly kind: 'paused'; readonly error: unknown }
  | { readonly kind: 'resumed' }
  /** What a dead owner had left running was killed. */
  | { readonly kind: 'remains'; readonly owner: string; readonly processes: number }
  /** A child that was stopped, and whose worker is dead, was let go on: it ends after its job. */
  | { readonly kind: 'stood-still'; readonly owner: string }
  | { readonly kind: 'unproved'; readonly owner: string; readonly reason: string };
