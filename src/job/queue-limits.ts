/** How many jobs of a queue or a task may run at one time, and how many may start in a time. Pure. */
import { refuse, UsageError } from './errors.ts';
import { format, knownInstead } from './text.ts';
import { isOptions, isRecord } from './values/realm.ts';

/** So many starts in a second, a minute, an hour or a day. */
export type RateLimit = `${number}/${'s' | 'm' | 'h' | 'd'}`;

/** Each holds over all workers of a spool. */
export interface LimitOptions {
  /** How many of its jobs may run at one time: 1 to 100,000. Default: as many as there are children. */
  readonly concurrency?: number;
  /** How many of its jobs may start in a second, minute, hour or day, spread evenly: '10/s', '100/m'. Default: any number. */
  readonly rateLimit?: RateLimit;
}

/** How many jobs with the same limit key may run at one time. */
export interface PerKey<A extends readonly unknown[] = never> {
  /** Makes the limit key of a job of its arguments, where it is sent: a text of 1 to 1,024 bytes. */
  readonly per: NoInfer<(...args: A) => string>;
  /** How many of each key: 1 to 100,000. */
  readonly at: number;
  /** How many in all. Default: as many as there are children. */
  readonly total?: number;
}

/** The limits of a task; `A` are its arguments. */
export interface TaskLimitOptions<A extends readonly unknown[] = never> extends Pick<LimitOptions, 'rateLimit'> {
  /**
   * How many of its jobs may run at one time: 1 to 100,000, in all, or `{ per: (account) => account, at: 2 }` for each key, which have turns.
   * Default: as many as there are children.
   */
  readonly concurrency?: number | PerKey<A>;
}

/** The same, read. */
export interface Rate {
  /** Starts in `periodMs`, a whole number from 1. */
  readonly count: number;
  readonly periodMs: number;
}

/** The limits of a queue or a task over all workers of a spool; null: no such limit. */
export interface QueueLimits {
  readonly concurrency: number | null;
  readonly rate: Rate | null;
  /** Of a task: how many of its jobs with one limit key may run at one time. Absent: any number. */
  readonly perKey?: number;
}

/** Whose limits they are, by name; queues and tasks without any are left out. */
export interface LimitRules {
  readonly queues: ReadonlyMap<string, QueueLimits>;
  readonly tasks: ReadonlyMap<string, QueueLimits>;
}

export const NO_RULES: LimitRules = { queues: new Map(), tasks: new Map() };

/** A span of time in which `slots` jobs may start. */
interface RateWindow {
  readonly index: number;
  readonly slots: number;
  /** Unix ms. */
  readonly endsAtMs: number;
}

const PERIOD_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Windows are this long at least, ms: shorter ones would pass before anybody could use them. */
const SHORTEST_WINDOW_MS = 100;
/** More starts than this in a second is more than a spool does, so it is no limit. */
const MOST_A_SECOND = 10_000;
const MOST_AT_ONCE = 100_000;
const ABOUT_NONE = '; `fsq pause` lets no job of a queue start';

/**
 * @param name the option's name, for the message
 * @throws UsageError
 */
export function parseRate(value: unknown, name: string): Rate {
  const match = typeof value === 'string' ? /^(\d{1,9})\/(s|m|h|d)$/.exec(value) : null;
  const count = Number(match?.[1] ?? 0);
  const periodMs = PERIOD_MS[match?.[2] ?? ''] ?? 1;
  if (count >= 1 && (count * 1_000) / periodMs <= MOST_A_SECOND) return { count, periodMs };
  const wanted = `a rate such as '10/s', '100/m', '1000/h' or '5/d', from 1 and up to ${MOST_A_SECOND}/s`;
  return refuse(`\`${name}\``, wanted, value, match !== null && count === 0 ? ABOUT_NONE : '');
}

/**
 * @param name the option's name, for the message
 * @throws UsageError
 */
export function parseConcurrency(value: unknown, name: string): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_AT_ONCE) return Number(value);
  return refuse(`\`${name}\``, `a whole number from 1 to ${MOST_AT_ONCE}`, value, value === 0 ? ABOUT_NONE : '');
}

/**
 * @param where they were given, for the message
 * @returns null when they say nothing
 * @throws UsageError
 */
export function toQueueLimits({ concurrency, rateLimit }: LimitOptions, where = ''): QueueLimits | null {
  if (concurrency === undefined && rateLimit === undefined) return null;
  return {
    concurrency: concurrency === undefined ? null : parseConcurrency(concurrency, `${where}concurrency`),
    rate: rateLimit === undefined ? null : parseRate(rateLimit, `${where}rateLimit`),
  };
}

const PARTS_PER_KEY = ['per', 'at', 'total'];

/** @throws UsageError */
export function checkTaskConcurrency(value: unknown): number | PerKey {
  if (!isOptions(value)) return parseConcurrency(value, 'concurrency');
  const unknown = Object.keys(value).find((part) => !PARTS_PER_KEY.includes(part));
  if (unknown !== undefined)
    throw new UsageError(`Unknown part ${format(unknown)} of \`concurrency\`${knownInstead(unknown, PARTS_PER_KEY)}`);
  const { per, at, total } = value;
  if (typeof per !== 'function')
    return refuse(
      '`concurrency.per`',
      "a function that makes a text of the job's arguments, such as (account) => account",
      per,
    );
  const most = parseConcurrency(at, 'concurrency.at');
  const both = { per: per as PerKey['per'], at: most };
  return total === undefined ? both : { ...both, total: parseConcurrency(total, 'concurrency.total') };
}

/** The same of a task, whose options are checked. */
export function toTaskLimits({ concurrency, rateLimit }: TaskLimitOptions): QueueLimits | null {
  if (typeof concurrency !== 'object')
    return toQueueLimits({
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(rateLimit === undefined ? {} : { rateLimit }),
    });
  const { at: perKey, total } = checkTaskConcurrency(concurrency) as PerKey;
  const rate = rateLimit === undefined ? null : parseRate(rateLimit, 'rateLimit');
  return { concurrency: total ?? null, rate, perKey };
}

/**
 * The window that `nowMs` lies in. Starts are spread: '10/s' is one in each tenth of a second, as in Celery, and never ten at
 * once. Of a quicker rate the windows are a tenth of a second, with as many slots as the rate gives them.
 */
export function windowOf({ count, periodMs }: Rate, nowMs: number): RateWindow {
  const slots = Math.max(1, Math.ceil((SHORTEST_WINDOW_MS * count) / periodMs));
  const lengthMs = (slots * periodMs) / count;
  const index = Math.floor(nowMs / lengthMs);
  return { index, slots, endsAtMs: (index + 1) * lengthMs };
}

/** The limits of all versions of some tasks that run side by side: of each the strictest. */
export function strictest(versions: Iterable<ReadonlyMap<string, QueueLimits>>): ReadonlyMap<string, QueueLimits> {
  const found = new Map<string, QueueLimits>();
  for (const version of versions) {
    for (const [name, limits] of version) found.set(name, stricter(found.get(name), limits));
  }
  return found;
}

function stricter(one: QueueLimits | undefined, other: QueueLimits): QueueLimits {
  if (one === undefined) return other;
  const isSlower = one.rate !== null && (other.rate === null || perMs(one.rate) < perMs(other.rate));
  const perKey = lower(one.perKey, other.perKey);
  return {
    concurrency: lower(one.concurrency, other.concurrency),
    rate: isSlower ? one.rate : other.rate,
    ...(perKey === null ? {} : { perKey }),
  };
}

function lower(one: number | null = null, other: number | null = null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

function perMs({ count, periodMs }: Rate): number {
  return count / periodMs;
}

export function hasRules({ queues, tasks }: LimitRules): boolean {
  return queues.size + tasks.size > 0;
}

/** Rules as JSON keeps them. */
interface WrittenRules {
  readonly queues: readonly (readonly [name: string, limits: QueueLimits])[];
  readonly tasks: readonly (readonly [name: string, limits: QueueLimits])[];
}

export function writtenRules({ queues, tasks }: LimitRules): WrittenRules {
  return { queues: [...queues], tasks: [...tasks] };
}

/** The rules that `writtenRules` made; what is none is left out. */
export function readRules(value: unknown): LimitRules {
  const { queues, tasks } = isRecord(value) ? value : {};
  return { queues: readLimits(queues), tasks: readLimits(tasks) };
}

function readLimits(value: unknown): ReadonlyMap<string, QueueLimits> {
  const pairs: readonly unknown[] = Array.isArray(value) ? value : [];
  return new Map(
    pairs.flatMap((pair) => {
      const [name, limits] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
      return typeof name === 'string' && isQueueLimits(limits) ? [[name, limits] as const] : [];
    }),
  );
}

/** Limits that a process of fsq has written. */
export function isQueueLimits(value: unknown): value is QueueLimits {
  if (!isRecord(value)) return false;
  const { concurrency, rate, perKey } = value;
  if (perKey !== undefined && typeof perKey !== 'number') return false;
  const isRate = isRecord(rate) && typeof rate['count'] === 'number' && typeof rate['periodMs'] === 'number';
  return (concurrency === null || typeof concurrency === 'number') && (rate === null || isRate);
}
