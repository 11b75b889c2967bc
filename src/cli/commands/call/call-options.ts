/** What `fsq call` can say of its jobs: the options of `applyAsync` that a command line can write. */
import type { ApplyOptions } from '../../../app/task.ts';
import { MAX_RETRIES, type Unique } from '../../../job/job-options.ts';
import { UsageError } from '../../../job/errors.ts';
import { format } from '../../../job/text.ts';
import type { OptionSpec } from '../../command.ts';
import { checkTimeLimits, duration, someTime, type Values, wholeNumber } from '../../options.ts';

export const CALL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  countdown: { type: 'string', value: 'TIME', help: 'do not run it before so much time has passed' },
  eta: { type: 'string', value: 'DATE', help: 'do not run it before, such as 2026-12-24T18:00:00Z' },
  expires: { type: 'string', value: 'TIME', help: 'do not start it later than so much time from now, or than a DATE' },
  retries: { type: 'string', value: 'N', help: 'how often it is tried again if it fails (default: 0)' },
  backoff: {
    type: 'string',
    value: 'TIME',
    help: 'wait about so long before the first retry, then longer (default: 1s)',
  },
  'on-crash': {
    type: 'string',
    value: 'HOW',
    help: 'rerun (default) or fail: what becomes of it when its process dies',
  },
  'time-limit': { type: 'string', value: 'TIME', help: 'kill it when it runs longer' },
  'soft-time-limit': { type: 'string', value: 'TIME', help: 'tell it to end after this time, by its signal' },
  key: { type: 'string', value: 'TEXT', help: 'send nothing while a job of this task with the same key is there' },
  unique: {
    type: 'string',
    value: 'HOW',
    help: 'how long it is: while-pending, while-unfinished (default) or a time from its sending on, such as 1h',
  },
  queue: { type: 'string', short: 'q', value: 'NAME', help: 'the queue it goes to (default: default)' },
  priority: { type: 'string', value: '0-9', help: '0 runs first, 9 last (default: 5)' },
  header: { type: 'string', value: 'K=V', multiple: true, help: 'text for the task to read with currentJob().headers' },
};

/** @throws UsageError */
export function callOptions(values: Values): ApplyOptions {
  const expires = values.text('expires');
  const timeLimit = someTime(values.text('time-limit'), 'time-limit');
  const softTimeLimit = someTime(values.text('soft-time-limit'), 'soft-time-limit');
  checkTimeLimits(softTimeLimit, timeLimit);
  return {
    ...part('queue', values.text('queue')),
    ...part('priority', wholeNumber(values.text('priority'), 'priority', 0, 9)),
    ...part('countdown', duration(values.text('countdown'), 'countdown')),
    ...part('eta', dateOf(values.text('eta'), 'eta')),
    ...part(
      'expires',
      expires !== undefined && DATE.test(expires) ? dateOf(expires, 'expires') : duration(expires, 'expires'),
    ),
    ...part('retries', wholeNumber(values.text('retries'), 'retries', 0, MAX_RETRIES)),
    ...part('backoff', duration(values.text('backoff'), 'backoff')),
    ...part('onCrash', onCrashOf(values.text('on-crash'))),
    ...part('timeLimit', timeLimit),
    ...part('softTimeLimit', softTimeLimit),
    ...part('key', values.text('key')),
    ...part('unique', uniqueOf(values.text('unique'))),
    headers: Object.fromEntries(values.list('header').map(headerOf)),
  };
}

function part<K extends keyof ApplyOptions>(key: K, value: ApplyOptions[K]): Pick<ApplyOptions, K> | object {
  return value === undefined ? {} : { [key]: value };
}

/** Dates as ISO 8601 writes them: `new Date` alone takes '1' for a year. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}|$)/;

function dateOf(text: string | undefined, name: string): Date | undefined {
  if (text === undefined) return undefined;
  const date = new Date(DATE.test(text) ? text : Number.NaN);
  if (!Number.isNaN(date.getTime())) return date;
  throw new UsageError(
    `Expected --${name} to be a date such as 2026-12-24, 2026-12-24T18:00 (local time) or 2026-12-24T18:00:00Z, got ${format(text)}`,
  );
}

function onCrashOf(text: string | undefined): 'rerun' | 'fail' | undefined {
  if (text === undefined || text === 'rerun' || text === 'fail') return text;
  throw new UsageError(`Expected --on-crash to be rerun or fail, got ${format(text)}`);
}

function uniqueOf(text: string | undefined): Unique | undefined {
  if (text === undefined || text === 'while-pending' || text === 'while-unfinished') return text;
  if (/^\d/.test(text)) return someTime(text, 'unique');
  throw new UsageError(
    `Expected --unique to be while-pending, while-unfinished or a time such as 1h, got ${format(text)}`,
  );
}

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`Expected --header to be KEY=VALUE, got ${format(text)}`);
}
