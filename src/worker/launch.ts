/** How a child is started: what the settings of its worker come to for it. */
import { randomBytes } from 'node:crypto';
import type { Settings } from '../app/settings/config.ts';
import { brokerOptions } from '../app/settings/sources.ts';
import { CHILD_MARK } from '../broker/worker-side.ts';
import type { ChildOptions } from './child.ts';
import { childEnvironment } from './environment.ts';
import type { LogFormat } from './log.ts';
import { REPORT_MODULES } from './messages.ts';
import type { TaskModules } from './task-modules.ts';

export interface Launch {
  readonly options: ChildOptions;
  /** Modules that the child imports first, as for `node --import`. */
  readonly imports: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** How long it may take until it has imported its modules, ms. */
  readonly startTimeoutMs: number;
}

/** What a worker gives all its children. */
export interface LaunchPlan {
  readonly settings: Settings;
  readonly modules: TaskModules;
  readonly queues: readonly string[] | null;
  readonly logFormat: LogFormat;
}

/** One start: each has a mark of its own. `parent`: the worker's name among owners. */
export function launchOf({ settings, modules, queues, logFormat }: LaunchPlan, parent: string): Launch {
  const { logLevel, stacks, redact, configFile, startTimeoutMs } = settings;
  const { timeLimitMs, softTimeLimitMs, maxTasksPerChild: maxTasks, maxMemoryPerChildBytes: maxMemoryBytes } = settings;
  const env = childEnvironment(process.env, settings.env, process.platform === 'win32');
  // What tasks send themselves goes where their worker works, also when only options named the spool and allowed its place.
  env['FSQ_SPOOL'] = settings.spool;
  if (settings.allowNetworkFs) env['FSQ_ALLOW_NETWORK_FS'] = '1';
  if (settings.allowUnsafe) env['FSQ_ALLOW_UNSAFE'] = '1';
  // Not among the options: the arguments of a process can be seen by everybody on the machine.
  env[CHILD_MARK] = randomBytes(8).toString('hex');
  if (modules.isWatched) env[REPORT_MODULES] = '1';
  const options: ChildOptions = {
    broker: brokerOptions(settings),
    parent,
    queues,
    queueLimits: [...settings.queueLimits],
    modules: modules.files,
    logLevel,
    logFormat,
    stacks,
    // No option of the command line sets it, so it is the file's.
    redactFrom: redact === null ? null : configFile,
    limits: { timeLimitMs, softTimeLimitMs },
    retirement: maxTasks === null && maxMemoryBytes === null ? null : { maxTasks, maxMemoryBytes },
  };
  return { options, imports: modules.imports, env, startTimeoutMs };
}
