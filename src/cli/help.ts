/** The texts of `--help`: examples first, because that is what people copy. Pure. */
import type { Command, OptionSpec } from './command.ts';
import { padded, textWidth, wrapped } from './terminal/width.ts';

/** The first steps, and the way from one to the other. */
export const OVERVIEW_EXAMPLES: readonly (readonly [string, string])[] = [
  ['fsq init', 'make a spool, and a first task where there is none'],
  ['fsq worker -c 4', 'run jobs with four child processes'],
  ['fsq call add 1 2', 'send a job; prints its id'],
  ['fsq call add 1 2 --wait', 'send a job and print its value'],
  ['fsq get 0199f3c2', 'wait for a job; a part of its id is enough'],
  ['fsq status', 'what waits, what runs, what is wrong'],
];

/** What one wants to do, and the commands for it, those that are needed first first. A test demands that each command stands here once. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Run: ['worker', 'drain', 'replay'],
  Send: ['call', 'map', 'exec', 'get', 'wait', 'schedule'],
  Look: ['status', 'top', 'ui', 'ls', 'show', 'explain', 'history', 'logs', 'events'],
  Change: ['revoke', 'retry', 'pause', 'resume', 'forget', 'purge'],
  Measure: ['check', 'metrics'],
  'Set up': ['init', 'tasks', 'doctor', 'gc', 'migrate', 'completion'],
};

/** The commands with the group of each, where one begins. */
function grouped(commands: readonly Command[]): readonly (readonly [left: string, summary: string])[] {
  const known = Object.entries(GROUPS);
  const others = commands.filter(({ name }) => !known.some(([, names]) => names.includes(name)));
  const wide = Math.max(...known.map(([group]) => group.length)) + 2;
  return [...known, ['More', others.map(({ name }) => name)] as const].flatMap(([group, names]) =>
    names
      .flatMap((name) => commands.find((command) => command.name === name) ?? [])
      .map(({ name, summary }, i) => [`${padded(i === 0 ? group : '', wide)}${name}`, summary] as const),
  );
}

/** Longer lines are hard to read, on however wide a terminal. */
const WIDEST = 130;

/** @param columns of the terminal; null: there is none */
export function overviewText(version: string, commands: readonly Command[], columns: number | null = null): string {
  const width = Math.min(columns ?? WIDEST, WIDEST);
  return [
    ...wrapped(
      `fsq ${version}: run functions in worker processes. A directory is the queue; there is no server.`,
      width,
    ),
    '',
    'Examples:',
    ...inColumns(OVERVIEW_EXAMPLES, width),
    '',
    'Commands:',
    ...inColumns(grouped(commands), width),
    '',
    ...wrapped('`fsq help COMMAND` shows examples and options of a command, `fsq --version` the version.', width),
    '',
  ].join('\n');
}

export function commandText(
  command: Command,
  commonOptions: Readonly<Record<string, OptionSpec>>,
  columns: number | null = null,
): string {
  const width = Math.min(columns ?? WIDEST, WIDEST);
  const options = Object.entries({ ...command.options, ...commonOptions });
  return [
    ...wrapped(`fsq ${command.name}: ${command.summary}`, width),
    '',
    'Examples:',
    ...inColumns(command.examples, width),
    '',
    ...indented(`Usage: ${command.usage}`, width, 0),
    '',
    'Options:',
    ...inColumns(
      options.map(([name, spec]) => [optionText(name, spec), spec.help]),
      width,
    ),
    ...(command.notes === undefined ? [] : ['', ...wrapped(command.notes.join(' '), width)]),
    '',
  ].join('\n');
}

function optionText(name: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** Narrower than this, the right column stands below the left one. */
const LEAST_RIGHT = 24;

/** Two columns, indented by two. */
function inColumns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(0, ...rows.map(([text]) => textWidth(text)));
  const right = width - left - 5;
  if (right < LEAST_RIGHT)
    return rows.flatMap(([one, other]) => [...indented(one, width, 2), ...indented(other, width, 6)]);
  return rows.flatMap(([one, other]) =>
    wrapped(other, right).map((line, i) => `  ${padded(i === 0 ? one : '', left)}   ${line}`),
  );
}

/** `text` in lines, the first behind `indent` blanks and the others behind two more. */
function indented(text: string, width: number, indent: number): readonly string[] {
  return wrapped(text, width - indent - 2).map((line, i) => ' '.repeat(i === 0 ? indent : indent + 2) + line);
}
