/** A command: its words for `--help`, the function that does it, and its options, parsed and checked. */
import { parseArgs } from 'node:util';
import { inShell, suggest } from '../job/text.ts';
import { refuse, UsageError } from '../job/errors.ts';
import { readByteSize, readDuration } from '../job/units.ts';
import { reasonOf } from '../job/values/realm.ts';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string | undefined;
  /** Stands for the value in the help, and says what it is: one of the words of commands/completion/spot.ts, unless `among` says more. */
  readonly value?: string | undefined;
  /** All values that it can have. */
  readonly among?: readonly string[] | undefined;
  readonly multiple?: boolean;
  readonly help: string;
}

/** The options as given. */
export interface Values {
  flag(name: string): boolean;
  /** The value, or undefined when not given. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  /** The same of an option for names, which hold no comma: each value may be several with commas between. */
  names(name: string): readonly string[];
}

/** A stream a command writes to. */
export interface Output {
  readonly isTTY: boolean;
  /** How many cells a line of the terminal has; null where it is none. */
  readonly columns: number | null;
  /** Whether its reader wants colours; see colour.ts. */
  readonly hasColours: boolean;
  /** True once nobody reads any more, or nothing can be written: what is written then is dropped. */
  readonly isClosed: boolean;
  write(text: string): void;
  /** Null while it takes more; else resolves when a slow reader has caught up, or is gone. */
  caughtUp(): Promise<void> | null;
}

/** What a command gets: its input, and where its output goes. Data to stdout, messages to stderr. */
export interface Context {
  readonly values: Values;
  readonly args: readonly string[];
  /** `isTTY` is true where somebody can be asked. */
  readonly stdin: AsyncIterable<Buffer | string> & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Of this fsq. */
  readonly version: string;
  /** All commands by name, for the one that completes their names and options. */
  readonly commands: Readonly<Record<string, () => Promise<Command>>>;
  /** Writes the JSON of `document` to stdout where --json was given, else the text. */
  print(document: unknown, text: () => string): void;
  /** Writes a message of the command to stderr, unless it is null; `fsq` commands in it get the --spool that was given. */
  tell(message: string | null): void;
}

export interface Command {
  readonly name: string;
  readonly usage: string;
  /** Command line and what it does; shown first. */
  readonly examples: readonly (readonly [string, string])[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** How many arguments it takes besides options; absent: none. */
  readonly args?: { readonly least: number; readonly most: number };
  /** What else is good to know; shown last. */
  readonly notes?: readonly string[];
  /** The exit code of each error that ends it, also of wrong usage; absent: that of the error. */
  readonly errorCode?: number;
  /** What may stand where an argument is missing, as a sentence; '' where nothing is known. */
  readonly choices?: (context: Context) => Promise<string>;
  /** Resolves with the exit code. @throws errors of fsq, which main() prints and turns into exit codes */
  run(context: Context): Promise<number>;
}

/** Options that every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  spool: { type: 'string', value: 'DIR', help: 'the spool (default: ./spool beside package.json; FSQ_SPOOL)' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
};

/** How the limits of a run are written here. */
export const TIME_LIMIT_NAMES = ['--soft-time-limit', '--time-limit'] as const;

export interface ParsedLine {
  readonly values: Values;
  readonly args: readonly string[];
}

/**
 * Stands before a negative number while the line is parsed, so that `fsq call add -1` is an argument and not an option -1.
 * No argument of a process can hold it.
 */
const NEGATIVE = '\0';

/** @throws UsageError naming the option, with the nearest one that exists */
export function parseLine(line: readonly string[], specs: Readonly<Record<string, OptionSpec>>): ParsedLine {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
  try {
    const args = line.map((text) => (/^-\.?\d/.test(text) ? NEGATIVE + text : text));
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    return { values: toValues(values), args: positionals.map(unmark) };
  } catch (error) {
    throw new UsageError(describe(error, specs), 'FSQ_USAGE', { cause: error });
  }
}

/** @throws UsageError */
export function wholeNumber(text: string | undefined, name: string, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  return refuse(`--${name}`, `a whole number from ${least} to ${most}`, text);
}

/** Milliseconds of a duration such as 3s. @throws UsageError: a bare number too, because of what unit? */
export function duration(text: string | undefined, name: string): number | undefined {
  const wanted = 'a duration with its unit, such as 250ms, 3s, 5m, 2h or 1d';
  return text === undefined ? undefined : (readDuration(text) ?? refuse(`--${name}`, wanted, text));
}

/** Bytes of a size such as 200MB. @throws UsageError, as for a duration */
export function size(text: string | undefined, name: string): number | undefined {
  const wanted = 'a size with its unit, such as 512KB, 200MB or 2GB';
  return text === undefined ? undefined : (readByteSize(text) ?? refuse(`--${name}`, wanted, text));
}

/** Milliseconds of a duration that is not nothing. @throws UsageError */
export function someTime(text: string | undefined, name: string): number | undefined {
  const ms = duration(text, name);
  return ms === 0 ? refuse(`--${name}`, 'more than 0', text) : ms;
}

/** ' --spool DIR' as a shell reads it; empty when the option was not given. */
export function spoolOption(values: Values): string {
  const spool = values.text('spool');
  if (spool === undefined) return '';
  return ` --spool ${inShell(spool)}`;
}

function unmark(text: string): string {
  return text.startsWith(NEGATIVE) ? text.slice(NEGATIVE.length) : text;
}

function toValues(found: Readonly<Record<string, unknown>>): Values {
  const list = (name: string): readonly string[] => [found[name] ?? []].flat().map((entry) => unmark(String(entry)));
  return {
    flag: (name) => found[name] === true,
    text: (name) => (typeof found[name] === 'string' ? unmark(found[name]) : undefined),
    list,
    names: (name) => list(name).flatMap((text) => text.split(',').map((one) => one.trim())),
  };
}

function describe(error: unknown, specs: Readonly<Record<string, OptionSpec>>): string {
  const text = reasonOf(error);
  const [, dashes = '', name = ''] = /Unknown option '(-{1,2})([^']*)'/.exec(text) ?? [];
  if (dashes !== '') {
    const near = suggest(name, Object.keys(specs));
    return `Unknown option ${dashes}${name}${near === null ? '.' : `; did you mean --${near}?`} An argument that begins with - goes after --; --help lists all options.`;
  }
  const [, option = ''] = /^Option '(?:-\w, )?--([\w-]+)/.exec(text) ?? [];
  const spec = Object.hasOwn(specs, option) ? specs[option] : undefined;
  if (spec === undefined) return text;
  if (spec.type === 'boolean') return `Expected --${option} alone: it takes no value.`;
  return `Expected a value for --${option}, as in --${option} ${spec.value ?? 'TEXT'}. One that begins with - is written --${option}=-….`;
}
