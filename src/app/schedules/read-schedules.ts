/** The schedules of a configuration: each checked whole, so that a worker refuses at its start what could only fail at night. */
import { type Job } from '../../job/job.ts';
import { refuse, UsageError } from '../../job/errors.ts';
import { isTaskName } from '../../job/names.ts';
import { didYouMean, format, knownInstead, suggest } from '../../job/text.ts';
import { durationMs } from '../../job/units.ts';
import { isArray, isRecord, reasonOf } from '../../job/values/realm.ts';
import type { NewJob } from '../../broker/broker.ts';
import { isScheduleName } from '../../broker/schedules.ts';
import { type Request, toRequest } from '../task.ts';
import type { TaskSending } from '../../broker/task-sending.ts';
import type { Firing, Missed } from './due.ts';
import type { ScheduleOptions } from './schedule-options.ts';
import { type Pattern, patternText, timesOf } from './timetable.ts';

/** A schedule that was checked. */
export interface ReadSchedule {
  readonly name: string;
  readonly task: string;
  readonly args: readonly unknown[];
  readonly options: Omit<ScheduleOptions, 'missed'>;
  readonly pattern: Pattern;
  readonly firing: Firing;
}

const OWN_KEYS = ['task', 'args', 'cron', 'every', 'timeZone', 'missed'];
const CALL_KEYS: readonly (keyof ScheduleOptions)[] = [
  'queue',
  'priority',
  'expires',
  'retries',
  'backoff',
  'onCrash',
  'timeLimit',
  'softTimeLimit',
  'resultTtl',
  'ignoreResult',
  'headers',
];
const KNOWN: readonly string[] = [...OWN_KEYS, ...CALL_KEYS];
const NOT_HERE: Readonly<Record<string, string>> = {
  key: 'each instant has one job whatever else runs; `concurrency: 1` of the task keeps two runs apart',
  unique: 'each instant has one job whatever else runs; `concurrency: 1` of the task keeps two runs apart',
  countdown: 'the times of a schedule say when its jobs start',
  eta: 'the times of a schedule say when its jobs start',
  after: 'the times of a schedule say when its jobs start',
};

/** The headers of a job that a schedule has sent: its name, and the instant in ISO 8601. */
export const SCHEDULE_HEADER = 'fsq-schedule';
export const INSTANT_HEADER = 'fsq-instant';

/** Shorter would be a loop, not a schedule, ms. */
const LEAST_EVERY_MS = 1_000;

/** @throws UsageError (FSQ_CONFIG) naming the schedule, what was wanted and what came */
export async function readSchedules(
  given: Readonly<Record<string, unknown>>,
  nowMs: number,
): Promise<readonly ReadSchedule[]> {
  const found: ReadSchedule[] = [];
  for (const [name, schedule] of Object.entries(given)) {
    try {
      found.push(await readSchedule(name, schedule, nowMs));
    } catch (error) {
      throw new UsageError(`\`schedules.${name}\`: ${reasonOf(error)}`, 'FSQ_CONFIG', { cause: error });
    }
  }
  return found;
}

async function readSchedule(name: string, given: unknown, nowMs: number): Promise<ReadSchedule> {
  if (!isScheduleName(name))
    refuse('its name', '1 to 64 letters, digits, _ and -, starting with a letter or a digit, and no device name', name);
  if (!isRecord(given)) return refuse('it', "an object such as { task: 'report', cron: '0 3 * * *' }", given);
  checkKeys(given);
  const { task: _, args = [], cron: _c, every: _e, timeZone: _z, missed = 'one', ...options } = given;
  const task = taskOf(given['task']);
  if (!isArray(args)) return refuse('`args`', 'an array of the arguments', args);
  if (!isMissed(missed)) return refuse('`missed`', "'skip', 'one' or 'all'", missed);
  const pattern = patternOf(given);
  const read = { name, task, args: args as readonly unknown[], options, pattern };
  requestOf(read, {}, nowMs); // Throws where an argument or an option is none.
  return { ...read, firing: { ...(await firingOf(pattern, nowMs)), missed, patternText: patternText(pattern) } };
}

function checkKeys(given: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(given)) {
    if (KNOWN.includes(key)) continue;
    const why = Object.hasOwn(NOT_HERE, key) ? NOT_HERE[key] : undefined;
    if (why !== undefined) throw new UsageError(`Expected no \`${key}\`: ${why}`);
    throw new UsageError(`Unknown option ${format(key)}${knownInstead(key, KNOWN)}`);
  }
}

/** A task, of whatever copy of fsq, is a function with a name and a `delay`. */
function taskOf(given: unknown): string {
  const isTask = typeof given === 'function' && typeof Reflect.get(given, 'delay') === 'function';
  const name: unknown = isTask ? given.name : given;
  if (typeof name === 'string' && isTaskName(name)) return name;
  return refuse('`task`', 'a task, or the name of one', given);
}

function isMissed(value: unknown): value is Missed {
  return value === 'skip' || value === 'one' || value === 'all';
}

function patternOf({ cron, every, timeZone }: Readonly<Record<string, unknown>>): Pattern {
  if ((cron === undefined) === (every === undefined))
    throw new UsageError(`Expected \`cron\` or \`every\`, got ${cron === undefined ? 'neither' : 'both'}`);
  if (every !== undefined) {
    if (timeZone !== undefined)
      throw new UsageError(
        'Expected `timeZone` beside `cron` only: `every` is counted from 1970, whatever the clock says',
      );
    const ms = durationMs(every, 'every');
    return ms >= LEAST_EVERY_MS ? { kind: 'every', ms } : refuse('`every`', 'a second or more', every);
  }
  if (typeof cron !== 'string') return refuse('`cron`', "a pattern such as '0 3 * * *'", cron);
  return { kind: 'cron', cron: cron.trim().replaceAll(/\s+/g, ' '), timeZone: zoneOf(timeZone ?? 'UTC') };
}

function zoneOf(given: unknown): string {
  const wanted = "a time zone such as 'Europe/Berlin'";
  if (typeof given !== 'string') return refuse('`timeZone`', wanted, given);
  try {
    Intl.DateTimeFormat('en', { timeZone: given });
    return given;
  } catch {
    return refuse('`timeZone`', wanted, given, didYouMean(given, Intl.supportedValuesOf('timeZone')));
  }
}

async function firingOf(pattern: Pattern, nowMs: number): Promise<Pick<Firing, 'times' | 'periodMs'>> {
  const times = await timesOf(pattern).catch((error: unknown) => {
    const cron = pattern.kind === 'cron' ? pattern.cron : '';
    // Croner says its own name before what is wrong.
    throw new UsageError(`\`cron\` ${format(cron)} cannot be read: ${reasonOf(error).replace(/^Cron\w*: /, '')}`);
  });
  const next = times.next(nowMs);
  if (next === null) throw new UsageError(`it never fires: no time from now on is ${format(patternText(pattern))}`);
  return { times, periodMs: (times.next(next) ?? Number.POSITIVE_INFINITY) - next };
}

/** The call that a schedule makes for an instant; null: for none, somebody wants it now. @throws UsageError, NotSerialisableError */
export function requestOf(
  { name, task, args, options }: Pick<ReadSchedule, 'name' | 'task' | 'args' | 'options'>,
  ofTask: TaskSending,
  instantMs: number | null,
): Request {
  const headers = {
    ...options.headers,
    [SCHEDULE_HEADER]: name,
    ...(instantMs === null ? {} : { [INSTANT_HEADER]: new Date(instantMs).toISOString() }),
  };
  return toRequest(task, [args], { ...ofTask, ...options, headers });
}

/** The job of an instant; of null: of none, somebody wants it now. */
export function jobOf(
  schedule: ReadSchedule,
  ofTask: TaskSending,
  instantMs: number | null,
  about: Pick<Job, 'id' | 'enqueuedAtMs'>,
): NewJob {
  const { task, argsList, queue, priority, options, headers } = requestOf(schedule, ofTask, instantMs);
  return { job: { ...about, task, args: argsList[0] ?? [], options, headers }, queue, priority };
}

/** Why a task is none of those that are known, with the nearest. */
export function unknownTaskText({ name, task }: ReadSchedule, known: readonly string[]): string {
  const near = suggest(task, known);
  const hint = near === null ? `known are ${known.slice(0, 10).join(', ')}` : `did you mean ${near}?`;
  return `\`schedules.${name}\`: Expected \`task\` to be a task of the task modules, got ${format(task)}; ${hint}`;
}
