/** The kinds of value that a setting may have: how messages describe each, and how values and texts of variables are read. Pure. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ADDRESS_FORM, type BrokerAddress, parseBrokerAddress } from '../../broker/broker-address.ts';
import { readByteSize, readDuration } from '../../job/units.ts';
import { refuse, UsageError } from '../../job/errors.ts';
import { format, knownInstead } from '../../job/text.ts';
import { isQueueName } from '../../job/names.ts';
import { readResultTtlMs, resultTtlFromText, resultTtlHint, type ResultTtlMs } from '../../job/ended/result-ttl.ts';
import type { Redact } from '../../job/failure.ts';
import { type LimitOptions, type QueueLimits, toQueueLimits } from '../../job/queue-limits.ts';
import { isArray, isOptions } from '../../job/values/realm.ts';

export interface Kind<T> {
  /** How a command line writes it; absent: it cannot. */
  readonly form?: 'flag' | 'text' | 'texts' | 'names' | 'count' | 'time' | 'size';
  /** For messages: Expected X to be … */
  readonly wanted: string;
  /**
   * The value in force that `given` means; undefined where `given` is none of this kind.
   *
   * @param base the folder that relative paths start from
   * @param name of the setting, for messages
   * @throws UsageError (FSQ_CONFIG) about a part of it
   */
  readonly parse: (given: unknown, base: string, name: string) => T | undefined;
  /** Turns the text of the variable `name` into a value for `parse`; absent: `parse` gets the text. @throws UsageError */
  readonly fromText?: (text: string, name: string) => unknown;
  /** More about something that is none of this kind, for the end of the message. */
  readonly hint?: (given: unknown) => string;
  /** Of a number: the most. */
  readonly most?: number;
  /** All values that it can have, where they are few words. */
  readonly among?: readonly string[];
}

const parts = (text: string): readonly string[] => text.split(',').map((part) => part.trim());

export const flag: Kind<boolean> = {
  form: 'flag',
  wanted: 'true or false',
  parse: (given) => (typeof given === 'boolean' ? given : undefined),
  fromText: (text, name) => {
    if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
    if (['0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
    throw new UsageError(
      `Expected ${name} to be true or false (or 1, yes, on and 0, no, off), got ${format(text)}`,
      'FSQ_CONFIG',
    );
  },
};

export const path: Kind<string> = {
  form: 'text',
  wanted: "a directory's path, without control characters and without white space at its ends",
  parse: (given, _base, name) => {
    // A directory would be made that has a password in its name. The message must not show it either.
    if (typeof given === 'string' && /^\s*[a-z][a-z0-9+.-]*:\/\//i.test(given)) {
      const where = 'an address stands in `broker` of a configuration, or in FSQ_BROKER';
      throw new UsageError(`Expected ${name} to be a directory's path, got an address; ${where}`, 'FSQ_CONFIG');
    }
    return isPath(given) ? given : undefined;
  },
};

/** Its parser words all messages: they must not show a password. */
export const address: Kind<BrokerAddress> = {
  wanted: ADDRESS_FORM,
  parse: (given, _base, name) => (typeof given === 'string' ? parseBrokerAddress(given, name) : undefined),
};

/** Paths, or a single one. */
export const paths: Kind<readonly string[]> = {
  form: 'texts',
  wanted: 'a path or an array of paths, without control characters and without white space at their ends',
  parse: pathsIn,
  fromText: parts,
};

/** As `node --import` takes them: URLs of files, which are the same from every folder, other URLs, and names of packages. */
export const imports: Kind<readonly string[]> = {
  form: 'texts',
  wanted:
    'a module to import first, or an array of such, without control characters and without white space at their ends',
  parse: (given, base) =>
    pathsIn(given)?.map((name) => (/^\.{0,2}\//.test(name) ? pathToFileURL(resolve(base, name)).href : name)),
  fromText: parts,
};

export function oneOf<T extends string>(words: readonly T[]): Kind<T> {
  return {
    form: 'text',
    wanted: `one of ${words.join(', ')}`,
    among: words,
    parse: (given) => words.find((word) => word === given),
  };
}

/** Whole numbers from 1. */
export function count(most: number = Number.MAX_SAFE_INTEGER): Kind<number> {
  return {
    form: 'count',
    wanted: `a whole number from 1${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}`,
    parse: (given) =>
      typeof given === 'number' && Number.isInteger(given) && given >= 1 && given <= most ? given : undefined,
    fromText: (text) => (/^\d+$/.test(text) ? Number(text) : text),
    most,
  };
}

/** Milliseconds. */
export function time(example: string): Kind<number> {
  return {
    form: 'time',
    wanted: `a duration such as '${example}'`,
    parse: (given) => readDuration(given) ?? undefined,
  };
}

/** Milliseconds, more than 0. */
export function someTime(example: string): Kind<number> {
  return {
    ...time(example),
    wanted: `a duration such as '${example}', more than 0`,
    parse: (given) => readDuration(given) || undefined,
  };
}

/** Milliseconds, for all outcomes or by the state of their jobs. */
export const resultTtl: Kind<ResultTtlMs> = {
  wanted: "a duration such as '1d', or durations by state such as { succeeded: '1d', failed: '7d' }",
  parse: (given) => readResultTtlMs(given, false),
  fromText: resultTtlFromText,
  hint: resultTtlHint,
};

/** Bytes. */
export const size: Kind<number> = {
  form: 'size',
  wanted: "a number of bytes or a size such as '200MB'",
  parse: (given) => readByteSize(given) ?? undefined,
};

/** Less does not hold what fsq itself says of lines that it left out. */
const LEAST_LOG_BYTES = 16 * 1024;

/** Bytes; 0 for none. */
export const logSize: Kind<number> = {
  wanted: "a size from '16KB', such as '1MB', or false",
  parse: (given) => {
    const bytes = given === false ? 0 : readByteSize(given);
    return bytes === null || (bytes > 0 && bytes < LEAST_LOG_BYTES) ? undefined : bytes;
  },
  fromText: (text) => (['0', 'false', 'no', 'off'].includes(text.toLowerCase()) ? false : text),
};

export const variables: Kind<readonly string[]> = {
  form: 'names',
  wanted: "an array of names of variables, without '='",
  parse: (given) =>
    isArray(given) && given.every((name): name is string => typeof name === 'string' && /^[^=\0]+$/.test(name))
      ? given
      : undefined,
};

export const queueLimits: Kind<ReadonlyMap<string, QueueLimits>> = {
  wanted: "queues with their limits, such as { mail: { concurrency: 2, rateLimit: '10/s' } }",
  parse: (given) => (isOptions(given) && Object.keys(given).every(isQueueName) ? limitsByQueue(given) : undefined),
};

/** Each is read by a worker, and by commands about schedules: programs that send jobs must not load the arithmetic of calendars. */
export const schedules: Kind<Readonly<Record<string, unknown>>> = {
  wanted: "schedules by their names, such as { nightly: { task: 'report', cron: '0 3 * * *' } }",
  parse: (given) => (isOptions(given) ? given : undefined),
};

export const redaction: Kind<Redact> = {
  wanted: 'a function',
  parse: (given) => (typeof given === 'function' ? (given as Redact) : undefined),
};

/** A shell may put the carriage return of a Windows file into a variable, and in a name it cannot be seen. */
function isPath(value: unknown): value is string {
  // eslint-disable-next-line no-control-regex -- control characters are exactly what this must find
  return typeof value === 'string' && value !== '' && value.trim() === value && !/[\u0000-\u001f\u007f]/.test(value);
}

function pathsIn(value: unknown): readonly string[] | undefined {
  const all: readonly unknown[] = [value].flat();
  return all.every(isPath) ? all : undefined;
}

const LIMITS = ['concurrency', 'rateLimit'];

function limitsByQueue(queues: Readonly<Record<string, unknown>>): ReadonlyMap<string, QueueLimits> {
  const found = new Map<string, QueueLimits>();
  for (const [queue, options] of Object.entries(queues)) {
    const limits = asSetting(() => toQueueLimits(checkKeys(queue, options), `queues.${queue}.`));
    if (limits !== null) found.set(queue, limits);
  }
  return found;
}

function checkKeys(queue: string, options: unknown): LimitOptions {
  if (!isOptions(options)) return refuse(`\`queues.${queue}\``, 'an object', options);
  const unknown = Object.keys(options).find((key) => !LIMITS.includes(key));
  if (unknown === undefined) return options;
  throw new UsageError(`Unknown limit ${format(unknown)} of queue ${queue}${knownInstead(unknown, LIMITS)}`);
}

function asSetting<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(error.message, 'FSQ_CONFIG', { cause: error }) : error;
  }
}
