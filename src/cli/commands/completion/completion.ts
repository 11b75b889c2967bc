/** `fsq completion`: the script that teaches a shell fsq's commands, and the answers that the script asks for. */
import { brokerOptions } from '../../../app/settings/place.ts';
import type { Broker } from '../../../broker/broker.ts';
import { refuse } from '../../../job/errors.ts';
import { didYouMean } from '../../../job/text.ts';
import { openBroker } from '../../../open.ts';
import { type Command, COMMON_OPTIONS, type Context, parseLine } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { settingsOf } from '../../setting-options.ts';
import { type Candidate, jobsLike, queuesKnown, schedulesKnown, tasksKnown } from './live.ts';
import { type Answer, SHELLS } from './shells.ts';
import { type Spot, spoolIn, spotIn, type ValueKind } from './spot.ts';

export const completion: Command = {
  name: 'completion',
  usage: 'fsq completion bash|zsh|fish|powershell',
  examples: [
    ['source <(fsq completion bash)', 'in ~/.bashrc'],
    ['source <(fsq completion zsh)', 'in ~/.zshrc, behind compinit'],
    ['fsq completion fish | source', 'in ~/.config/fish/config.fish'],
    ['fsq completion powershell | Out-String | Invoke-Expression', 'in the file that $PROFILE names'],
  ],
  args: { least: 1, most: Number.POSITIVE_INFINITY },
  options: {},
  notes: [
    'It prints a script. The script asks fsq at each press of Tab: ids of jobs (those sent last first), tasks, queues and schedules are those of the spool at that moment.',
    'A file does as well, and saves a start of fsq: `fsq completion bash > ~/.local/share/bash-completion/completions/fsq`.',
  ],
  run: runCompletion,
};

async function runCompletion(context: Context): Promise<number> {
  const [name = '', ...given] = context.args;
  const shell = Object.hasOwn(SHELLS, name) ? SHELLS[name] : undefined;
  const known = Object.keys(SHELLS);
  if (shell === undefined) return refuse('a shell', `one of ${known.join(', ')}`, name, didYouMean(name, known));
  if (given.length === 0) {
    context.stdout.write(shell.script);
    return EXIT.good;
  }
  const answer = await withoutOutput(() => answerTo(shell.words(given), context));
  context.stdout.write(`${[`:${answer.lookup}`, ...shell.lines(answer, given)].join('\n')}\n`);
  return EXIT.good;
}

const NOTHING: Answer = { lookup: 'words', candidates: [] };

/** A configuration is a program, and what it prints is no candidate. What goes wrong is nothing to tell in the middle of a line. */
async function withoutOutput(answer: () => Promise<Answer>): Promise<Answer> {
  const { stdout } = process;
  const { write } = stdout;
  stdout.write = () => true;
  try {
    return await answer();
  } catch {
    return NOTHING;
  } finally {
    stdout.write = write;
  }
}

/** Options before a command. */
const FIRST = ['--help', '--version'];

async function answerTo(words: readonly string[], context: Context): Promise<Answer> {
  const [name = '', ...rest] = words;
  if (rest.length === 0) return commandNames(name, context, true);
  if (name === 'help') return rest.length === 1 ? commandNames(rest[0] ?? '', context, false) : NOTHING;
  const command = await (Object.hasOwn(context.commands, name) ? context.commands[name] : undefined)?.();
  if (command === undefined) return NOTHING;
  const spot = spotIn(rest, command, { ...command.options, ...COMMON_OPTIONS });
  const { lookup, candidates } = await valuesAt(spot, spoolIn(rest), context);
  const options = spot.options.map(([option, { help }]) => ({ value: `--${option}`, about: help }));
  const shown = [...candidates.map((one) => ({ ...one, value: spot.before + one.value })), ...options];
  return { lookup, candidates: shown.filter(({ value }) => value.startsWith(spot.before + spot.typed)) };
}

async function commandNames(typed: string, context: Context, isFirst: boolean): Promise<Answer> {
  const { summaryOf } = await import('../../help.ts');
  const candidates = [
    ...Object.keys(context.commands).map((name) => ({ value: name, about: summaryOf(name) })),
    ...(isFirst ? [{ value: 'help', about: 'show the help of a command' }] : []),
    ...(isFirst && typed.startsWith('-') ? FIRST.map((value) => ({ value, about: '' })) : []),
  ];
  return { lookup: 'words', candidates: candidates.filter(({ value }) => value.startsWith(typed)) };
}

async function valuesAt({ typed, value }: Spot, spool: string | undefined, context: Context): Promise<Answer> {
  if (value === null) return NOTHING;
  if ('among' in value) return { lookup: 'words', candidates: value.among.map((one) => ({ value: one, about: '' })) };
  switch (value.kind) {
    case 'text':
      return NOTHING;
    case 'command':
      return commandNames(typed, context, false);
    case 'file':
      return { lookup: 'files', candidates: [] };
    case 'folder':
      return { lookup: 'folders', candidates: [] };
    default:
      return { lookup: 'words', candidates: await liveValues(value.kind, typed, spool, context) };
  }
}

/** Of the spool that is there: none is made. */
async function liveValues(
  kind: Exclude<ValueKind, 'text' | 'command' | 'file' | 'folder'>,
  typed: string,
  spool: string | undefined,
  context: Context,
): Promise<readonly Candidate[]> {
  // A shell expands it in what it runs, not in what it completes.
  const path = spool?.replace(/^~(?=\/|$)/, context.env['HOME'] ?? '~');
  const { values } = parseLine(path === undefined ? [] : [`--spool=${path}`], COMMON_OPTIONS);
  const settings = await settingsOf({ ...context, values, tell: () => undefined });
  const options = { ...brokerOptions(settings), mustExist: true, looksAtOnce: true, onEvent: () => undefined };
  const look: Readonly<Record<typeof kind, (broker: Broker) => Promise<readonly Candidate[]>>> = {
    job: (broker) => jobsLike(broker, typed, Date.now()),
    task: tasksKnown,
    queue: (broker) => queuesKnown(broker, [...settings.queueLimits.keys()]),
    schedule: (broker) => schedulesKnown(broker, Object.keys(settings.schedules)),
  };
  const broker = openBroker(options);
  try {
    return await look[kind](broker);
  } finally {
    await broker.close();
  }
}
