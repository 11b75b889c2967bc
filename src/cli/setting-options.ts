/** Command-line options as settings: the strongest source of all. */
import type { Config, Settings } from '../app/settings/config.ts';
import { currentFolder, findTaskModules, namedTaskModules, type TaskModules } from '../app/project/project.ts';
import { UsageError } from '../job/errors.ts';
import { checkTimeLimits } from '../job/job-options.ts';
import { answerSettings } from '../app/settings/sources.ts';
import { type Given, parseConfig, type Setting, SETTINGS } from '../app/settings/settings-table.ts';
import {
  type Context,
  type OptionSpec,
  size,
  someTime,
  TIME_LIMIT_NAMES,
  type Values,
  wholeNumber,
} from './command.ts';

/** Every setting, from options and from all other sources. What was found beside them and is not used goes to stderr. */
export async function settingsOf({ values, env, tell }: Context): Promise<Settings> {
  const settings = await answerSettings(givenByOptions(values), currentFolder(), env);
  for (const notice of settings.notices) tell(notice);
  return settings;
}

/** The options of a command that set `keys`. */
export function settingOptions(...keys: readonly (keyof Config)[]): Readonly<Record<string, OptionSpec>> {
  return Object.assign({}, ...keys.map((key) => settingOption(key)));
}

/** The same for one, with the command's own help. */
export function settingOption(key: keyof Config, ownHelp?: string): Readonly<Record<string, OptionSpec>> {
  const { option, short, value, help, kind } = SETTINGS[key];
  if (option === undefined || help === undefined) return {};
  const type = kind.form === 'flag' ? 'boolean' : 'string';
  const multiple = kind.form === 'texts' || kind.form === 'names';
  return { [option]: { type, short, value, among: kind.among, multiple, help: ownHelp ?? help } };
}

/**
 * The settings that were given as options.
 *
 * @param keys those that the command has as options; an option of another may have a meaning of its own there
 * @throws UsageError naming the option: a wrong one is wrong usage, whichever it is
 */
export function givenByOptions(values: Values, keys: readonly string[] = Object.keys(SETTINGS)): Given {
  const settings = Object.entries(SETTINGS).filter(([key]) => keys.includes(key));
  const config = Object.fromEntries(settings.map(([key, setting]) => [key, valueOf(setting, values)] as const));
  const given = parseConfig(config, {
    where: 'the options',
    base: currentFolder(),
    nameOf: ({ option }) => option && `--${option}`,
    code: 'FSQ_USAGE',
  });
  checkTimeLimits(given, TIME_LIMIT_NAMES);
  return given;
}

type Reader = (values: Values, name: string, most?: number) => unknown;

/** How an option of each form is read, as a configuration file would say it; undefined where it was not given. @throws UsageError */
const READERS: Readonly<Record<NonNullable<Setting['kind']['form']>, Reader>> = {
  flag: (values, name) => values.flag(name) || undefined,
  text: (values, name) => values.text(name),
  texts: (values, name) => (values.list(name).length === 0 ? undefined : values.list(name)),
  names: (values, name) => (values.list(name).length === 0 ? undefined : namesIn(values.list(name))),
  count: (values, name, most = Number.MAX_SAFE_INTEGER) => wholeNumber(values.text(name), name, 1, most),
  time: (values, name) => someTime(values.text(name), name),
  size: (values, name) => size(values.text(name), name),
};

function valueOf({ option, kind }: Setting, values: Values): unknown {
  return option && kind.form && READERS[kind.form](values, option, kind.most);
}

/** `--env A,B --env C`, and `--env ''` for none. */
function namesIn(lists: readonly string[]): readonly string[] {
  return lists.flatMap((list) => list.split(',')).flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
}

/** The task modules that a command works with. @throws UsageError (FSQ_NO_TASKS) saying where it looked */
export function findModules(settings: Settings): TaskModules {
  const modules = modulesOf(settings);
  // A worker that runs commands needs none.
  if (modules.files.length > 0 || settings.allowExec) return modules;
  throw new UsageError(
    `Found no task module. Looked for:\n${modules.searched.map((place) => `  ${place}`).join('\n')}\n` +
      "Make a tasks.ts that calls task('name', fn), or name a module with --tasks.",
    'FSQ_NO_TASKS',
  );
}

/** The task modules that the settings name, or else those of the project. @throws UsageError when a named one is not there */
export function modulesOf({ tasks, tasksBase, projectRoot }: Settings): TaskModules {
  return tasks === null ? findTaskModules(projectRoot) : namedTaskModules(tasks, tasksBase);
}
