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

/** What one wants to do, and the commands for it with a line on each, those that are needed first first. A test demands that each command stands here once. */
export const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Run: {
    worker: 'run jobs with child processes until told to stop',
    drain: 'run jobs until nothing is left, and exit by what became of them',
    replay: 'run a job once more in this terminal, under a debugger if you like',
  },
  Send: {
    call: 'send a job to a task and print its id',
    map: 'send a job for each line of standard input, and print what becomes of it',
    exec: 'send a job that runs a command, to a worker that allows it',
    get: 'wait for a job and print its value as JSON',
    wait: 'wait for the outcomes of jobs, and exit by them',
    schedule: 'list the schedules of the project, run one now, pause or resume them',
  },
  Look: {
    status: 'what waits, what runs, what is wrong and what to do about it',
    top: 'watch jobs, queues and workers on the whole screen, and act on them',
    ui: 'open a page that shows jobs, queues and workers, and acts on them',
    ls: 'list jobs',
    show: 'show everything of one job: its life, arguments, errors, output, its file',
    explain: 'say why a job is where it is, and what would move it',
    history: 'tell what happened to one job, one line for each event',
    logs: 'print what a job has printed',
    events: 'tell what happens to all jobs, one line for each event',
  },
  Change: {
    revoke: 'stop jobs that wait or run',
    retry: 'send jobs back that failed, were revoked or expired',
    pause: 'begin no more jobs of these queues, in any worker',
    resume: 'let the jobs of paused queues run again',
    forget: 'remove the outcomes of jobs that have ended',
    purge: 'revoke jobs that wait, or forget outcomes; asks before it does',
  },
  Measure: {
    check: 'one line and one exit code for a monitor: 0 good, 1 warning, 2 critical, 3 unknown',
    metrics: 'figures for Prometheus: what waits and runs, what has ended, how long that took',
  },
  'Set up': {
    init: 'make the spool, and a first task where the project has none',
    tasks: 'list the tasks of the project and where they are defined',
    doctor: 'check the spool and the place it lies in; repair what is safe to repair',
    gc: 'forget outcomes whose time is over, and remove what dead processes left',
    migrate: 'move what waits from one place that keeps jobs to another',
    completion: 'teach a shell to complete commands, options, and what is in the spool',
  },
};

/** The commands with the group of each, where one begins. */
function grouped(): readonly (readonly [left: string, summary: string])[] {
  const wide = Math.max(...Object.keys(GROUPS).map((group) => group.length)) + 2;
  return Object.entries(GROUPS).flatMap(([group, commands]) =>
    Object.entries(commands).map(
      ([name, summary], i) => [`${padded(i === 0 ? group : '', wide)}${name}`, summary] as const,
    ),
  );
}

/** What a command does, in one line. */
export function summaryOf(name: string): string {
  return Object.values(GROUPS).find((commands) => Object.hasOwn(commands, name))?.[name] ?? '';
}

/** Longer lines are hard to read, on however wide a terminal. */
const WIDEST = 130;

/** @param columns of the terminal; null: there is none */
export function overviewText(version: string, columns: number | null = null): string {
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
    ...inColumns(grouped(), width),
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
    ...wrapped(`fsq ${command.name}: ${summaryOf(command.name)}`, width),
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
