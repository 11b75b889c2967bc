/** What a command line wants at its end: the name of a command, an option, or a value of some kind. Pure. */
import type { Command, OptionSpec } from '../../command.ts';

/** What a value is, by which candidates for it are found; `text` has none. */
export type ValueKind = 'job' | 'task' | 'queue' | 'schedule' | 'file' | 'folder' | 'command' | 'text';

/** The words that stand for values in usages and helps. A test demands that each word is one of these. */
const KINDS: Readonly<Record<string, ValueKind>> = {
  ID: 'job',
  TASK: 'task',
  TASKS: 'task',
  QUEUE: 'queue',
  QUEUES: 'queue',
  SCHEDULE: 'schedule',
  FILE: 'file',
  PATH: 'file',
  PLACE: 'folder',
  MODULE: 'file',
  DIR: 'folder',
  COMMAND: 'command',
  ARG: 'text',
  DATE: 'text',
  FIELD: 'text',
  JSON: 'text',
  'K=V': 'text',
  N: 'text',
  NAME: 'text',
  PORT: 'text',
  ADDRESS: 'text',
  PROGRAM: 'file',
  SIZE: 'text',
  TEXT: 'text',
  TIME: 'text',
  VARIABLES: 'text',
};

/** The kind of what `word` stands for; null when nobody has said. */
export function kindOf(word: string): ValueKind | null {
  return KINDS[word] ?? null;
}

/** Candidates that are known without looking: a value is one of these, or it is of a kind. */
export type Wanted = { readonly among: readonly string[] } | { readonly kind: ValueKind };

/** What is to be completed: its last part, `typed`, where `before` stands in front and stays. */
export interface Spot {
  readonly before: string;
  readonly typed: string;
  /** Null: nothing can stand there. */
  readonly value: Wanted | null;
  /** Options that can stand there as well, or alone. */
  readonly options: readonly (readonly [name: string, spec: OptionSpec])[];
}

/** What an option's value is. @throws nothing: an unknown word is text */
export function wantedBy({ among, value = 'TEXT' }: OptionSpec): Wanted {
  return among === undefined ? { kind: kindOf(value) ?? 'text' } : { among };
}

/** What the arguments of a command are, by its usage, such as `fsq call TASK [ARG…] [options]`; the last may come many times. */
export function argumentsOf({ usage, args }: Pick<Command, 'usage' | 'args'>): readonly Wanted[] {
  if (args === undefined) return [];
  const [first = ''] = usage.split(' | ');
  const words = first.split(' ').slice(2);
  return words
    .filter((word) => word !== '[options]' && !word.startsWith('-'))
    .map((word): Wanted => {
      const choices = word
        .replace(/[[\]…]/g, '')
        .split('|')
        .filter((one) => !one.startsWith('-'));
      const [one = ''] = choices;
      return /^[a-z]/.test(one) ? { among: choices } : { kind: kindOf(one) ?? 'text' };
    });
}

/**
 * Where the line ends.
 *
 * @param words behind the command, up to the cursor; the last, which may be empty, is to be completed
 */
export function spotIn(
  words: readonly string[],
  command: Pick<Command, 'usage' | 'args'>,
  specs: Readonly<Record<string, OptionSpec>>,
): Spot {
  const given = new Set<string>();
  const typed = words.at(-1) ?? '';
  let open: OptionSpec | null = null;
  let count = 0;
  let isOnlyArguments = false;
  for (const word of words.slice(0, -1)) {
    if (open !== null) open = null;
    else if (isOnlyArguments || !/^-./.test(word)) count++;
    else if (word === '--') isOnlyArguments = true;
    else open = readOption(word, specs, given);
  }
  const options = Object.entries(specs).filter(([name, { multiple = false }]) => multiple || !given.has(name));
  if (open !== null) return valueSpot('', typed, wantedBy(open));
  if (typed.startsWith('-') && !isOnlyArguments) {
    const [, name = '', value] = /^--([^=]+)=(.*)$/s.exec(typed) ?? [];
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (value === undefined) return { before: '', typed, value: null, options };
    return valueSpot(`--${name}=`, value, spec === undefined ? null : wantedBy(spec));
  }
  const wanted = argumentsOf(command);
  const value = (count < (command.args?.most ?? 0) ? (wanted[count] ?? wanted.at(-1)) : undefined) ?? null;
  const isOptional = value === null || count >= (command.args?.least ?? 0);
  return { before: '', typed, value, options: typed === '' && isOptional && !isOnlyArguments ? options : [] };
}

/** Notes which options `word` gives. @returns the one whose value comes next */
function readOption(word: string, specs: Readonly<Record<string, OptionSpec>>, given: Set<string>): OptionSpec | null {
  if (word.startsWith('--')) {
    const [name = '', value] = word.slice(2).split('=', 2);
    given.add(name);
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    return spec?.type === 'string' && value === undefined ? spec : null;
  }
  for (let at = 1; at < word.length; at++) {
    const [name, spec] = Object.entries(specs).find(([, { short }]) => short === word[at]) ?? [];
    if (name === undefined || spec === undefined) return null;
    given.add(name);
    if (spec.type === 'string') return at === word.length - 1 ? spec : null;
  }
  return null;
}

/** Of a value with commas the last part is completed. */
function valueSpot(before: string, typed: string, value: Wanted | null): Spot {
  const comma = typed.lastIndexOf(',') + 1;
  return { before: before + typed.slice(0, comma), typed: typed.slice(comma), value, options: [] };
}

/** The value of the last `--spool` in `words`; undefined when there is none. */
export function spoolIn(words: readonly string[]): string | undefined {
  const end = words.indexOf('--');
  const options = (end === -1 ? words : words.slice(0, end)).slice(0, -1);
  return options
    .flatMap((word, i) => {
      if (word.startsWith('--spool=')) return word.slice('--spool='.length);
      return options[i - 1] === '--spool' ? word : [];
    })
    .at(-1);
}
