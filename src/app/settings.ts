/** Settings and where they come from: what the caller gives, FSQ_* variables, fsq.config.*, defaults, in this order. */
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrokerOptions } from '../broker/open.ts';
import { byteSize, type ByteSize } from '../job/byte-size.ts';
import { type Duration, durationMs } from '../job/duration.ts';
import { UsageError } from '../job/errors.ts';
import { format } from '../job/format.ts';
import { reasonOf } from '../job/realm.ts';
import type { Redact } from '../job/redaction.ts';
import type { RunLimits } from '../job/run-limits.ts';
import { isRecord } from '../job/tail.ts';
import { checkConfig, type LogLevel } from './config-checks.ts';
import { type Environment, readEnvironment, unknownVariables } from './environment.ts';
import { type LimitOptions, toQueueLimits } from './limit-options.ts';
import { loadModule, loadModuleHere } from './load-module.ts';
import { findConfigFile, isFolderThere, packageFolder, unreadConfigFiles } from './project.ts';

export { LOG_LEVELS, type LogLevel } from './config-checks.ts';

/** What `fsq.config.*`, `createApp` and the command line may set; each is optional. */
export interface Config {
  /** The spool's directory, relative to the file that says it. Default: `spool` beside the nearest package.json. FSQ_SPOOL. */
  readonly spool?: string;
  /** False: a job counts as accepted before it is on disk; only a power cut can then lose it. Default true. FSQ_FSYNC. */
  readonly fsync?: boolean;
  /** Task modules, or folders of them. Default: found by name. FSQ_TASKS, separated by commas. */
  readonly tasks?: string | readonly string[];
  /** What a worker's children import first, as for `node --import`: a loader of TypeScript, a tracer. FSQ_IMPORT, separated by commas. */
  readonly import?: string | readonly string[];
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
  /** What says where the spool lies: a setting, the nearest package.json, or nothing but the current folder. */
  readonly spoolFrom: 'setting' | 'package' | 'folder';
  readonly fsync: boolean;
  /** Null: find them by name. Otherwise relative to `tasksBase`. */
  readonly tasks: readonly string[] | null;
  readonly tasksBase: string;
  /** As `node --import` takes them: URLs, or names of packages. */
  readonly imports: readonly string[];
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
  /** The folder with the nearest package.json; without one that of the configuration file, or else the current folder. */
  readonly projectRoot: string;
  /** What was found beside the settings and is not used, a sentence each: misspelt variables, a second configuration file. */
  readonly notices: readonly string[];
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
export async function resolveSettings(given: Config, cwd: string, env: Environment): Promise<Settings> {
  const packageRoot = packageFolder(cwd);
  const configFile = findConfigFile(cwd);
  const configFolder = configFile === null ? null : dirname(configFile);
  const root = packageRoot ?? configFolder ?? cwd;
  const fromFile = configFile === null ? {} : checkConfig(await readConfig(configFile), { where: configFile });
  const sources = [
    { config: checkConfig(given, { where: 'the options' }), base: cwd, isFile: false },
    { config: readEnvironment(env), base: cwd, isFile: false },
    { config: fromFile, base: configFolder ?? root, isFile: true },
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
    ...spoolPlace(
      sources.find(({ config }) => config.spool !== undefined),
      packageRoot ?? configFolder,
      cwd,
    ),
    fsync: pick('fsync') ?? true,
    tasks: tasks === undefined ? null : typeof tasks === 'string' ? [tasks] : tasks,
    tasksBase: baseOf('tasks'),
    imports: [pick('import') ?? []].flat().map((module) => importable(module, baseOf('import'))),
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
    notices: [...unknownVariables(env), ...unreadConfigFiles([cwd, root, configFolder ?? root], configFile)],
  };
}

/** What of the settings a broker is opened with: for every process that opens one, so that all agree. Plain data. */
export function brokerOptions(settings: Settings): BrokerOptions {
  const { spool, fsync, resultTtlMs, allowNetworkFs, allowUnsafe } = settings;
  return { path: spool, fsync, resultTtlMs, allowNetworkFs, allowUnsafe };
}

/**
 * The `redact` that a configuration file sets: functions do not travel to another process, so each reads it for itself.
 *
 * @throws UsageError (FSQ_CONFIG) also when it sets none: texts that were to be redacted must not go out as they are
 */
export async function readRedact(configFile: string): Promise<Redact> {
  const { redact } = checkConfig(await readConfig(configFile, loadModule), { where: configFile });
  if (redact !== undefined) return redact;
  throw new UsageError(`Expected \`redact\` in ${configFile}, which had it when the worker started`, 'FSQ_CONFIG');
}

async function readConfig(path: string, load = loadModuleHere): Promise<unknown> {
  try {
    const module = await load(path);
    return isRecord(module) || typeof module === 'object' ? (module as { default?: unknown }).default : undefined;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} cannot be loaded: ${reasonOf(error)}`, 'FSQ_CONFIG', { cause: error });
  }
}

/** A path as the URL of the file, which is the same from every folder; the name of a package, or a URL, as it is. */
function importable(module: string, base: string): string {
  return /^\.{0,2}\//.test(module) ? pathToFileURL(resolve(base, module)).href : module;
}

/**
 * Where the spool lies.
 *
 * @param said by the strongest source that names it
 * @param project the folder of the project; null where nothing marks one
 * @throws UsageError when it would lie in a current folder that has been removed: it would be made anew there
 */
function spoolPlace(
  said: { readonly config: Config; readonly base: string; readonly isFile: boolean } | undefined,
  project: string | null,
  cwd: string,
): Pick<Settings, 'spool' | 'spoolFrom'> {
  const path = said?.config.spool ?? 'spool';
  const isByFolder = said === undefined ? project === null : !said.isFile && !isAbsolute(path);
  if (isByFolder && !isFolderThere(cwd)) {
    throw new UsageError(
      `The current folder has been removed, and the spool ${format(path)} would lie in it. Give an absolute path (--spool, FSQ_SPOOL or \`spool\` in fsq.config), or start in a folder that is there.`,
      'FSQ_CONFIG',
    );
  }
  const spool = resolve(said?.base ?? project ?? cwd, path);
  return { spool, spoolFrom: isByFolder ? 'folder' : said === undefined ? 'package' : 'setting' };
}

/** @throws UsageError */
function checkLimits(softMs: number | null, hardMs: number | null): void {
  if (softMs === null || hardMs === null || softMs < hardMs) return;
  throw new UsageError(
    `Expected \`softTimeLimit\` to be shorter than \`timeLimit\`, got ${softMs} ms and ${hardMs} ms: jobs would be killed before they are asked to end`,
    'FSQ_CONFIG',
  );
}
