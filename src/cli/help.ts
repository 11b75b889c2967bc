/** The texts of `--help`: examples first, because that is what people copy. Pure. */
import type { Command, OptionSpec } from './command.ts';
import { padded, textWidth, wrapped } from './terminal/width.ts';

/** The first steps, and the way from one to the other. */
const OVERVIEW_EXAMPLES: readonly (readonly [string, string])[] = [
  ['fsq init', 'make a spool, and a first task where there is none'],
  ['fsq worker -c 4', 'run jobs with four child processes'],
  ['fsq call add 1 2', 'send a job; prints its id'],
  ['fsq call add 1 2 --wait', 'send a job and print its value'],
  ['fsq get 0199f3c2', 'wait for a job; a part of its id is enough'],
  ['fsq status', 'what waits, what runs, what is wrong'],
];

/** @param width of a line of the terminal; null: lines as they are, at most 130 */
export function overviewText(version: string, commands: readonly Command[], width: number | null = null): string {
  return [
    ...prose(`fsq ${version}: run functions in worker processes. A directory is the queue; there is no server.`, width),
    '',
    'Examples:',
    ...columns(OVERVIEW_EXAMPLES, width),
    '',
    'Commands:',
    ...columns(
      commands.map(({ name, summary }) => [name, summary]),
      width,
    ),
    '',
    ...prose('`fsq COMMAND --help` shows examples and options of a command, `fsq --version` the version.', width),
    '',
  ].join('\n');
}

export function commandText(
  command: Command,
  commonOptions: Readonly<Record<string, OptionSpec>>,
  width: number | null = null,
): string {
  const options = Object.entries({ ...command.options, ...commonOptions });
  return [
    ...prose(`fsq ${command.name}: ${command.summary}`, width),
    '',
    'Examples:',
    ...columns(command.examples, width),
    '',
    ...(width === null ? [`Usage: ${command.usage}`] : indented(`Usage: ${command.usage}`, width, 0)),
    '',
    'Options:',
    ...columns(
      options.map(([name, spec]) => [optionText(name, spec), spec.help]),
      width,
    ),
    ...(command.notes === undefined
      ? []
      : ['', ...(width === null ? command.notes : prose(command.notes.join(' '), width))]),
    '',
  ].join('\n');
}

function optionText(name: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** Narrower than this, the right column stands below the left one. */
const LEAST_RIGHT = 24;

/** Two columns, indented by two. */
function columns(rows: readonly (readonly [string, string])[], width: number | null): string[] {
  const left = Math.max(0, ...rows.map(([text]) => textWidth(text)));
  if (width === null) return rows.map(([one, other]) => `  ${padded(one, left)}   ${other}`);
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

function prose(text: string, width: number | null): readonly string[] {
  return width === null ? [text] : wrapped(text, width);
}
