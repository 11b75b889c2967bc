/** Task functions: how one is registered, run here, or sent to a worker. */
import type { TaskSending } from '../broker/task-sending.ts';
import { UsageError } from '../job/errors.ts';
import type { Redact } from '../job/failure.ts';
import { type JobOptions, type Uniqueness } from '../job/job-options.ts';
import { checkTaskName, DEFAULT_PRIORITY, DEFAULT_QUEUE, OWN_TASKS } from '../job/names.ts';
import { toTaskLimits } from '../job/queue-limits.ts';
import { format } from '../job/text.ts';
import type { JsonValue } from '../job/values/json.ts';
import { checkedArguments, checkedHeaders, type Sendable } from '../job/values/payload.ts';
import { isArray, isDate } from '../job/values/realm.ts';
import type { AsyncResult } from './async-result.ts';
import { type Group, mapped, signatureOf } from './canvas/compose.ts';
import type { Given, Lacking, Signature, TakenBefore } from './canvas/fit.ts';
import type { Call, PartSender } from './canvas/part.ts';
import { GroupResult } from './group-result.ts';
import { runHere } from './execute.ts';
import { type CallSite, callSiteOf } from './call-site.ts';
import { type RegisteredTask, refuseWhileLoading, register } from './registry.ts';
import {
  type AnyOptions,
  type ApplyOptions,
  checkTaskOptions,
  keptOptions,
  type TaskOptions,
  toPredicate,
  withTaskOptions,
} from './task-options.ts';
import { limitKeysOf, uniquenessOf } from './unique.ts';

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
  /**
   * A call as data: to be a part of a chain, a group or a chord, or to be sent as it is. In a chain, the value of the part before goes
   * before these arguments.
   */
  readonly s: <const G extends Given<S>>(...given: G) => Signature<R, TakenBefore<G, S>, Lacking<G, S>>;
  /** The same, to which the value before it is not passed: these are all of its arguments. */
  readonly si: (...args: S) => Signature<R, unknown>;
  /** The group of one call for each of `items`, which are the first arguments. */
  readonly map: <I extends Given<S>[0]>(
    items: readonly I[],
  ) => Group<readonly Signature<R, TakenBefore<[I], S>, Lacking<[I], S>>[]>;
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

/** A call, checked and with every option answered. It shares nothing with the caller's values: later changes to those change no job. */
export interface Request {
  readonly task: string;
  readonly argsList: readonly (readonly JsonValue[])[];
  readonly queue: string;
  readonly priority: number;
  /** What the jobs' files keep of the other options. */
  readonly options: JobOptions;
  readonly headers: Readonly<Record<string, string>>;
  /** The key of each call; null when the calls have none. */
  readonly uniqueness: readonly Uniqueness[] | null;
  /** The limit key of each call; null when they have none, or `options` say it. */
  readonly limitKeys: readonly string[] | null;
}

/** What a task needs of its app. */
export interface Sender extends PartSender {
  /** Of its own options; undefined when those say nothing. */
  readonly redact: Redact | undefined;
  /** The place that its own options name, as `Broker.place` has it; undefined when those say nothing. */
  readonly namedPlace: string | undefined;
  /** One handle for each element of `argsList`. */
  send(request: Request): Promise<readonly AsyncResult[]>;
  result(id: string): AsyncResult;
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** Makes the `task` function of an app. */
export function taskFactory(sender: Sender): TaskFactory {
  function task(name: unknown, ...rest: readonly unknown[]): Task {
    const site = callSiteOf(task);
    const { checked, defaults } = toldWhere(site, () => read(name, rest));
    register({
      ...checked,
      definedAt: site?.text ?? 'an unknown place',
      site,
      redact: sender.redact,
      spool: sender.namedPlace,
    });
    return build(sender, checked.name, checked.fn, defaults);
  }
  return task as TaskFactory; // The overloads are the types; the checks above stand for callers without them.
}

/** What `task` was given, checked. @throws UsageError */
function read(
  name: unknown,
  rest: readonly unknown[],
): { readonly checked: Omit<RegisteredTask, 'definedAt'>; readonly defaults: TaskOptions<never> } {
  const taskName = checkTaskName(name);
  if (taskName.startsWith(OWN_TASKS))
    throw new UsageError(`Expected another name than ${taskName}: those that begin with ${OWN_TASKS} are fsq's own`);
  const fn = rest.at(-1);
  if (typeof fn !== 'function' || rest.length > 2) {
    throw new UsageError(
      `Expected task('${taskName}', fn) or task('${taskName}', options, fn), got ${format(fn)} as the function`,
    );
  }
  const given = rest.length === 2 ? checkTaskOptions(rest[0]) : {};
  const { retryOn, concurrency, rateLimit: _r, ...others } = given;
  // Each call asks `per`.
  const defaults = typeof concurrency === 'object' ? { ...others, concurrency } : others;
  // A job that does not say when it expires was sent by a program that knew nothing of that.
  const { expires, ...lasting } = defaults;
  const queueLimits = toTaskLimits(given);
  const checked = {
    name: taskName,
    fn: fn as AnyFunction,
    options: keptOptions(lasting),
    sending: sendingOf(defaults.queue, defaults.priority, expires),
    ...(queueLimits === null ? {} : { queueLimits }),
    ...(retryOn === undefined ? {} : { retryOn: toPredicate(retryOn) }),
  };
  return { checked, defaults };
}

/** @throws what `act` throws; a UsageError tells the place too: a worker runs none of its tasks until that is mended */
function toldWhere<T>(site: CallSite | null, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (site === null || !(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} (at ${site.text})`, error.code, { cause: error.cause });
  }
}

function sendingOf(
  queue: string | undefined,
  priority: number | undefined,
  expires: TaskOptions['expires'],
): TaskSending {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority }),
    ...(expires === undefined || isDate(expires) ? {} : { expires }),
  };
}

function build(sender: Sender, name: string, fn: AnyFunction, defaults: TaskOptions<never>): Task {
  const run = async (...args: readonly unknown[]): Promise<unknown> =>
    runHere(fn, args, name, defaults.queue ?? DEFAULT_QUEUE);
  const send = (entry: Entry, argsList: Calls, options: unknown): ReturnType<Sender['send']> => {
    refuseWhileLoading(name, entry);
    return sender.send(toRequest(name, argsList, withTaskOptions(options ?? {}, defaults)));
  };
  const sendOne = async (entry: Entry, args: readonly unknown[], options: unknown): Promise<AsyncResult> => {
    const [result] = await send(entry, [args], options);
    if (result === undefined) throw new UsageError(`The broker gave no handle for a job of ${name}`);
    return result;
  };
  const callOf = (args: readonly unknown[], isComplete: boolean): Call => ({
    kind: 'call',
    sender,
    task: name,
    args,
    isComplete,
    defaults,
    own: null,
  });
  const methods = {
    run,
    delay: (...args: readonly unknown[]) => sendOne(methods.delay, args, {}),
    applyAsync: (args: readonly unknown[], options?: unknown) => sendOne(methods.applyAsync, args, options),
    delayMany: async (argsList: Calls, options?: unknown): Promise<GroupResult> =>
      new GroupResult(await send(methods.delayMany, argsList, options)),
    s: (...given: readonly unknown[]) => signatureOf(callOf(given, false)),
    si: (...args: readonly unknown[]) => signatureOf(callOf(args, true)),
    map: (items: unknown) => mapped(callOf([], false), items),
    result: (id: string) => sender.result(id),
  };
  const task = Object.assign((...args: readonly unknown[]) => run(...args), methods);
  return Object.defineProperty(task, 'name', { value: name }) as unknown as Task; // The types of compositions are nowhere at run time.
}

/** A function of a task that its user calls, for the place of the call. */
type Entry = (...args: never[]) => Promise<unknown>;
type Calls = readonly (readonly unknown[])[];

/**
 * A call as the app sends it, with every argument and option checked. It must be made before anything is waited for.
 *
 * @param task a task's name, checked already
 * @throws UsageError, NotSerialisableError
 */
export function toRequest(task: string, calls: Calls, options: AnyOptions): Request {
  const kept = keptOptions(options);
  const { queue = DEFAULT_QUEUE, priority = DEFAULT_PRIORITY, headers, key } = options;
  const lists: readonly unknown[] | null = isArray(calls) ? [...calls] : null;
  if (lists?.every((args) => isArray(args)) !== true) {
    const given = lists === null ? calls : lists.find((args) => !isArray(args));
    throw new UsageError(
      `Expected the arguments of ${task} as an array, such as ${task}.applyAsync([1, 2]) or ${task}.delayMany([[1, 2], [3, 4]]), got ${format(given)}`,
    );
  }
  const argsList = lists.map((args) => checkedArguments(task, args));
  return {
    task,
    argsList,
    queue,
    priority,
    options: kept,
    headers: checkedHeaders(task, headers),
    uniqueness: key === undefined ? null : uniquenessOf(task, argsList, key, options),
    limitKeys: limitKeysOf(task, argsList, options),
  };
}
