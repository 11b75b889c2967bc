/** Command-line options as settings: the strongest source of all. */
import type { Config } from '../app/settings.ts';
import { size, someTime, type Values, wholeNumber } from './options.ts';

/** The settings that were given as options; resolveSettings checks them like those of any other source. */
export function settingsFrom(values: Values): Config {
  const aDuration = (name: string): number | undefined => someTime(values.text(name), name);
  const given = {
    spool: values.text('spool'),
    tasks: values.list('tasks').length === 0 ? undefined : values.list('tasks'),
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
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** `--env A,B --env C`, and `--env ''` for none. */
function namesIn(lists: readonly string[]): readonly string[] {
  return lists.flatMap((list) => list.split(',')).flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
}
