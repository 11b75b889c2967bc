/** The options of a command line, parsed and checked. */
import { parseArgs } from 'node:util';
import { UsageError } from '../job/errors.ts';
import { format } from '../job/format.ts';
import { suggest } from '../job/suggest.ts';
import type { OptionSpec } from './command.ts';

/** Options that every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  spool: { type: 'string', value: 'DIR', help: 'the spool (default: ./spool beside package.json; FSQ_SPOOL)' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
};

/** The options as given. */
export interface Values {
  flag(name: string): boolean;
  /** The value, or undefined when not given. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
}

export interface ParsedLine {
  readonly values: Values;
  readonly args: readonly string[];
}

/** @throws UsageError naming the option, with the nearest one that exists */
export function parseLine(line: readonly string[], specs: Readonly<Record<string, OptionSpec>>): ParsedLine {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...line], options, allowPositionals: true, strict: true });
    return { values: toValues(values), args: positionals };
  } catch (error) {
    throw new UsageError(describe(error, specs), 'FSQ_USAGE', { cause: error });
  }
}

/** @throws UsageError */
export function wholeNumber(text: string | undefined, name: string, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`Expected --${name} to be a whole number from ${least} to ${most}, got ${format(text)}`);
}

function toValues(found: Readonly<Record<string, unknown>>): Values {
  return {
    flag: (name) => found[name] === true,
    text: (name) => (typeof found[name] === 'string' ? found[name] : undefined),
    list: (name) => [found[name] ?? []].flat().map(String),
  };
}

function describe(error: unknown, specs: Readonly<Record<string, OptionSpec>>): string {
  const text = error instanceof Error ? error.message : String(error);
  const unknown = /Unknown option '(-{1,2})([^']*)'/.exec(text);
  if (unknown === null) return text;
  const near = suggest(unknown[2] ?? '', Object.keys(specs));
  return `Unknown option ${unknown[1]}${unknown[2]}${near === null ? '' : `; did you mean --${near}?`}`;
}
