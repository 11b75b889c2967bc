/** Task functions: how one is registered, run here, or sent to a worker. */
import type { Duration } from '../job/units.ts';
import { UsageError } from '../job/errors.ts';
import { format, suggest } from '../job/text.ts';
import type { JobOptions, Uniqueness } from '../job/job-options.ts';
import type { JsonValue } from '../job/values/json.ts';
import { checkPriority, checkQueue, checkTaskName, DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../job/names.ts';
import { checkedArguments, checkedHeaders, type Sendable } from '../job/values/payload.ts';
import type { Redact } from '../job/failure.ts';
import { isRecord } from '../job/values/realm.ts';
import type { AsyncResult } from './async-result.ts';
import type { GroupResult } from './group-result.ts';
import { callSiteOf } from './call-site.ts';
import { LIFE_OPTIONS, type LifeOptions, toJobOptions } from './job-options.ts';
import { LIMIT_OPTIONS, type LimitOptions, toRunLimits } from './limit-options.ts';
import { register, registry } from './registry.ts';
import { type RetryOn, toPredicate } from './retry-on.ts';
import {
  type CallKey,
  checkUniqueOptions,
  refuseUniqueWithoutKey,
  type TaskKey,
  UNIQUE_OPTIONS,
  type UniqueOptions,
  uniquenessOf,
} from './unique-options.ts';

/** Where a task's jobs go, and what may become of them, unless the call says otherwise. */
interface SharedOptions extends LifeOptions, UniqueOptions {
  /** Queue name: 1 to 64 of a-z, 0-9, _ and -. Default 'default'. */
  readonly queue?: string;
  /** 0 runs first, 9 last. Default 5. */
  readonly priority?: number;
}

/** What a task says of its jobs; `A` are its arguments. */
export interface TaskOptions<A extends readonly unknown[] = readonly unknown[]>
  extends SharedOptions, TaskKey<A>, LimitOptions {
  /** Which errors are tried again: a class, several, or a function of the error. Default: all but a `PermanentError`. */
  readonly retryOn?: RetryOn;
}

/** What one call may say of its job. */
export interface ApplyOptions extends SharedOptions, CallKey {
  /** Not before this much time has passed. Not together with `eta`. */
  readonly countdown?: Duration;
  /** Not before this time; a number is Unix ms. In the past: at once. */
  readonly eta?: Date | number;
  /** Text for the task to read with `currentJob().headers`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A registered task: call it to run it here, `delay` it to have a worker run it. `A` are its arguments, `R` is its result, awaited,
 * and `S` what of `A` can be sent: all, unless JSON would change it. `Task` alone is any task.
 *
 * Properties and not methods, so that a function that sends any `Task<A, R>` is not given one that cannot be sent.
 */
export interface Task<A extends readonly unknown[] = never, R = unknown, S extends readonly unknown[] = A> {
  /** Runs here and now, like the plain function. */
  (...args: A): Promise<R>;
  readonly name: string;
  /** The same as calling it, by name. */
  readonly run: (...args: A) => Promise<R>;
  /**
   * Sends a job. When it resolves the job is accepted: it survives the death of any process and, with `fsync`, a power cut.
   * With a `key`, the handle may be of a job that was there before: then its `isDuplicate` is true.
   *
   * @throws NotSerialisableError, SpoolError: not queued, unless the error's `uncertain` names the job
   */
  readonly delay: (...args: S) => Promise<AsyncResult<R>>;
  /** `delay` with options for this call. */
  readonly applyAsync: (args: Readonly<S>, options?: ApplyOptions) => Promise<AsyncResult<R>>;
  /** Sends many jobs at once, much faster than one by one. If one cannot be accepted none is, as far as the error does not say otherwise. */
  readonly delayMany: (argsList: readonly Readonly<S>[], options?: ApplyOptions) => Promise<GroupResult<R>>;
  /** The handle of a job of this task by its id. */
  readonly result: (id: string) => AsyncResult<R>;
}

/** The task that a function makes. */
export type TaskOf<F> = F extends (...args: infer A) => infer R ? Task<A, Awaited<R>, Sendable<A, Awaited<R>>> : never;

/** The arguments of a function. */
type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never;

/**
 * The two ways to write `task`. `F` has no signature, so that a parameter with a default value has that value's type. With two
 * type arguments, for functions that make tasks of any function, what JSON would change is found only when it is sent.
 */
export interface TaskFactory {
  <F extends Function>(name: string, fn: F): TaskOf<F>;
  <F extends Function>(name: string, options: TaskOptions<ArgumentsOf<F>>, fn: F): TaskOf<F>;
  <A extends readonly unknown[], R>(name: string, fn: (...args: A) => R): Task<A, Awaited<R>>;
  <A extends readonly unknown[], R>(name: string, options: TaskOptions<A>, fn: (...args: A) => R): Task<A, Awaited<R>>;
}

/** A call, checked and with every option answered. Nothing of it is the caller's: what he changes later changes no job. */
export interface Request {
  readonly task: string;
  readonly argsList: readonly (readonly JsonValue[])[];
  readonly queue: string;
  readonly priority: number;
  /** What the jobs' files keep of the other options. */
  readonly options: JobOptions;
  readonly headers: Readonly<Record<string, string>>;
  /** What makes each call the only one; null when nothing does. */
  readonly uniqueness: readonly Uniqueness[] | null;
}

/** What a task needs of its app. */
export interface Sender {
  /** Of its own options; undefined when those say nothing. */
  readonly redact: Redact | undefined;
  /** Absolute path of the spool that its own options name; undefined when those say nothing. */
  readonly namedSpool: string | undefined;
  runHere(
    task: string,
    queue: string,
    fn: (...args: readonly unknown[]) => unknown,
    args: readonly unknown[],
  ): Promise<unknown>;
  /** One handle for each element of `argsList`. */
  send(request: Request): Promise<readonly AsyncResult[]>;
  result(id: string): AsyncResult;
  group(results: readonly AsyncResult[]): GroupResult;
}

/** Makes the `task` function of an app. */
export function taskFactory(sender: Sender): TaskFactory {
  function task(name: unknown, ...rest: readonly unknown[]): Task {
    const taskName = checkTaskName(name);
    const fn = rest.at(-1);
    if (typeof fn !== 'function' || rest.length > 2) {
      throw new UsageError(
        `Expected task('${taskName}', fn) or task('${taskName}', options, fn), got ${format(fn)} as the function`,
      );
    }
    const given: TaskOptions = rest.length === 2 ? checkOptions(rest[0], TASK_OPTIONS) : {};
    const { retryOn, concurrency: _c, rateLimit: _r, ...defaults } = given;
    refuseUniqueWithoutKey(defaults);
    const callable = fn as (...args: readonly unknown[]) => unknown;
    // A job that does not say when it expires was sent by somebody who knew nothing of that.
    const { expires: _, ...lasting } = defaults;
    const options = toJobOptions(lasting);
    const limits = toRunLimits(given);
    const site = callSiteOf(task);
    register({
      name: taskName,
      fn: callable,
      definedAt: site?.text ?? 'an unknown place',
      site,
      options,
      ...(limits === null ? {} : { limits }),
      ...(retryOn === undefined ? {} : { retryOn: toPredicate(retryOn) }),
      redact: sender.redact,
      spool: sender.namedSpool,
    });
    return build(sender, taskName, callable, defaults);
  }
  return task as TaskFactory; // The overloads are the types; the checks above stand for callers without them.
}

function build(
  sender: Sender,
  name: string,
  fn: (...args: readonly unknown[]) => unknown,
  defaults: TaskOptions,
): Task {
  const run = (...args: readonly unknown[]): Promise<unknown> =>
    sender.runHere(name, defaults.queue ?? DEFAULT_QUEUE, fn, args);
  type Entry = (...args: never[]) => Promise<unknown>;
  const send = (
    entry: Entry,
    argsList: readonly (readonly unknown[])[],
    options: unknown,
  ): Promise<readonly AsyncResult[]> => {
    refuseWhileLoading(name, entry);
    return sender.send(
      toRequest(name, argsList, { ...defaults, ...saidIn(checkOptions(options ?? {}, CALL_OPTIONS)) }),
    );
  };
  const sendOne = async (entry: Entry, args: readonly unknown[], options: unknown): Promise<AsyncResult> => {
    const [result] = await send(entry, [args], options);
    if (result === undefined) throw new UsageError(`The broker gave no handle for a job of ${name}`);
    return result;
  };
  const methods = {
    run,
    delay: (...args: readonly unknown[]) => sendOne(methods.delay, args, {}),
    applyAsync: (args: readonly unknown[], options?: unknown) => sendOne(methods.applyAsync, args, options),
    delayMany: async (argsList: Request['argsList'], options?: unknown): Promise<GroupResult> =>
      sender.group(await send(methods.delayMany, argsList, options)),
    result: (id: string) => sender.result(id),
  };
  const task = Object.assign((...args: readonly unknown[]) => run(...args), methods);
  return Object.defineProperty(task, 'name', { value: name });
}

/** `entry` is what the caller has called, for the place of the call. */
function refuseWhileLoading(task: string, entry: (...args: never[]) => unknown): void {
  const { loading } = registry();
  if (loading === null) return;
  throw new UsageError(
    `${task} was delayed while a worker imported ${loading} (at ${callSiteOf(entry)?.text ?? 'an unknown place'}): every ` +
      'start of a worker would send it again. Send jobs from a script, or inside a function that the import does not call.',
    'FSQ_DELAY_AT_IMPORT',
  );
}

const SHARED_OPTIONS = ['queue', 'priority', ...LIFE_OPTIONS, ...UNIQUE_OPTIONS];
const TASK_OPTIONS = [...SHARED_OPTIONS, ...LIMIT_OPTIONS, 'retryOn'];
const CALL_OPTIONS = [...SHARED_OPTIONS, 'countdown', 'eta', 'headers'];

/**
 * A call as the app sends it, with every argument and option checked. It must be made before anything is waited for.
 *
 * @param task a task's name, checked already
 * @throws UsageError, NotSerialisableError
 */
export function toRequest(
  task: string,
  calls: readonly (readonly unknown[])[],
  options: Omit<ApplyOptions, 'key'> & TaskKey<never>,
): Request {
  const lists: readonly unknown[] | null = Array.isArray(calls) ? [...calls] : null;
  if (lists?.every((args) => Array.isArray(args)) !== true) {
    const given = lists === null ? calls : lists.find((args) => !Array.isArray(args));
    throw new UsageError(
      `Expected the arguments of ${task} as an array, such as ${task}.applyAsync([1, 2]) or ${task}.delayMany([[1, 2], [3, 4]]), got ${format(given)}`,
    );
  }
  const argsList = lists.map((args) => checkedArguments(task, args));
  refuseUniqueWithoutKey(options);
  const { queue = DEFAULT_QUEUE, priority = DEFAULT_PRIORITY, headers } = options;
  return {
    task,
    argsList,
    queue: checkQueue(queue),
    priority: checkPriority(priority),
    options: toJobOptions(options),
    headers: checkedHeaders(task, headers),
    uniqueness: uniquenessOf(task, argsList, options),
  };
}

/** Without what is there and undefined: that says nothing, and must not stand before what the task says. */
function saidIn<T extends object>(options: T): T {
  const values: readonly unknown[] = Object.values(options);
  if (!values.includes(undefined)) return options;
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T; // Less of the same.
}

function checkOptions(options: unknown, known: readonly string[]): Omit<ApplyOptions, 'key'> & TaskOptions {
  if (!isRecord(options)) throw new UsageError(`Expected options to be an object, got ${format(options)}`);
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    if (LIMIT_OPTIONS.some((limit) => limit === key))
      throw new UsageError(
        `Expected \`${key}\` in the options of task(): it holds for all jobs of a task, not for one`,
      );
    if (key === 'retryOn')
      throw new UsageError("Expected `retryOn` in the options of task(): a function cannot be kept in a job's file");
    const near = suggest(key, known);
    throw new UsageError(
      `Unknown option ${format(key)}${near === null ? `; known are ${known.join(', ')}` : `; did you mean ${near}?`}`,
    );
  }
  if (options['queue'] !== undefined) checkQueue(options['queue']);
  if (options['priority'] !== undefined) checkPriority(options['priority']);
  // For their errors: those of a task's definition show when it is registered.
  toJobOptions(options);
  checkUniqueOptions(options, known === TASK_OPTIONS);
  return options;
}
