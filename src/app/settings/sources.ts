/** Where settings come from: what the caller gives, FSQ_* variables, fsq.config.*, defaults, in this order. */
import { dirname } from 'node:path';
import { CHILD_MARK } from '../../broker/worker-side.ts';
import { UsageError } from '../../job/errors.ts';
import { checkTimeLimits } from '../../job/job-options.ts';
import { didYouMean, format } from '../../job/text.ts';
import { isOptions, isRecord, reasonOf } from '../../job/values/realm.ts';
import type { Redact } from '../../job/failure.ts';
import type { Config, Settings } from './config.ts';
import { loadModule, loadModuleHere } from '../project/load-module.ts';
import { findConfigFile, packageFolder, unreadConfigFiles } from '../project/project.ts';
import { type Environment, type Giver, placeFrom } from './place.ts';
import { answersOf, type Given, parseConfig, SETTINGS, type Source } from './settings-table.ts';

/** Variables that are no settings, with what they may be; null: anything. */
export const OTHER_VARIABLES: Readonly<Record<string, readonly string[] | null>> = {
  FSQ_LOG_FORMAT: ['text', 'colour', 'json'],
  FSQ_WATCH: ['0', '1'],
  FSQ_DEBUG: null,
  FSQ_UI_TOKEN: null,
  [CHILD_MARK]: null,
};

/** `config` where it may hold settings: what they say is asked when they are first needed. @throws UsageError (FSQ_CONFIG) */
export function asConfig(config: Config): Config {
  if (isOptions(config)) return config;
  throw new UsageError(`Expected the settings of createApp() as an object, got ${format(config)}`, 'FSQ_CONFIG');
}

/**
 * Answers every setting.
 *
 * @param config by the caller: the strongest
 * @throws UsageError (FSQ_CONFIG) naming the setting, what was wanted and what came
 */
export async function resolveSettings(config: Config, cwd: string, env: Environment): Promise<Settings> {
  return answerSettings(parseConfig(config, { where: 'the options', base: cwd }), cwd, env);
}

/** The same, for settings that the caller has parsed. */
export async function answerSettings(given: Given, cwd: string, env: Environment): Promise<Settings> {
  const packageRoot = packageFolder(cwd);
  const configFile = findConfigFile(cwd);
  const configFolder = configFile === null ? null : dirname(configFile);
  const root = packageRoot ?? configFolder ?? cwd;
  const givers: readonly Giver[] = [
    { kind: 'caller', given, base: cwd, nameOf: (key) => `\`${key}\`` },
    {
      kind: 'variables',
      given: givenByVariables(env, cwd),
      base: cwd,
      nameOf: (key) => SETTINGS[key].variable ?? key,
    },
    {
      kind: 'file',
      given: await givenByFile(configFile),
      base: configFolder ?? root,
      nameOf: (key) => `\`${key}\` in ${configFile ?? 'fsq.config'}`,
    },
  ];
  const answers = answersOf(
    givers.map((giver) => giver.given),
    env['NODE_ENV'] === 'production',
  );
  checkTimeLimits(answers, undefined, 'FSQ_CONFIG');
  const place = placeFrom(givers, answers.spool, packageRoot ?? configFolder, cwd);
  return {
    ...answers,
    ...place,
    tasksBase: givers.find((giver) => giver.given.tasks !== undefined)?.base ?? root,
    configFile,
    projectRoot: root,
    notices: [
      ...place.notices,
      ...unknownVariables(env),
      ...unreadConfigFiles([cwd, root, configFolder ?? root], configFile),
    ],
  };
}

/**
 * The `redact` that a configuration file sets: functions do not travel to another process, so each reads it for itself.
 *
 * @throws UsageError (FSQ_CONFIG) also when it sets none: texts that were to be redacted must not go out as they are
 */
export async function readRedact(configFile: string): Promise<Redact> {
  const { redact } = parseConfig(await readConfig(configFile, loadModule), fileSource(configFile));
  if (redact !== undefined) return redact;
  throw new UsageError(`Expected \`redact\` in ${configFile}, which had it when the worker started`, 'FSQ_CONFIG');
}

/** @throws UsageError (FSQ_CONFIG) naming the variable, what was wanted and what came. An empty one counts as none. */
function givenByVariables(env: Environment, cwd: string): Given {
  for (const [name, known] of Object.entries(OTHER_VARIABLES)) {
    const text = env[name] ?? '';
    if (text !== '' && known !== null && !known.includes(text))
      throw new UsageError(`Expected ${name} to be one of ${known.join(', ')}, got ${format(text)}`, 'FSQ_CONFIG');
  }
  const values = Object.entries(SETTINGS).flatMap(([key, { variable = '', kind }]) => {
    const text = env[variable] ?? '';
    return text === '' ? [] : [[key, kind.fromText?.(text, variable) ?? text] as const];
  });
  return parseConfig(Object.fromEntries(values), {
    where: 'the environment',
    base: cwd,
    nameOf: ({ variable }) => variable,
  });
}

/** A sentence for each FSQ_* variable that means nothing: most are misspelt. */
function unknownVariables(env: Environment): readonly string[] {
  const known = [...Object.values(SETTINGS).flatMap(({ variable = [] }) => variable), ...Object.keys(OTHER_VARIABLES)];
  return Object.keys(env)
    .filter((name) => name.startsWith('FSQ_') && !known.includes(name))
    .map((name) => `The variable ${name} is none that fsq knows and does nothing${didYouMean(name, known, '.')}`);
}

async function givenByFile(configFile: string | null): Promise<Given> {
  return configFile === null ? {} : parseConfig(await readConfig(configFile), fileSource(configFile));
}

function fileSource(configFile: string): Source {
  return { where: configFile, base: dirname(configFile) };
}

async function readConfig(path: string, load = loadModuleHere): Promise<unknown> {
  try {
    const module = await load(path);
    return isRecord(module) || typeof module === 'object' ? (module as { default?: unknown }).default : undefined;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = reasonOf(error);
    // Node puts the path of a JSON file before what is wrong with it.
    const why = reason.startsWith(`${path}: `) ? reason.slice(path.length + 2) : reason;
    throw new UsageError(`${path} cannot be loaded: ${why}`, 'FSQ_CONFIG', { cause: error });
  }
}
