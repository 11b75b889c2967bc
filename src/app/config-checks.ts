/** What each setting may be, wherever it is given. */
import { byteSize } from '../job/byte-size.ts';
import { durationMs } from '../job/duration.ts';
import { type FsqErrorCode, UsageError } from '../job/errors.ts';
import { format } from '../job/format.ts';
import { isQueueName } from '../job/names.ts';
import { suggest } from '../job/suggest.ts';
import { isRecord } from '../job/tail.ts';
import type { Config } from './settings.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const CHECKS: Readonly<
  Record<keyof Config, { readonly wanted: string; readonly isGood: (value: unknown) => boolean }>
> = {
  spool: {
    wanted: "a directory's path, without control characters and without white space at its ends",
    isGood: isPath,
  },
  fsync: { wanted: 'true or false', isGood: (value) => typeof value === 'boolean' },
  tasks: {
    wanted: 'a path or an array of paths, without control characters and without white space at their ends',
    isGood: (value) => [value].flat().every(isPath),
  },
  import: {
    wanted:
      'a module to import first, or an array of such, without control characters and without white space at their ends',
    isGood: (value) => [value].flat().every(isPath),
  },
  alwaysEager: { wanted: 'true or false', isGood: (value) => typeof value === 'boolean' },
  resultTtl: { wanted: "a duration such as '1d'", isGood: isDuration },
  logLevel: {
    wanted: `one of ${LOG_LEVELS.join(', ')}`,
    isGood: (value) => LOG_LEVELS.some((level) => level === value),
  },
  allowNetworkFs: { wanted: 'true or false', isGood: (value) => typeof value === 'boolean' },
  allowUnsafe: { wanted: 'true or false', isGood: (value) => typeof value === 'boolean' },
  concurrency: {
    wanted: 'a whole number from 1 to 512',
    isGood: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 512,
  },
  startTimeout: { wanted: "a duration such as '1m', more than 0", isGood: isSomeTime },
  timeLimit: { wanted: "a duration such as '5m', more than 0", isGood: isSomeTime },
  softTimeLimit: { wanted: "a duration such as '4m', more than 0", isGood: isSomeTime },
  maxTasksPerChild: {
    wanted: 'a whole number from 1',
    isGood: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
  },
  maxMemoryPerChild: { wanted: "a number of bytes or a size such as '200MB'", isGood: isByteSize },
  shutdownTimeout: { wanted: "a duration such as '30s', more than 0", isGood: isSomeTime },
  stacks: { wanted: 'true or false', isGood: (value) => typeof value === 'boolean' },
  redact: { wanted: 'a function', isGood: (value) => typeof value === 'function' },
  queues: {
    wanted: "queues with their limits, such as { mail: { concurrency: 2, rateLimit: '10/s' } }",
    isGood: (value) => isRecord(value) && Object.keys(value).every(isQueueName),
  },
  env: {
    wanted: "an array of names of variables, without '='",
    isGood: (value) =>
      Array.isArray(value) && value.every((name) => typeof name === 'string' && /^[^=\0]+$/.test(name)),
  },
};

/** A file from Windows ends its lines with a carriage return, which a shell puts into a variable and nobody sees in a name. */
function isPath(value: unknown): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are exactly what this must find
  return typeof value === 'string' && value !== '' && value.trim() === value && !/[\u0000-\u001f\u007f]/.test(value);
}

function isDuration(value: unknown): boolean {
  try {
    durationMs(value, 'resultTtl');
    return true;
  } catch {
    return false; // The message of the check says what was wanted, and where it was said.
  }
}

function isSomeTime(value: unknown): boolean {
  return isDuration(value) && durationMs(value, 'startTimeout') > 0;
}

function isByteSize(value: unknown): boolean {
  try {
    byteSize(value, 'maxMemoryPerChild');
    return true;
  } catch {
    return false; // As above.
  }
}

/** Who gave settings, for the messages about them. */
export interface Source {
  readonly where: string;
  /** A setting's name as it is written there; absent: its own name, and where it stands. */
  readonly nameOf?: (key: string) => string;
  /** Default: FSQ_CONFIG. */
  readonly code?: FsqErrorCode;
}

/** @throws UsageError naming the setting, what was wanted and what came */
export function checkConfig(value: unknown, { where, nameOf, code = 'FSQ_CONFIG' }: Source): Config {
  if (!isRecord(value)) {
    throw new UsageError(
      `Expected ${where} to give an object of settings (as its default export), got ${format(value)}`,
      code,
    );
  }
  for (const [key, entry] of Object.entries(value)) {
    if (entry === undefined) continue;
    if (!Object.hasOwn(CHECKS, key)) {
      const near = suggest(key, Object.keys(CHECKS));
      throw new UsageError(
        `Unknown setting ${format(key)} in ${where}${near === null ? '' : `; did you mean ${near}?`}`,
        code,
      );
    }
    const check = CHECKS[key as keyof Config];
    if (check.isGood(entry)) continue;
    const name = nameOf === undefined ? `\`${key}\` in ${where}` : nameOf(key);
    throw new UsageError(`Expected ${name} to be ${check.wanted}, got ${format(entry)}`, code);
  }
  return value as Config; // Every key was checked just above.
}
