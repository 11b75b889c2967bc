/**
 * The instants of a cron pattern, by croner, of which only `nextRun` is used. The one file that knows it: it goes into a chunk of its own,
 * which is loaded for a schedule with `cron`, and by nobody else.
 *
 * Croner treats a pattern with one time a day as a time of day: inside the hour that spring leaves out it means the first instant after
 * it, and inside the hour that autumn has twice the first of the two. A list of times it treats as a rule for the face of the clock: left
 * out in spring, twice in autumn. People mean times of day by both, so a list is taken apart here.
 */
import { Cron } from 'croner';

/** The instants of one pattern, in Unix ms. */
export interface Times {
  /** The first instant after `afterMs`; null when none ever comes. */
  next(afterMs: number): number | null;
}

/** A nickname such as @daily, or five to seven fields: croner takes dates as well, which fire once. */
const PATTERN = /^(?:@[a-z]+|\S+(?:\s+\S+){4,6})$/i;
/** Of one day. A list of more is a rule for the face of the clock. */
const MOST_TIMES = 1_440;
const NEVER = Number.POSITIVE_INFINITY;

/** @throws whatever croner throws for a pattern that it cannot read */
export function cronTimes(pattern: string, timeZone: string): Times {
  if (!PATTERN.test(pattern.trim())) throw new SyntaxError('it is no pattern of five or six fields');
  return new CronTimes(timesOfDay(pattern.trim()).map((part) => new Cron(part, { timezone: timeZone, paused: true })));
}

class CronTimes implements Times {
  readonly #parts: readonly Cron[];
  /** The next instant of each part, after the time that was asked for last. */
  #nexts: number[] = [];
  #askedMs = NEVER;

  constructor(parts: readonly Cron[]) {
    this.#parts = parts;
  }

  /** Times are mostly asked for in their order: then only the part that has come is asked again. */
  next(afterMs: number): number | null {
    const isOn = afterMs >= this.#askedMs;
    this.#nexts = this.#parts.map((part, i) => {
      const known = this.#nexts[i];
      if (isOn && known !== undefined && known > afterMs) return known;
      return part.nextRun(new Date(afterMs))?.getTime() ?? NEVER;
    });
    this.#askedMs = afterMs;
    const next = Math.min(...this.#nexts);
    return next === NEVER ? null : next;
  }
}

/** A pattern for each time of day, where seconds, minutes and hours are all lists or ranges of numbers; else the pattern alone. */
function timesOfDay(pattern: string): readonly string[] {
  const fields = pattern.split(/\s+/);
  const first = fields.length > 5 ? 0 : -1; // Five fields begin with the minutes.
  const seconds = first === 0 ? numbersIn(fields[0] ?? '') : [0];
  const minutes = numbersIn(fields[first + 1] ?? '');
  const hours = numbersIn(fields[first + 2] ?? '');
  if (seconds === null || minutes === null || hours === null) return [pattern];
  if (seconds.length * minutes.length * hours.length > MOST_TIMES) return [pattern];
  const days = fields.slice(first + 3).join(' ');
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) =>
      seconds.map((second) => (first === 0 ? `${second} ` : '') + `${minute} ${hour} ${days}`),
    ),
  );
}

/** Of '0,30' or '9-17'; null for anything else, such as a star or a step. */
function numbersIn(field: string): readonly number[] | null {
  const numbers = field.split(',').map((part) => {
    const [, from = '', to = from] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part) ?? [];
    return from === '' ? [] : range(Number(from), Number(to));
  });
  // A part of another form, or a range that runs backwards: croner says what is wrong with it.
  return numbers.some((part) => part.length === 0) ? null : [...new Set(numbers.flat())];
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
