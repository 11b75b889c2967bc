/** Numbers for people: counts, durations, ages, bytes, instants. Pure; all texts are short enough for a column. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const RATE = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** 1,234,567. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** As it is up to 99,999, then 1.2M. */
export function shortCount(value: number): string {
  return value < 100_000 ? count(value) : COMPACT.format(value);
}

const OF_NAMES: ReadonlySet<string> = new Set(['pending', 'delayed', 'running']);

/** While not all jobs are read names alone tell how many wait and run; of others there are at least as many as were read. */
export function countSoFar(value: number, state: string, isComplete: boolean): string {
  return `${shortCount(value)}${isComplete || OF_NAMES.has(state) ? '' : '+'}`;
}

/** Of something a minute: 0, 0.25, 12.3, 1,230, 12.3K. */
export function rate(value: number): string {
  if (value >= 10_000) return COMPACT.format(value);
  return value >= 1_000 ? count(value) : RATE.format(value);
}

export function plural(many: number, one: string, more = `${one}s`): string {
  return `${count(many)} ${many === 1 ? one : more}`;
}

/** Two units at most: 340 ms, 4.2 s, 3 min 12 s, 2 h 5 min, 3 d 4 h. Below zero counts as nothing. */
export function duration(ms: number): string {
  if (ms < 1) return ms > 0 ? '< 1 ms' : '0 ms';
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return two(ms, MINUTE, 'min', SECOND, 's');
  if (ms < DAY) return two(ms, HOUR, 'h', MINUTE, 'min');
  return two(ms, DAY, 'd', HOUR, 'h');
}

function two(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  return `${count(Math.floor(ms / big))} ${bigName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** How long ago, or how far ahead, in one unit: now, 4 s ago, in 3 min, 2 d ago. */
export function age(atMs: number, nowMs: number): string {
  const ms = Math.abs(nowMs - atMs);
  if (ms < SECOND) return 'now';
  return atMs > nowMs ? `in ${oneUnit(ms)}` : `${oneUnit(ms)} ago`;
}

/** 4 s, 3 min, 2 h, 5 d, rounded down. */
export function oneUnit(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${count(Math.floor(ms / DAY))} d`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(value: number): string {
  let size = value;
  let unit = 0;
  for (; size >= 1024 && unit < BYTE_UNITS.length - 1; unit++) size /= 1024;
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.floor(size)} ${BYTE_UNITS[unit]}`;
}

/** 0.4 is 40 %. Rounded down, so that 100 % is the end. */
export function percent(part: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, part)) * 100)} %`;
}

/** In this browser's time zone: 14:03:22 of today, else with the day. */
export function instant(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  if (Number.isNaN(at.getTime())) return '?';
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(padded).join(':');
  return at.toDateString() === new Date(nowMs).toDateString() ? time : `${day(at)} ${time}`;
}

/** 14:03, for an axis. */
export function hourMinute(atMs: number): string {
  const at = new Date(atMs);
  return `${padded(at.getHours())}:${padded(at.getMinutes())}`;
}

/** Whole and without doubt, for a title: 2026-03-01T14:03:22.123Z. Of what is no instant: nothing. */
export function exactInstant(atMs: number): string {
  const at = new Date(atMs);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

function day(at: Date): string {
  return `${at.getFullYear()}-${padded(at.getMonth() + 1)}-${padded(at.getDate())}`;
}

function padded(part: number): string {
  return String(part).padStart(2, '0');
}
