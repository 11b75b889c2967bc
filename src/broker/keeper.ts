/** What a worker's supervisor asks of a broker. */
import type { JobOptions } from '../job/job.ts';
import type { Ending } from '../job/lifecycle.ts';
import type { LimitRules } from '../job/run-limits.ts';
import type { BrokerEvent } from './events.ts';
import type { Instruction } from './hints.ts';
import type { QueueOrder } from './queues.ts';

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
