/**
 * The table of settings: the name of each in a configuration, in the environment and on the command line, its kind, and its
 * default. Everything that reads or shows settings goes by this table.
 */
import { type FsqErrorCode, UsageError } from '../../job/errors.ts';
import { didYouMean, format } from '../../job/text.ts';
import { isOptions } from '../../job/values/realm.ts';
import { type Config, LOG_LEVELS, type Settings } from './config.ts';
import * as kinds from './setting-kinds.ts';

/** Fields of `Settings` that no setting gives. */
type Found = 'spoolFrom' | 'tasksBase' | 'configFile' | 'projectRoot' | 'notices';
type Field = Exclude<keyof Settings, Found>;

/** The settings that one source gives, as values in force; a relative spool or task module stays as it was given. */
export type Given = { readonly [F in Field]?: NonNullable<Settings[F]> };

interface Row<F extends Field> {
  /** Its name in `Settings`. */
  readonly field: F;
  readonly kind: kinds.Kind<NonNullable<Settings[F]>>;
  readonly variable?: string;
  /** Of a command line, without its dashes. */
  readonly option?: string;
  readonly short?: string;
  /** Stands for the option's value in the help. */
  readonly value?: string;
  /** Of the option; absent: it is among the options of every command, with its help. */
  readonly help?: string;
  /** The value where no source sets it, as a configuration would write it; null: none. */
  readonly default: null extends Settings[F] ? null : NonNullable<unknown>;
  /** The default where NODE_ENV is 'production'; absent: the same. */
  readonly inProduction?: NonNullable<unknown>;
}

export type Setting = { readonly [F in Field]: Row<F> }[Field];

export const SETTINGS: Readonly<Record<keyof Config, Setting>> = {
  spool: { field: 'spool', kind: kinds.path, variable: 'FSQ_SPOOL', option: 'spool', default: 'spool' },
  broker: { field: 'broker', kind: kinds.address, variable: 'FSQ_BROKER', default: null },
  fsync: { field: 'fsync', kind: kinds.flag, variable: 'FSQ_FSYNC', default: true },
  tasks: {
    field: 'tasks',
    kind: kinds.paths,
    variable: 'FSQ_TASKS',
    option: 'tasks',
    value: 'PATH',
    help: 'task module or folder; may be repeated (default: tasks.* and tasks/ of the project)',
    default: null,
  },
  import: {
    field: 'imports',
    kind: kinds.imports,
    variable: 'FSQ_IMPORT',
    option: 'import',
    value: 'MODULE',
    help: 'import this first in each child, as node --import does',
    default: [],
  },
  alwaysEager: { field: 'alwaysEager', kind: kinds.flag, variable: 'FSQ_ALWAYS_EAGER', default: false },
  resultTtl: { field: 'resultTtlMs', kind: kinds.resultTtl, variable: 'FSQ_RESULT_TTL', default: '1d' },
  jobLog: { field: 'jobLogBytes', kind: kinds.logSize, variable: 'FSQ_JOB_LOG', default: '1MB' },
  logLevel: {
    field: 'logLevel',
    kind: kinds.oneOf(LOG_LEVELS),
    variable: 'FSQ_LOG_LEVEL',
    option: 'log-level',
    short: 'l',
    value: 'LEVEL',
    help: `${LOG_LEVELS.join(', ')} (default: info)`,
    default: 'info',
  },
  allowNetworkFs: {
    field: 'allowNetworkFs',
    kind: kinds.flag,
    variable: 'FSQ_ALLOW_NETWORK_FS',
    option: 'allow-network-fs',
    help: 'use a spool on a network file system, where jobs may run twice',
    default: false,
  },
  allowUnsafe: {
    field: 'allowUnsafe',
    kind: kinds.flag,
    variable: 'FSQ_ALLOW_UNSAFE',
    option: 'allow-unsafe',
    help: 'use a spool that other users of the machine could change',
    default: false,
  },
  allowExec: {
    field: 'allowExec',
    kind: kinds.flag,
    variable: 'FSQ_ALLOW_EXEC',
    option: 'allow-exec',
    help: 'run the commands of `fsq exec`: whoever can write to the spool can have any command run',
    default: false,
  },
  concurrency: {
    field: 'concurrency',
    kind: kinds.count(512),
    variable: 'FSQ_CONCURRENCY',
    option: 'concurrency',
    short: 'c',
    value: 'N',
    help: 'child processes (default: the number of processors)',
    default: null,
  },
  slots: {
    field: 'slots',
    kind: kinds.count(1_000),
    variable: 'FSQ_SLOTS',
    option: 'slots',
    value: 'N',
    help: 'jobs at once in each child: for tasks that mostly wait (default: 1)',
    default: 1,
  },
  startTimeout: { field: 'startTimeoutMs', kind: kinds.someTime('1m'), variable: 'FSQ_START_TIMEOUT', default: '1m' },
  timeLimit: {
    field: 'timeLimitMs',
    kind: kinds.someTime('5m'),
    variable: 'FSQ_TIME_LIMIT',
    option: 'time-limit',
    value: 'TIME',
    help: 'kill jobs that run longer, such as 5m, unless they have a limit of their own (default: none)',
    default: null,
  },
  softTimeLimit: {
    field: 'softTimeLimitMs',
    kind: kinds.someTime('4m'),
    variable: 'FSQ_SOFT_TIME_LIMIT',
    option: 'soft-time-limit',
    value: 'TIME',
    help: 'tell such jobs to end after this time, by their signal (default: never)',
    default: null,
  },
  maxTasksPerChild: {
    field: 'maxTasksPerChild',
    kind: kinds.count(),
    variable: 'FSQ_MAX_TASKS_PER_CHILD',
    option: 'max-tasks-per-child',
    value: 'N',
    help: 'replace a child by a new process after N jobs',
    default: null,
  },
  maxMemoryPerChild: {
    field: 'maxMemoryPerChildBytes',
    kind: kinds.size,
    variable: 'FSQ_MAX_MEMORY_PER_CHILD',
    option: 'max-memory-per-child',
    value: 'SIZE',
    help: 'replace a child that uses more memory after a job, such as 200MB',
    default: null,
  },
  shutdownTimeout: {
    field: 'shutdownTimeoutMs',
    kind: kinds.someTime('30s'),
    variable: 'FSQ_SHUTDOWN_TIMEOUT',
    option: 'shutdown-timeout',
    value: 'TIME',
    help: 'after the first signal wait this long for jobs, then stop them (default: as long as they take)',
    default: null,
  },
  queues: { field: 'queueLimits', kind: kinds.queueLimits, default: {} },
  schedules: { field: 'schedules', kind: kinds.schedules, default: {} },
  stacks: { field: 'stacks', kind: kinds.flag, variable: 'FSQ_STACKS', default: true, inProduction: false },
  redact: { field: 'redact', kind: kinds.redaction, default: null },
  env: {
    field: 'env',
    kind: kinds.variables,
    option: 'env',
    value: 'VARIABLES',
    help: 'give children these variables only, and what Node needs (default: all)',
    default: null,
  },
};

/** Where settings come from, for the messages about them, and the folder that their paths are relative to. */
export interface Source {
  readonly where: string;
  readonly base: string;
  /** A setting's name as it is written there; absent: its own name, and where it stands. */
  readonly nameOf?: (setting: Setting) => string | undefined;
  /** Default: FSQ_CONFIG. */
  readonly code?: FsqErrorCode;
}

/** @throws UsageError naming the setting, what was wanted and what came */
export function parseConfig(config: unknown, { where, base, nameOf, code = 'FSQ_CONFIG' }: Source): Given {
  if (!isOptions(config)) {
    throw new UsageError(
      `Expected ${where} to give an object of settings (as its default export), got ${format(config)}`,
      code,
    );
  }
  const given = Object.entries(config).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const setting = settingCalled(key, where, code);
    const name = nameOf?.(setting) ?? `\`${key}\` in ${where}`;
    const parsed = setting.kind.parse(value, base, name);
    if (parsed !== undefined) return [[setting.field, parsed] as const];
    const { wanted, hint } = setting.kind;
    throw new UsageError(`Expected ${name} to be ${wanted}, got ${format(value)}${hint?.(value) ?? ''}`, code);
  });
  return Object.fromEntries(given) as Given; // Each row's kind gives what its field holds.
}

function settingCalled(key: string, where: string, code: FsqErrorCode): Setting {
  if (Object.hasOwn(SETTINGS, key)) return SETTINGS[key as keyof Config];
  throw new UsageError(`Unknown setting ${format(key)} in ${where}${didYouMean(key, Object.keys(SETTINGS))}`, code);
}

/** The first of `sources` that gives a setting decides it, and its default where none does. */
export function answersOf(sources: readonly Given[], isProduction: boolean): Pick<Settings, Field> {
  const answers = Object.values(SETTINGS).map(({ field, kind, default: usual, inProduction }) => {
    const byDefault = isProduction ? (inProduction ?? usual) : usual;
    const given = sources.find((source) => source[field] !== undefined)?.[field];
    return [field, given ?? (byDefault === null ? null : kind.parse(byDefault, '/', field))] as const;
  });
  return Object.fromEntries(answers) as unknown as Pick<Settings, Field>; // As above.
}
