/** FSQ_* variables as settings. */
import { CHILD_MARK } from '../broker/broker.ts';
import { UsageError } from '../job/errors.ts';
import { format } from '../job/format.ts';
import { suggest } from '../job/suggest.ts';
import { type Given, parseConfig, SETTINGS } from './settings-table.ts';

/** Variables of a process. Not by Node's name for it: declarations must not need @types/node. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are no settings, with what they may be; null: anything. */
export const OTHER_VARIABLES: Readonly<Record<string, readonly string[] | null>> = {
  FSQ_LOG_FORMAT: ['text', 'colour', 'json'],
  FSQ_WATCH: ['0', '1'],
  FSQ_DEBUG: null,
  [CHILD_MARK]: null,
};

/** @throws UsageError (FSQ_CONFIG) naming the variable, what was wanted and what came. An empty one counts as none. */
export function givenByVariables(env: Environment, cwd: string): Given {
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
export function unknownVariables(env: Environment): readonly string[] {
  const known = [...Object.values(SETTINGS).flatMap(({ variable = [] }) => variable), ...Object.keys(OTHER_VARIABLES)];
  return Object.keys(env)
    .filter((name) => name.startsWith('FSQ_') && !known.includes(name))
    .map((name) => {
      const near = suggest(name, known);
      return `The variable ${name} is none that fsq knows and does nothing${near === null ? '.' : `; did you mean ${near}?`}`;
    });
}
