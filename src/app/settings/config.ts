/** The settings as a user writes them (`Config`) and as they are in force (`Settings`). The table of settings says the rest of each. */
import type { BrokerAddress } from '../../broker/broker-address.ts';
import type { ByteSize, Duration } from '../../job/units.ts';
import type { ResultTtl, ResultTtlMs } from '../../job/ended/result-ttl.ts';
import type { Redact } from '../../job/failure.ts';
import type { LimitOptions, QueueLimits } from '../../job/queue-limits.ts';
import type { Schedule, ScheduledTask, Schedules } from '../schedules/schedule-options.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What `fsq.config.*`, `createApp` and the command line may set; each is optional. */
export interface Config {
  /** The spool's directory, relative to the file that says it. Default: `spool` beside the nearest package.json. FSQ_SPOOL. */
  readonly spool?: string;
  /** Who keeps the jobs instead of a spool: an address such as 'bullmq+redis://localhost:6379/0'. Default: a spool. FSQ_BROKER. */
  readonly broker?: string;
  /** False: a job counts as accepted before it is on disk; only a power cut can then lose it. Default true. FSQ_FSYNC. */
  readonly fsync?: boolean;
  /** Task modules, or folders of them. Default: found by name. FSQ_TASKS, separated by commas. */
  readonly tasks?: string | readonly string[];
  /** What a worker's children import first, as for `node --import`: a loader of TypeScript, a tracer. FSQ_IMPORT, separated by commas. */
  readonly import?: string | readonly string[];
  /** Run tasks inline at `delay()`, with the same trip through JSON; for tests. Default false. FSQ_ALWAYS_EAGER. */
  readonly alwaysEager?: boolean;
  /** How long outcomes are kept, or by how the job ended: `{ failed: '7d' }`. Default '1d'. FSQ_RESULT_TTL, also `failed=7d`. */
  readonly resultTtl?: ResultTtl;
  /** How much of what a job prints is kept with it, from '16KB' on; false, in the variable `off`: nothing. Default '1MB'. FSQ_JOB_LOG. */
  readonly jobLog?: ByteSize | false;
  /** What a worker says. Default 'info'. FSQ_LOG_LEVEL. */
  readonly logLevel?: LogLevel;
  /** True: use a spool on a network file system, where jobs may run twice. Default false. FSQ_ALLOW_NETWORK_FS. */
  readonly allowNetworkFs?: boolean;
  /** True: use a spool that other users of the machine could change. Default false. FSQ_ALLOW_UNSAFE. */
  readonly allowUnsafe?: boolean;
  /** True: a worker runs the commands of `fsq exec`, whoever writes them into the spool. Default false. FSQ_ALLOW_EXEC. */
  readonly allowExec?: boolean;
  /** Child processes of a worker, 1 to 512. Default: the number of processors. FSQ_CONCURRENCY. */
  readonly concurrency?: number;
  /** How many jobs each child runs at once, 1 to 1,000: more than 1 for tasks that mostly wait. Default 1. FSQ_SLOTS. */
  readonly slots?: number;
  /** How long a worker's child may take to import its modules before it is killed and replaced. Default '1m'. FSQ_START_TIMEOUT. */
  readonly startTimeout?: Duration;
  /** Longest run of a job that has no `timeLimit` of its own; then its process and all it started are killed. FSQ_TIME_LIMIT. */
  readonly timeLimit?: Duration;
  /** When the `signal` of a job without a `softTimeLimit` of its own is aborted. Less than `timeLimit`. FSQ_SOFT_TIME_LIMIT. */
  readonly softTimeLimit?: Duration;
  /** Limits of queues, by name, over all workers of the spool that have this setting: `{ mail: { rateLimit: '10/s' } }`. */
  readonly queues?: Readonly<Record<string, LimitOptions>>;
  /** Jobs that workers send by themselves, each by its name: `{ nightly: { task: 'report', cron: '0 3 * * *' } }`. `defineConfig` types `args`. */
  readonly schedules?: Readonly<Record<string, Schedule>>;
  /** Jobs after which a child is replaced by a new process. FSQ_MAX_TASKS_PER_CHILD. */
  readonly maxTasksPerChild?: number;
  /** Resident memory after which a child is replaced, looked at between jobs: '200MB'. FSQ_MAX_MEMORY_PER_CHILD. */
  readonly maxMemoryPerChild?: ByteSize;
  /** How long a worker that was told to end waits for the jobs at hand; then it stops them. FSQ_SHUTDOWN_TIMEOUT. */
  readonly shutdownTimeout?: Duration;
  /** False: no stacks of errors in outcomes and logs. Default true, and false when NODE_ENV is 'production'. FSQ_STACKS. */
  readonly stacks?: boolean;
  /** Gives what may be kept of a text of an error (name, message, stack, code, of causes too) in outcomes and logs. */
  readonly redact?: Redact;
  /** Names of the variables that a worker's children get, besides those fsq and Node.js need. Default: all there are. */
  readonly env?: readonly string[];
}

/** Settings with every question answered. */
export interface Settings {
  /** Absolute path. Nothing is there where `broker` keeps the jobs. */
  readonly spool: string;
  /** Who keeps the jobs; null: the spool. With its password. */
  readonly broker: BrokerAddress | null;
  /** What says where the spool lies: a setting, the nearest package.json, or nothing but the current folder. */
  readonly spoolFrom: 'setting' | 'package' | 'folder';
  readonly fsync: boolean;
  /** Null: find them by name. Otherwise relative to `tasksBase`. */
  readonly tasks: readonly string[] | null;
  readonly tasksBase: string;
  /** As `node --import` takes them: URLs, or names of packages. */
  readonly imports: readonly string[];
  readonly alwaysEager: boolean;
  readonly resultTtlMs: ResultTtlMs;
  /** 0: nothing is kept. */
  readonly jobLogBytes: number;
  readonly logLevel: LogLevel;
  readonly allowNetworkFs: boolean;
  readonly allowUnsafe: boolean;
  readonly allowExec: boolean;
  readonly concurrency: number | null;
  /** Jobs at once in each child. */
  readonly slots: number;
  readonly startTimeoutMs: number;
  /** Null: none, as with the four below. */
  readonly timeLimitMs: number | null;
  readonly softTimeLimitMs: number | null;
  readonly maxTasksPerChild: number | null;
  readonly maxMemoryPerChildBytes: number | null;
  readonly shutdownTimeoutMs: number | null;
  readonly queueLimits: ReadonlyMap<string, QueueLimits>;
  /** As the configuration gives them; a worker reads them, a program that sends jobs does not. */
  readonly schedules: Readonly<Record<string, unknown>>;
  readonly stacks: boolean;
  /** Null: texts of errors stay as they are. */
  readonly redact: Redact | null;
  /** Null: children get the whole environment. */
  readonly env: readonly string[] | null;
  /** Absolute path of fsq.config.*, or null when there is none. */
  readonly configFile: string | null;
  /** The folder with the nearest package.json; without one that of the configuration file, or else the current folder. */
  readonly projectRoot: string;
  /** What was found beside the settings and is not used, a sentence each: misspelt variables, a second configuration file. */
  readonly notices: readonly string[];
}

/**
 * Gives `fsq.config.ts` its types: `export default defineConfig({ spool: './jobs' })`. The arguments of a schedule are those of its task,
 * where that is imported.
 */
export function defineConfig<const T extends Readonly<Record<string, string | ScheduledTask>> = {}>(
  config: Omit<Config, 'schedules'> & { readonly schedules?: Schedules<T> },
): Config {
  return config as Config; // The same, but for what is known of the arguments.
}
