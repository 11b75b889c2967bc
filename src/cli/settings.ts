/** Command-line options as settings: the strongest source of all. */
import { checkConfig } from '../app/config-checks.ts';
import { currentFolder } from '../app/project.ts';
import { type Config, resolveSettings, type Settings } from '../app/settings.ts';
import { UsageError } from '../job/errors.ts';
import type { Context } from './command.ts';
import { messageText } from './report.ts';
import { size, someTime, type Values, wholeNumber } from './options.ts';

/** Every setting, from options and from all other sources. What was found beside them and is not used goes to stderr. */
export async function settingsOf({ who, values, env, stderr }: Context): Promise<Settings> {
  const settings = await resolveSettings(settingsFrom(values), currentFolder(), env);
  for (const notice of settings.notices) stderr.write(messageText(who, notice));
  return settings;
}

/** The settings that were given as options. @throws UsageError naming the option: a wrong one is wrong usage, whichever it is */
export function settingsFrom(values: Values): Config {
  const aDuration = (name: string): number | undefined => someTime(values.text(name), name);
  const given = {
    spool: values.text('spool'),
    tasks: values.list('tasks').length === 0 ? undefined : values.list('tasks'),
    import: values.list('import').length === 0 ? undefined : values.list('import'),
    logLevel: values.text('log-level'),
    allowNetworkFs: values.flag('allow-network-fs') ? true : undefined,
    env: values.list('env').length === 0 ? undefined : namesIn(values.list('env')),
    timeLimit: aDuration('time-limit'),
    softTimeLimit: aDuration('soft-time-limit'),
    maxTasksPerChild: wholeNumber(
      values.text('max-tasks-per-child'),
      'max-tasks-per-child',
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    maxMemoryPerChild: size(values.text('max-memory-per-child'), 'max-memory-per-child'),
    shutdownTimeout: aDuration('shutdown-timeout'),
    concurrency: wholeNumber(values.text('concurrency'), 'concurrency', 1, 512),
  };
  const { timeLimit, softTimeLimit } = given;
  if (timeLimit !== undefined && softTimeLimit !== undefined && softTimeLimit >= timeLimit)
    throw new UsageError('Expected --soft-time-limit to be shorter than --time-limit');
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return checkConfig(set, { where: 'the options', nameOf: optionName, code: 'FSQ_USAGE' });
}

function optionName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `--env A,B --env C`, and `--env ''` for none. */
function namesIn(lists: readonly string[]): readonly string[] {
  return lists.flatMap((list) => list.split(',')).flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
}
