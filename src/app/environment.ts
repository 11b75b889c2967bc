/** FSQ_* variables as settings. */
import { CHILD_MARK } from '../broker/broker.ts';
import { UsageError } from '../job/errors.ts';
import { format } from '../job/format.ts';
import { suggest } from '../job/suggest.ts';
import { checkConfig } from './config-checks.ts';
import type { Config } from './settings.ts';

/** Variables of a process. Not by Node's name for it: declarations must not need @types/node. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a variable sets, and how its text becomes the value that the checks of settings look at. */
type Reader = readonly [key: keyof Config, read: (text: string, name: string) => unknown];

const VARIABLES: Readonly<Record<string, Reader>> = {
  FSQ_SPOOL: ['spool', (text) => text],
  FSQ_FSYNC: ['fsync', flag],
  FSQ_TASKS: ['tasks', (text) => text.split(',').map((name) => name.trim())],
  FSQ_IMPORT: ['import', (text) => text.split(',').map((name) => name.trim())],
  FSQ_ALWAYS_EAGER: ['alwaysEager', flag],
  FSQ_RESULT_TTL: ['resultTtl', (text) => text],
  FSQ_LOG_LEVEL: ['logLevel', (text) => text],
  FSQ_ALLOW_NETWORK_FS: ['allowNetworkFs', flag],
  FSQ_ALLOW_UNSAFE: ['allowUnsafe', flag],
  FSQ_CONCURRENCY: ['concurrency', wholeNumber],
  FSQ_START_TIMEOUT: ['startTimeout', (text) => text],
  FSQ_TIME_LIMIT: ['timeLimit', (text) => text],
  FSQ_SOFT_TIME_LIMIT: ['softTimeLimit', (text) => text],
  FSQ_MAX_TASKS_PER_CHILD: ['maxTasksPerChild', wholeNumber],
  FSQ_MAX_MEMORY_PER_CHILD: ['maxMemoryPerChild', (text) => text],
  FSQ_SHUTDOWN_TIMEOUT: ['shutdownTimeout', (text) => text],
  FSQ_STACKS: ['stacks', flag],
};

/** Variables that are no settings, with what they may be; null: anything. */
const OTHERS: Readonly<Record<string, readonly string[] | null>> = {
  FSQ_LOG_FORMAT: ['text', 'colour', 'json'],
  FSQ_WATCH: ['0', '1'],
  FSQ_DEBUG: null,
  [CHILD_MARK]: null,
};

/** @throws UsageError (FSQ_CONFIG) naming the variable, what was wanted and what came. An empty one counts as none. */
export function readEnvironment(env: Environment): Config {
  for (const [name, known] of Object.entries(OTHERS)) {
    const text = env[name] ?? '';
    if (text !== '' && known !== null && !known.includes(text))
      throw new UsageError(`Expected ${name} to be one of ${known.join(', ')}, got ${format(text)}`, 'FSQ_CONFIG');
  }
  const values = Object.entries(VARIABLES).flatMap(([name, [key, read]]) => {
    const text = env[name] ?? '';
    return text === '' ? [] : [[key, read(text, name)] as const];
  });
  const nameOf = (key: string): string => Object.keys(VARIABLES).find((name) => VARIABLES[name]?.[0] === key) ?? key;
  return checkConfig(Object.fromEntries(values), { where: 'the environment', nameOf });
}

/** A sentence for each FSQ_* variable that means nothing: most are misspelt. */
export function unknownVariables(env: Environment): readonly string[] {
  const known = [...Object.keys(VARIABLES), ...Object.keys(OTHERS)];
  return Object.keys(env)
    .filter((name) => name.startsWith('FSQ_') && !known.includes(name))
    .map((name) => {
      const near = suggest(name, known);
      return `The variable ${name} is none that fsq knows and does nothing${near === null ? '.' : `; did you mean ${near}?`}`;
    });
}

function flag(text: string, name: string): boolean {
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
  throw new UsageError(`Expected ${name} to be 1 or 0, got ${format(text)}`, 'FSQ_CONFIG');
}

/** What is no such number stays text: the check then shows it as it was given. */
function wholeNumber(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}
