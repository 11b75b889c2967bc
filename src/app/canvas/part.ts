/** Compositions as data: a tree of calls. What a part of one carries, how it is told from anything else, and where it stands in the whole. */
import type { Broker } from '../../broker/broker.ts';
import { UsageError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';
import { isArray, isRecord, peek } from '../../job/values/realm.ts';
import type { Settings } from '../settings/config.ts';
import type { TaskOptions } from '../task-options.ts';
import type { CompositionOptions, StepOptions } from './fit.ts';

/** The app that sends the jobs of a task. */
export interface PartSender {
  settings(): Promise<Settings>;
  broker(): Promise<Broker>;
}

/** One call of a task. */
export interface Call {
  readonly kind: 'call';
  readonly sender: PartSender;
  readonly task: string;
  readonly args: readonly unknown[];
  /** True: the value of what comes before is not passed. */
  readonly isComplete: boolean;
  /** The options of its task; the same object for all its calls. */
  readonly defaults: TaskOptions<never>;
  readonly own: StepOptions | null;
}

/** Parts that run one after the other, or side by side. A chord is a chain of two, whose handle has other names. */
export interface Several {
  readonly kind: 'chain' | 'group' | 'chord';
  readonly parts: readonly Part[];
  /** How many of these lie in one another, itself included. */
  readonly depth: number;
}

export type Part = Call | Several;

/** What a part is to be sent after: jobs that are there, and the value that they give together. */
export interface Sent {
  /** Where they are. */
  readonly places: ReadonlySet<string>;
  readonly value: Given;
}

/** The value of a job, by its id, or of several as an array. */
export type Given = string | readonly Given[];

/** Everything that the object has which a program holds. Under a key that all copies of fsq in a process share. */
export interface Carried {
  readonly part: Part;
  /** Sends it after other jobs, and gives its handle. */
  readonly send: (after: Sent, options: CompositionOptions) => Promise<unknown>;
}

export const CARRIED: unique symbol = Symbol.for('fsq.part.1') as never;

/** Deep enough for any hand-written composition; the walk through one that a loop has nested must not run out of stack. */
const MOST_DEPTH = 100;

/** True for a signature, a chain, a group or a chord. */
export function isPart(value: unknown): boolean {
  return isRecord(peek(value, CARRIED));
}

/**
 * What `value` carries, which a program gave as `where`.
 *
 * @param number of it, from 1 on, where there are several
 * @throws UsageError (FSQ_COMPOSITION) when it is no part of a composition
 */
export function carriedBy(value: unknown, where: string, number: number | null = null): Carried {
  const carried = carriedOrNull(value);
  if (carried !== null) return carried;
  throw new UsageError(
    `Expected ${where}${number === null ? '' : ` ${number}`} to be a signature such as add.s(1, 2), a chain, a group or a chord, got ${shown(value)}`,
    'FSQ_COMPOSITION',
  );
}

/** Null when it is no part of a composition. */
export function carriedOrNull(value: unknown): Carried | null {
  const carried = peek(value, CARRIED);
  return isRecord(carried) ? (carried as unknown as Carried) : null; // Only fsq writes under this key.
}

/** What came where a part was wanted, and what may have been meant. */
export function shown(value: unknown): string {
  const name = typeof value === 'function' ? peek(value, 'name') : undefined;
  if (typeof name === 'string' && typeof peek(value, 's') === 'function')
    return `the task ${name} itself: did you mean ${name}.s()?`;
  if (typeof value === 'function') return `${format(value)}, which is no task: register it with task()`;
  if (typeof peek(value, 'then') === 'function')
    return 'a promise: a part is not sent before the whole is, so use .s() where you have .delay(), and await what is awaited first';
  if (isArray(value)) return `${format(value)}: did you mean chain(a, b), without the brackets, or group([a, b])?`;
  if (typeof peek(value, 'get') === 'function')
    return 'the handle of what was sent already: pass its id in `after` of applyAsync, or use done() of a group';
  return format(value);
}

/** @throws UsageError (FSQ_COMPOSITION) when they are nested too deep */
export function several(kind: Several['kind'], parts: readonly Part[]): Several {
  const depth = 1 + parts.reduce((most, part) => Math.max(most, part.kind === 'call' ? 0 : part.depth), 0);
  if (depth <= MOST_DEPTH) return { kind, parts, depth };
  throw new UsageError(
    `Expected at most ${MOST_DEPTH} chains, groups and chords in one another, got ${depth}: collect the parts in an array, and make one of them`,
    'FSQ_COMPOSITION',
  );
}
