/** Settings and where they come from: what the caller gives, FSQ_* variables, fsq.config.*, defaults, in this order. */
import { dirname, resolve } from 'node:path';
import { byteSize, type ByteSize } from '../job/byte-size.ts';
import { type Duration, durationMs } from '../job/duration.ts';
import { UsageError } from '../job/errors.ts';
import { format } from '../job/format.ts';
import type { Redact } from '../job/redaction.ts';
import type { RunLimits } from '../job/run-limits.ts';
import { isRecord } from '../job/tail.ts';
import { checkConfig, type LogLevel } from './config-checks.ts';
import { type LimitOptions, toQueueLimits } from './limit-options.ts';
import { loadModule } from './load-module.ts';
import { findConfigFile, projectRoot } from './project.ts';

export { LOG_LEVELS, type LogLevel } from './config-checks.ts';

/** What `fsq.config.*`, `createApp` and the command line may set; each is optional. */
export interface Config {
  /** The spool's directory, relative to the file that says it. Default: `spool` beside the nearest package.json. FSQ_SPOOL. */
  readonly spool?: string;
  /** False: a job counts as accepted before it is on disk; only a power cut can then lose it. Default true. FSQ_FSYNC. */
  readonly fsync?: boolean;
  /** Task modules, or folders of them. Default: found by name. FSQ_TASKS, separated by commas. */
  readonly tasks?: string | readonly string[];
  /** Run tasks inline at `delay()`, with the same trip through JSON; for tests. Default false. FSQ_ALWAYS_EAGER. */
  readonly alwaysEager?: boolean;
  /** How long outcomes are kept. Default '1d'. FSQ_RESULT_TTL. */
  readonly resultTtl?: Duration;
  /** What a worker says. Default 'info'. FSQ_LOG_LEVEL. */
  readonly logLevel?: LogLevel;
  /** True: use a spool on a network file system, where jobs may run twice. Default false. FSQ_ALLOW_NETWORK_FS. */
  readonly allowNetworkFs?: boolean;
  /** True: use a spool that other users of the machine could change. Default false. FSQ_ALLOW_UNSAFE. */
  readonly allowUnsafe?: boolean;
  /** Child processes of a worker, 1 to 512. Default: the number of processors. FSQ_CONCURRENCY. */
  readonly concurrency?: number;
  /** How long a worker's child may take to import its modules before it is killed and replaced. Default '1m'. FSQ_START_TIMEOUT. */
  readonly startTimeout?: Duration;
  /** Longest run of a job that has no `timeLimit` of its own; then its process and all it started are killed. FSQ_TIME_LIMIT. */
  readonly timeLimit?: Duration;
  /** When the `signal` of a job without a `softTimeLimit` of its own is aborted. Less than `timeLimit`. FSQ_SOFT_TIME_LIMIT. */
  readonly softTimeLimit?: Duration;
  /** Limits of queues, by name, over all workers of the spool that have this setting: `{ mail: { rateLimit: '10/s' } }`. */
  readonly queues?: Readonly<Record<string, LimitOptions>>;
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
  /** Absolute path. */
  readonly spool: string;
  readonly fsync: boolean;
  /** Null: find them by name. Otherwise relative to `tasksBase`. */
  readonly tasks: readonly string[] | null;
  readonly tasksBase: string;
  readonly alwaysEager: boolean;
  readonly resultTtlMs: number;
  readonly logLevel: LogLevel;
  readonly allowNetworkFs: boolean;
  readonly allowUnsafe: boolean;
  readonly concurrency: number | null;
  readonly startTimeoutMs: number;
  /** Null: none, as with the four below. */
  readonly timeLimitMs: number | null;
  readonly softTimeLimitMs: number | null;
  readonly maxTasksPerChild: number | null;
  readonly maxMemoryPerChildBytes: number | null;
  readonly shutdownTimeoutMs: number | null;
  readonly queueLimits: ReadonlyMap<string, RunLimits>;
  readonly stacks: boolean;
  /** Null: texts of errors stay as they are. */
  readonly redact: Redact | null;
  /** Null: children get the whole environment. */
  readonly env: readonly string[] | null;
  /** Absolute path of fsq.config.*, or null when there is none. */
  readonly configFile: string | null;
  /** The folder with the nearest package.json. */
  readonly projectRoot: string;
}

/** Gives `fsq.config.ts` its types: `export default defineConfig({ spool: './jobs' })`. */
export function defineConfig(config: Config): Config {
  return config;
}

/**
 * Answers every setting.
 *
 * @param given by the caller: the strongest
 * @throws UsageError (FSQ_CONFIG) naming the setting, what was wanted and what came
 */
export async function resolveSettings(given: Config, cwd: string, env: NodeJS.ProcessEnv): Promise<Settings> {
  const root = projectRoot(cwd);
  const configFile = findConfigFile(cwd);
  const fromFile = configFile === null ? {} : checkConfig(await readConfig(configFile), configFile);
  const fromEnv = checkConfig(readEnvironment(env), 'the environment');
  const sources = [
    { config: checkConfig(given, 'the options'), base: cwd },
    { config: fromEnv, base: cwd },
    { config: fromFile, base: configFile === null ? root : dirname(configFile) },
  ];
  const pick = <K extends keyof Config>(key: K): Config[K] | undefined =>
    sources.find(({ config }) => config[key] !== undefined)?.config[key];
  const baseOf = (key: keyof Config): string => sources.find(({ config }) => config[key] !== undefined)?.base ?? root;
  const tasks = pick('tasks');
  const limitMs = (key: 'timeLimit' | 'softTimeLimit' | 'shutdownTimeout'): number | null => {
    const duration = pick(key);
    return duration === undefined ? null : durationMs(duration, key);
  };
  const maxMemory = pick('maxMemoryPerChild');
  checkLimits(limitMs('softTimeLimit'), limitMs('timeLimit'));
  return {
    spool: resolve(baseOf('spool'), pick('spool') ?? 'spool'),
    fsync: pick('fsync') ?? true,
    tasks: tasks === undefined ? null : typeof tasks === 'string' ? [tasks] : tasks,
    tasksBase: baseOf('tasks'),
    alwaysEager: pick('alwaysEager') ?? false,
    resultTtlMs: durationMs(pick('resultTtl') ?? '1d', 'resultTtl'),
    logLevel: pick('logLevel') ?? 'info',
    allowNetworkFs: pick('allowNetworkFs') ?? false,
    allowUnsafe: pick('allowUnsafe') ?? false,
    concurrency: pick('concurrency') ?? null,
    startTimeoutMs: durationMs(pick('startTimeout') ?? '1m', 'startTimeout'),
    timeLimitMs: limitMs('timeLimit'),
    softTimeLimitMs: limitMs('softTimeLimit'),
    maxTasksPerChild: pick('maxTasksPerChild') ?? null,
    maxMemoryPerChildBytes: maxMemory === undefined ? null : byteSize(maxMemory, 'maxMemoryPerChild'),
    shutdownTimeoutMs: limitMs('shutdownTimeout'),
    queueLimits: toQueueLimits(pick('queues') ?? {}),
    stacks: pick('stacks') ?? env['NODE_ENV'] !== 'production',
    redact: pick('redact') ?? null,
    env: pick('env') ?? null,
    configFile,
    projectRoot: root,
  };
}

/**
 * The `redact` that a configuration file sets: functions do not travel to another process, so each reads it for itself.
 *
 * @throws UsageError (FSQ_CONFIG) also when it sets none: texts that were to be redacted must not go out as they are
 */
export async function readRedact(configFile: string): Promise<Redact> {
  const { redact } = checkConfig(await readConfig(configFile), configFile);
  if (redact !== undefined) return redact;
  throw new UsageError(`Expected \`redact\` in ${configFile}, which had it when the worker started`, 'FSQ_CONFIG');
}

async function readConfig(path: string): Promise<unknown> {
  try {
    const module = await loadModule(path);
    return isRecord(module) || typeof module === 'object' ? (module as { default?: unknown }).default : undefined;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
      'FSQ_CONFIG',
      { cause: error },
    );
  }
}

function readEnvironment(env: NodeJS.ProcessEnv): Record<string, unknown> {
  const text = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const number = (name: string): number | undefined => (text(name) === undefined ? undefined : Number(text(name)));
  const values = {
    spool: text('FSQ_SPOOL'),
    fsync: flag(text('FSQ_FSYNC'), 'FSQ_FSYNC'),
    tasks: text('FSQ_TASKS')
      ?.split(',')
      .map((name) => name.trim()),
    alwaysEager: flag(text('FSQ_ALWAYS_EAGER'), 'FSQ_ALWAYS_EAGER'),
    resultTtl: text('FSQ_RESULT_TTL'),
    logLevel: text('FSQ_LOG_LEVEL'),
    allowNetworkFs: flag(text('FSQ_ALLOW_NETWORK_FS'), 'FSQ_ALLOW_NETWORK_FS'),
    allowUnsafe: flag(text('FSQ_ALLOW_UNSAFE'), 'FSQ_ALLOW_UNSAFE'),
    concurrency: number('FSQ_CONCURRENCY'),
    startTimeout: text('FSQ_START_TIMEOUT'),
    timeLimit: text('FSQ_TIME_LIMIT'),
    softTimeLimit: text('FSQ_SOFT_TIME_LIMIT'),
    maxTasksPerChild: number('FSQ_MAX_TASKS_PER_CHILD'),
    maxMemoryPerChild: text('FSQ_MAX_MEMORY_PER_CHILD'),
    shutdownTimeout: text('FSQ_SHUTDOWN_TIMEOUT'),
    stacks: flag(text('FSQ_STACKS'), 'FSQ_STACKS'),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function flag(text: string | undefined, name: string): boolean | undefined {
  if (text === undefined) return undefined;
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
  throw new UsageError(`Expected ${name} to be 1 or 0, got ${format(text)}`, 'FSQ_CONFIG');
}

/** @throws UsageError */
function checkLimits(softMs: number | null, hardMs: number | null): void {
  if (softMs === null || hardMs === null || softMs < hardMs) return;
  throw new UsageError(
    `Expected \`softTimeLimit\` to be shorter than \`timeLimit\`, got ${softMs} ms and ${hardMs} ms: jobs would be killed before they are asked to end`,
    'FSQ_CONFIG',
  );
}
