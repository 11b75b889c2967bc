/** What `fsq call` can say of its jobs: their arguments, and the options of `applyAsync` that a command line can write. Pure. */
import type { ApplyOptions } from '../../../app/task-options.ts';
import { refuse, UsageError } from '../../../job/errors.ts';
import { readResultTtlMs, type ResultTtl, resultTtlFromText, resultTtlHint } from '../../../job/ended/result-ttl.ts';
import { checkTimeLimits, MAX_RETRIES, type Unique } from '../../../job/job-options.ts';
import { alteredNumber, type JsonValue } from '../../../job/values/json.ts';
import { duration, type OptionSpec, someTime, TIME_LIMIT_NAMES, type Values, wholeNumber } from '../../command.ts';

export const CALL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  countdown: { type: 'string', value: 'TIME', help: 'do not run it before so much time has passed' },
  eta: { type: 'string', value: 'DATE', help: 'do not run it before, such as 2026-12-24T18:00:00Z' },
  after: { type: 'string', value: 'ID', help: 'run it when that job has succeeded; it fails if that one does not' },
  expires: { type: 'string', value: 'TIME', help: 'do not start it later than so much time from now, or than a DATE' },
  retries: { type: 'string', value: 'N', help: 'how often it is tried again if it fails (default: 0)' },
  backoff: {
    type: 'string',
    value: 'TIME',
    help: 'wait up to so long before the first retry, a random part of it, then of longer times (default: 1s)',
  },
  'on-crash': {
    type: 'string',
    value: 'HOW',
    among: ['rerun', 'fail'],
    help: 'rerun (default) or fail: what becomes of it when its process dies',
  },
  'time-limit': { type: 'string', value: 'TIME', help: 'kill it when it runs longer' },
  'soft-time-limit': { type: 'string', value: 'TIME', help: 'tell it to end after this time, by its signal' },
  'result-ttl': {
    type: 'string',
    value: 'TIME',
    help: 'keep its outcome so long, or by how it ended: succeeded=1h,failed=7d',
  },
  'ignore-result': { type: 'boolean', help: 'keep no value, and a success for a minute only; failures are kept' },
  key: { type: 'string', value: 'TEXT', help: 'send nothing while a job of this task with the same key is there' },
  unique: {
    type: 'string',
    value: 'HOW',
    among: ['while-pending', 'while-unfinished'],
    help: 'how long it is: while-pending, while-unfinished (default) or a time from its sending on, such as 1h',
  },
  debounce: {
    type: 'string',
    value: 'TIME',
    help: 'run it so long after the last call with this key, with the arguments of that',
  },
  'max-wait': { type: 'string', value: 'TIME', help: 'with --debounce: so long after the first call at the latest' },
  'limit-key': {
    type: 'string',
    value: 'TEXT',
    help: 'the jobs with which it shares the limit of a task that has one for each key',
  },
  queue: {
    type: 'string',
    short: 'q',
    value: 'QUEUE',
    help: 'the queue it goes to (default: that of its task, as running workers tell it, or default)',
  },
  priority: {
    type: 'string',
    value: '0-9',
    among: [...'0123456789'],
    help: '0 runs first, 9 last (default: that of its task, or 5)',
  },
  header: { type: 'string', value: 'K=V', multiple: true, help: 'text for the task to read with currentJob().headers' },
};

/** @throws UsageError */
export function callOptions(values: Values): ApplyOptions {
  const expires = values.text('expires');
  const timeLimit = someTime(values.text('time-limit'), 'time-limit');
  const softTimeLimit = someTime(values.text('soft-time-limit'), 'soft-time-limit');
  checkTimeLimits({ softTimeLimitMs: softTimeLimit, timeLimitMs: timeLimit }, TIME_LIMIT_NAMES);
  const isDate = expires !== undefined && DATE.test(expires);
  return onlyGiven({
    queue: values.text('queue'),
    priority: wholeNumber(values.text('priority'), 'priority', 0, 9),
    countdown: duration(values.text('countdown'), 'countdown'),
    eta: dateOf(values.text('eta'), 'eta'),
    expires: isDate ? dateOf(expires, 'expires') : duration(expires, 'expires'),
    retries: wholeNumber(values.text('retries'), 'retries', 0, MAX_RETRIES),
    backoff: duration(values.text('backoff'), 'backoff'),
    onCrash: onCrashOf(values.text('on-crash')),
    timeLimit,
    softTimeLimit,
    resultTtl: resultTtlOf(values.text('result-ttl')),
    ignoreResult: values.flag('ignore-result') ? true : undefined,
    key: values.text('key'),
    unique: uniqueOf(values),
    limitKey: values.text('limit-key'),
    headers: Object.fromEntries(values.list('header').map(headerOf)),
  });
}

function onlyGiven(options: { readonly [K in keyof ApplyOptions]: ApplyOptions[K] | undefined }): ApplyOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Dates as ISO 8601 writes them: `new Date` alone takes '1' for a year. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}|$)/;

function dateOf(text: string | undefined, name: string): Date | undefined {
  if (text === undefined) return undefined;
  const date = new Date(DATE.test(text) ? text : Number.NaN);
  if (!Number.isNaN(date.getTime())) return date;
  const wanted = 'a date such as 2026-12-24, 2026-12-24T18:00 (local time) or 2026-12-24T18:00:00Z';
  return refuse(`--${name}`, wanted, text);
}

function onCrashOf(text: string | undefined): 'rerun' | 'fail' | undefined {
  if (text === undefined || text === 'rerun' || text === 'fail') return text;
  return refuse('--on-crash', 'rerun or fail', text);
}

function resultTtlOf(text: string | undefined): ResultTtl | undefined {
  if (text === undefined) return undefined;
  const ttl = readResultTtlMs(resultTtlFromText(text), false);
  if (ttl !== undefined) return ttl;
  return refuse(
    '--result-ttl',
    'a time such as 1d, or times such as succeeded=1h,failed=7d',
    text,
    resultTtlHint(text),
  );
}

function uniqueOf(values: Values): Unique | undefined {
  const text = values.text('unique');
  const debounce = someTime(values.text('debounce'), 'debounce');
  const maxWait = someTime(values.text('max-wait'), 'max-wait');
  if (debounce === undefined && maxWait !== undefined) throw new UsageError('Expected --debounce beside --max-wait');
  if (debounce !== undefined && text !== undefined) throw new UsageError('Expected --unique or --debounce, got both');
  if (debounce !== undefined) return { debounce, ...(maxWait === undefined ? {} : { maxWait }) };
  if (text === undefined || text === 'while-pending' || text === 'while-unfinished') return text;
  if (/^\d/.test(text)) return someTime(text, 'unique');
  return refuse('--unique', 'while-pending, while-unfinished or a time such as 1h', text);
}

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  return refuse('--header', 'KEY=VALUE', text);
}

/**
 * One argument: JSON if it parses, else the plain string. So `1` is a number, `Ada` and `2026-01-01` are strings, and
 * `'"1"'` is the string 1.
 *
 * @throws UsageError for a number that would arrive as another
 */
export function parseArgument(text: string): JsonValue {
  const value = tryParse(text);
  if (value === undefined) return text;
  checkNumbers(text, 'An argument');
  return value;
}

/**
 * All arguments as one JSON array.
 *
 * @param where names the text in the message, such as 'line 3'
 * @throws UsageError
 */
export function parseArguments(text: string, where: string): readonly JsonValue[] {
  const value = tryParse(text);
  if (!Array.isArray(value)) return refuse(where, 'a JSON array of arguments, such as [1,2]', text);
  checkNumbers(text, where);
  return value as readonly JsonValue[]; // JSON.parse made it.
}

/**
 * The arguments in a line of input: a JSON array is all of them, any other JSON value is the only one.
 *
 * @throws UsageError
 */
export function argumentsInLine(text: string, number: number): readonly JsonValue[] {
  const where = `line ${number}`;
  const value = tryParse(text);
  if (value === undefined)
    return refuse(
      where,
      'JSON, such as [1,2] for two arguments or {"a":1} for one',
      text,
      '; `jq -R .` makes JSON of text',
    );
  checkNumbers(text, where);
  return Array.isArray(value) ? value : [value];
}

function tryParse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined; // Not JSON; no JSON text parses to undefined.
  }
}

function checkNumbers(text: string, where: string): void {
  const digits = alteredNumber(text);
  if (digits === null) return;
  throw new UsageError(
    `${where} has the number ${digits}, which would arrive as ${Number(digits)}. Send it as a string: '"${digits}"'.`,
  );
}
