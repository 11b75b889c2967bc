/** The texts of `--help`: examples first, because that is what people copy. Pure. */
import type { Command, OptionSpec } from './command.ts';

/** The first steps, and the way from one to the other. */
const OVERVIEW_EXAMPLES: readonly (readonly [string, string])[] = [
  ['fsq init', 'make a spool, and a first task where there is none'],
  ['fsq worker -c 4', 'run jobs with four child processes'],
  ['fsq call add 1 2', 'send a job; prints its id'],
  ['fsq call add 1 2 --wait', 'send a job and print its value'],
  ['fsq get 0199f3c2', 'wait for a job; a part of its id is enough'],
  ['fsq status', 'what waits, what runs, what is wrong'],
];

export function overviewText(version: string, commands: readonly Command[]): string {
  return [
    `fsq ${version}: run functions in worker processes. A directory is the queue; there is no server.`,
    '',
    'Examples:',
    ...columns(OVERVIEW_EXAMPLES),
    '',
    'Commands:',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    '`fsq COMMAND --help` shows examples and options of a command, `fsq --version` the version.',
    '',
  ].join('\n');
}

export function commandText(command: Command, commonOptions: Readonly<Record<string, OptionSpec>>): string {
  const options = Object.entries({ ...command.options, ...commonOptions });
  return [
    `fsq ${command.name}: ${command.summary}`,
    '',
    'Examples:',
    ...columns(command.examples),
    '',
    `Usage: ${command.usage}`,
    '',
    'Options:',
    ...columns(options.map(([name, spec]) => [optionText(name, spec), spec.help])),
    ...(command.notes === undefined ? [] : ['', ...command.notes]),
    '',
  ].join('\n');
}

function optionText(name: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** Two columns, indented by two. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`);
}
