/** With which options, modules and environment a child is started: read off the settings of its worker. */
import type { Settings } from '../app/settings/config.ts';
import { brokerOptions, placeVariables, withoutLogin } from '../app/settings/place.ts';
import { CHILD_MARK, type QueueOrder } from '../broker/worker-side.ts';
import type { ChildOptions } from './child.ts';
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

/** The part that all children of a worker share. */
export interface LaunchPlan {
  readonly settings: Settings;
  readonly modules: TaskModules;
  readonly queues: readonly string[] | null;
  readonly order: QueueOrder;
  readonly logFormat: LogFormat;
  /** Children tell what became of each job; default false. */
  readonly tellsRuns?: boolean;
  /** A child takes no further job once one has failed for good there; default false. Who wants that ends the worker when it hears of it. */
  readonly stopsAtFailure?: boolean;
}

/** One start: each has a mark of its own. `parent`: the worker's name among owners. */
export function launchOf(
  { settings, modules, queues, order, logFormat, tellsRuns = false, stopsAtFailure = false }: LaunchPlan,
  parent: string,
): Launch {
  const { slots, logLevel, stacks, redact, configFile, startTimeoutMs, jobLogBytes: logBytes } = settings;
  const { timeLimitMs, softTimeLimitMs, maxTasksPerChild: maxTasks, maxMemoryPerChildBytes: maxMemoryBytes } = settings;
  // Jobs that tasks send go to the worker's own place, also when only options of the command line named it and allowed it.
  const env: NodeJS.ProcessEnv = {
    ...childEnvironment(process.env, settings.env, process.platform === 'win32'),
    ...placeVariables(settings),
  };
  if (settings.allowNetworkFs) env['FSQ_ALLOW_NETWORK_FS'] = '1';
  if (settings.allowUnsafe) env['FSQ_ALLOW_UNSAFE'] = '1';
  // Not among the options: the arguments of a process can be seen by everybody on the machine.
  // Loaded here: a command that only lists tasks must not pay for it.
  env[CHILD_MARK] = process.getBuiltinModule('node:crypto').randomBytes(8).toString('hex');
  if (modules.isWatched) env[REPORT_MODULES] = '1';
  const options: ChildOptions = {
    broker: withoutLogin(brokerOptions(settings)),
    parent,
    queues,
    order: { kind: order.kind, weights: order.kind === 'age' ? [] : [...order.weights] },
    queueLimits: [...settings.queueLimits],
    modules: modules.files,
    slots,
    allowsExec: settings.allowExec,
    logBytes,
    logLevel,
    logFormat,
    stacks,
    // No option of the command line sets it, so it is the file's.
    redactFrom: redact === null ? null : configFile,
    timeLimits: { timeLimitMs, softTimeLimitMs },
    retirement: maxTasks === null && maxMemoryBytes === null ? null : { maxTasks, maxMemoryBytes },
    tellsRuns,
    stopsAtFailure,
  };
  return { options, imports: modules.imports, env, startTimeoutMs };
}

/**
 * Variables without which fsq, Node.js or a loader would not work as in the worker. Not every NODE_*: npm keeps its
 * token in NODE_AUTH_TOKEN. No proxies: their addresses hold passwords.
 */
const NEEDED: ReadonlySet<string> = new Set(
  [
    'PATH HOME USER LOGNAME SHELL TERM TZ LANG LANGUAGE TMPDIR TMP TEMP LD_LIBRARY_PATH NO_COLOR FORCE_COLOR',
    'NODE_ENV NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_ICU_DATA NODE_NO_WARNINGS NODE_DEBUG',
    'UV_THREADPOOL_SIZE NODE_COMPILE_CACHE NODE_DISABLE_COMPILE_CACHE NODE_V8_COVERAGE',
    'SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERPROFILE APPDATA LOCALAPPDATA',
  ].flatMap((names) => names.split(' ')),
);
const NEEDED_PREFIXES: readonly string[] = ['FSQ_', 'LC_'];

/**
 * The variables that a child gets of `env`. Pure.
 *
 * @param allowed names besides those that are needed; null: everything
 * @param ignoresCase true where names of variables are the same in any case, as on Windows
 */
export function childEnvironment(
  env: NodeJS.ProcessEnv,
  allowed: readonly string[] | null,
  ignoresCase: boolean,
): NodeJS.ProcessEnv {
  // Of systemd: what a worker or a drain starts must not speak for it.
  const { NOTIFY_SOCKET: _socket, WATCHDOG_USEC: _usec, WATCHDOG_PID: _pid, ...rest } = env;
  if (allowed === null) return rest;
  const inCase = (name: string): string => (ignoresCase ? name.toUpperCase() : name);
  const named = new Set(allowed.map(inCase));
  const isKept = (name: string): boolean =>
    named.has(name) || NEEDED.has(name) || NEEDED_PREFIXES.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(Object.entries(rest).filter(([name]) => isKept(inCase(name))));
}
