/** When a schedule fires, in words that people use. Pure. */
import type { Pattern } from '../../../app/schedules/timetable.ts';

/** Such as 'every 5 minutes' or 'at 04:00 each day, Europe/Berlin'; a pattern that words would not make clearer stands for itself. */
export function scheduleWords(pattern: Pattern): string {
  if (pattern.kind === 'every') return `every ${everyWords(pattern.ms)}`;
  const { cron, timeZone } = pattern;
  const words = cronWords(cron);
  return `${words ?? `cron ${cron}`}, ${timeZone}`;
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** '5 minutes', 'hour', '90 seconds': in the largest unit that loses nothing. */
function everyWords(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['millisecond', 1];
  return steps(ms / size, unit);
}

function steps(count: number, unit: string): string {
  return count === 1 ? unit : `${count} ${unit}s`;
}

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** The fields of a pattern, from seconds to weekdays. */
interface Fields {
  readonly second: string;
  readonly minute: string;
  readonly hour: string;
  readonly day: string;
  readonly month: string;
  readonly weekday: string;
}

function cronWords(cron: string): string | null {
  const fields = fieldsOf(NICKNAMES[cron.toLowerCase()] ?? cron);
  if (fields === null) return null;
  const time = timeWords(fields);
  const days = dayWords(fields);
  if (time === null || days === null) return null;
  return time.isTimeOfDay
    ? `${time.text} ${days === '' ? 'each day' : days}`
    : `${time.text}${days === '' ? '' : ` ${days}`}`;
}

function fieldsOf(cron: string): Fields | null {
  const parts = cron.trim().split(/\s+/);
  const [second = '', minute = '', hour = '', day = '', month = '', weekday = '', ...rest] =
    parts.length === 5 ? ['0', ...parts] : parts;
  if (weekday === '' || rest.length > 0) return null;
  return { second, minute, hour, day: any(day), month: any(month), weekday: any(weekday) };
}

/** '?' is another way to say any. */
function any(field: string): string {
  return field === '?' ? '*' : field;
}

interface TimeWords {
  readonly text: string;
  /** It fires at times of the clock, some each day; else again and again. */
  readonly isTimeOfDay: boolean;
}

/** More times of day than this are not read at a glance. */
const MOST_TIMES = 6;

function timeWords({ second, minute, hour }: Fields): TimeWords | null {
  const [seconds, minutes, hours] = [numbers(second, 59), numbers(minute, 59), numbers(hour, 23)];
  if (seconds?.length === 1 && minutes !== null && hours !== null) {
    if (minutes.length * hours.length > MOST_TIMES) return hoursWords(minute, hour, seconds);
    const times = hours.flatMap((h) => minutes.map((m) => clock(h, m, seconds[0] ?? 0)));
    return { text: `at ${list(times)}`, isTimeOfDay: true };
  }
  const again = againWords(second, minute, hour);
  return again === null ? null : { text: again, isTimeOfDay: false };
}

/** '0 9-17 * * *': many hours, one minute. */
function hoursWords(minute: string, hour: string, seconds: readonly number[]): TimeWords | null {
  const range = /^(\d+)-(\d+)$/.exec(hour);
  const [only, ...others] = numbers(minute, 59) ?? [];
  if (range === null || only === undefined || others.length > 0) return null;
  const [from, to] = [Number(range[1]), Number(range[2])];
  const second = seconds[0] ?? 0;
  return { text: `each hour from ${clock(from, only, second)} to ${clock(to, only, second)}`, isTimeOfDay: false };
}

function againWords(second: string, minute: string, hour: string): string | null {
  const isEach = (field: string): boolean => field === '*' || field === '*/1';
  const between = hourWords(hour);
  if (isEach(minute)) {
    const each = stepWords(second, 'second', 59) ?? (second === '0' ? 'every minute' : null);
    return each === null || between === null ? null : `${each}${between}`;
  }
  if (second !== '0') return null;
  const byMinute = stepWords(minute, 'minute', 59);
  if (byMinute !== null) return between === null ? null : `${byMinute}${between}`;
  const minutes = numbers(minute, 59);
  if (minutes === null || minutes.length > MOST_TIMES) return null;
  const past = minutes.length === 1 && minutes[0] === 0 ? '' : ` at ${list(minutes.map((one) => `:${two(one)}`))}`;
  if (isEach(hour)) return `every hour${past}`;
  const byHour = stepWords(hour, 'hour', 23);
  return byHour === null ? null : `${byHour}${past}`;
}

/** Within which hours; '' in all; null for what is not said so, as a step of hours is. */
function hourWords(hour: string): string | null {
  if (hour === '*' || hour === '*/1') return '';
  const range = /^(\d+)-(\d+)$/.exec(hour);
  if (range !== null) return ` from ${clock(Number(range[1]), 0, 0)} to ${clock(Number(range[2]), 59, 0)}`;
  const hours = numbers(hour, 23);
  if (hours === null || hours.length > MOST_TIMES) return null;
  return ` in the ${hours.length === 1 ? 'hour' : 'hours'} from ${list(hours.map((one) => clock(one, 0, 0)))}`;
}

/** Of '*' and of a step that divides its field evenly: others begin anew with each hour, or day, and are told as they are. */
function stepWords(field: string, unit: string, most: number): string | null {
  if (field === '*') return `every ${unit}`;
  const step = Number(/^(?:\*|0)\/(\d+)$/.exec(field)?.[1] ?? 0);
  return step > 0 && (most + 1) % step === 0 ? `every ${steps(step, unit)}` : null;
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** On which days; '' on all; null for what is not said so. */
function dayWords({ day, month, weekday }: Fields): string | null {
  const months = month === '*' ? [] : namedNumbers(month, MONTHS, 1);
  if (months === null) return null;
  const inMonths = months.length === 0 ? '' : ` in ${list(months.map((one) => MONTHS[one - 1] ?? ''))}`;
  if (day === '*' && weekday === '*') return months.length === 0 ? '' : `each day${inMonths}`;
  // Where both are given, either will do: few people know, and nobody reads it at a glance.
  if (day !== '*' && weekday !== '*') return null;
  if (day === '*') {
    const days = namedNumbers(weekday, WEEKDAYS, 0);
    return days === null ? null : `on ${weekdayWords(days)}${inMonths}`;
  }
  if (day.toUpperCase() === 'L') return `on the last day of ${inMonths === '' ? 'each month' : inMonths.slice(4)}`;
  const days = numbers(day, 31);
  if (days === null || days.length > MOST_TIMES) return null;
  const which = list(days.map(ordinal));
  return inMonths === '' ? `on the ${which} of each month` : `on the ${which} of ${inMonths.slice(4)}`;
}

function weekdayWords(days: readonly number[]): string {
  const sorted = [...new Set(days.map((day) => day % 7))].toSorted((a, b) => ((a + 6) % 7) - ((b + 6) % 7));
  const text = sorted.join();
  if (text === '1,2,3,4,5') return 'weekdays';
  if (text === '6,0') return 'Saturdays and Sundays';
  return list(sorted.map((day) => `${WEEKDAYS[day]}s`));
}

function ordinal(day: number): string {
  const end = day % 100 >= 11 && day % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th');
  return `${day}${end}`;
}

/** Of '5', '1,15' or '9-17'; null for anything else. */
function numbers(field: string, most: number): readonly number[] | null {
  const found = field.split(',').flatMap((part) => {
    const [, from = '', to = from] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part) ?? [];
    if (from === '' || Number(to) > most || Number(to) < Number(from)) return [-1];
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  });
  return found.includes(-1) ? null : [...new Set(found)].toSorted((a, b) => a - b);
}

/** The same where the numbers may have names, of which three letters are enough. */
function namedNumbers(field: string, names: readonly string[], first: number): readonly number[] | null {
  const text = field.toLowerCase().replace(/[a-z]{3}/g, (short) => {
    const at = names.findIndex((name) => name.toLowerCase().startsWith(short));
    return at === -1 ? 'x' : String(at + first);
  });
  return numbers(text, names.length - 1 + first + (first === 0 ? 1 : 0));
}

function clock(hour: number, minute: number, second: number): string {
  return `${two(hour)}:${two(minute)}${second === 0 ? '' : `:${two(second)}`}`;
}

function two(count: number): string {
  return String(count).padStart(2, '0');
}

/** 'a', 'a and b', 'a, b and c'. */
function list(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
