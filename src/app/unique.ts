/**
 * Keys of jobs, which functions of tasks make of the arguments: of jobs that must be the only one of their key, with how such jobs are sent,
 * and of jobs that share a limit.
 */
import type { Broker, NewJob, StandIn } from '../broker/broker.ts';
import { SpoolError, UsageError } from '../job/errors.ts';
import { checkKey, checkUnique, type JobOptions, type Unique, type Uniqueness } from '../job/job-options.ts';
import type { TaskLimitOptions } from '../job/queue-limits.ts';
import { checkedArguments } from '../job/values/payload.ts';

/** A call is not sent while another job of its task stands for the same key; its handle is that job's then. */
export interface UniqueOptions {
  /**
   * How long a job keeps others of its key out: until it starts, until it has an outcome (the default), or for a time from its sending on.
   * With `{ debounce: '5s' }` the calls of a burst become one job, which begins so long after the last, with the arguments of that.
   */
  readonly unique?: Unique;
}

/** Of a task; `A` are its arguments. */
export interface TaskKey<A extends readonly unknown[]> {
  /** 1 to 1,024 bytes; a function makes it of the arguments. Keys of two tasks are never the same. */
  readonly key?: string | NoInfer<(...args: A) => string>;
}

/** Of one call. */
export interface CallKey {
  /** 1 to 1,024 bytes, stronger than the task's. Keys of two tasks are never the same. */
  readonly key?: string;
  /** With which jobs of the task this one shares the limit of `concurrency: { per, at }`, instead of what `per` says: 1 to 1,024 bytes. */
  readonly limitKey?: string;
}

/**
 * The limit key of each call, by its task's `concurrency: { per, at }`; null where the task has no such limit, or the call says its own.
 *
 * @throws UsageError; and what `per` throws
 */
export function limitKeysOf(
  task: string,
  argsList: readonly (readonly unknown[])[],
  { concurrency, limitKey }: Pick<CallKey, 'limitKey'> & TaskLimitOptions,
): readonly string[] | null {
  if (typeof concurrency !== 'object' || limitKey !== undefined) return null;
  const per = concurrency.per as (...args: readonly unknown[]) => unknown; // As with keys, below.
  return argsList.map((args) =>
    checkKey(per(...checkedArguments(task, args)), `what \`concurrency.per\` of ${task} returns`),
  );
}

/**
 * The key of each call and how long it holds.
 *
 * @throws UsageError; and what a key's function throws
 */
export function uniquenessOf(
  task: string,
  argsList: readonly (readonly unknown[])[],
  key: NonNullable<TaskKey<never>['key']>,
  { unique = 'while-unfinished' }: UniqueOptions,
): readonly Uniqueness[] {
  const terms = checkUnique(unique);
  if (typeof key === 'function') {
    const keyOf = key as (...args: readonly unknown[]) => unknown; // Typed by the task; a call of a wrong type is its own fault.
    // The function gets copies: it must not change the arguments that are sent.
    return argsList.map((args) => ({ key: checkKey(keyOf(...checkedArguments(task, args))), ...terms }));
  }
  if (argsList.length > 1)
    throw new UsageError(
      `Expected one call of ${task} with the key '${key}', got ${argsList.length}: all but the first would be its duplicates. Give the task a function of the arguments as its \`key\``,
    );
  return [{ key: checkKey(key), ...terms }];
}

/** What the file of the job of one call keeps: its keys beside what all of the calls have. */
export function optionsWithKeys(
  {
    options,
    uniqueness,
    limitKeys,
  }: {
    readonly options: JobOptions;
    readonly uniqueness: readonly Uniqueness[] | null;
    readonly limitKeys: readonly string[] | null;
  },
  at: number,
): JobOptions {
  const key = uniqueness?.[at]?.key;
  const limitKey = limitKeys?.[at];
  if (key === undefined && limitKey === undefined) return options; // Nearly every job.
  return { ...options, ...(key === undefined ? {} : { key }), ...(limitKey === undefined ? {} : { limitKey }) };
}

/** Sent at a time: enough for their fsyncs to share the journal's commits. */
const AT_ONCE = 32;

/**
 * Sends `jobs`, those of one key one after the other, or as a burst. The answer names for each the job that has its key: itself, or an earlier one.
 *
 * @throws SpoolError; those of `jobs` that were accepted before are in its `uncertain`
 */
export async function sendUnique(
  broker: Pick<Broker, 'enqueueUnique'>,
  jobs: readonly NewJob[],
  uniqueness: readonly Uniqueness[],
): Promise<readonly StandIn[]> {
  const found: StandIn[] = [];
  const failures: unknown[] = [];
  const left = [...indexesByKey(uniqueness).values()].values();
  const send = async (i: number): Promise<void> => {
    const [job, unique] = [jobs[i], uniqueness[i]];
    if (failures.length > 0 || job === undefined || unique === undefined) return;
    try {
      found[i] = await broker.enqueueUnique(job, unique);
    } catch (error) {
      failures.push(error);
    }
  };
  const work = async (): Promise<void> => {
    for (const indexes of left) {
      // Debounced ones are a burst: of those that come together the broker writes the last.
      if (uniqueness[indexes[0] ?? 0]?.debounce !== undefined) await Promise.all(indexes.map(send));
      else for (const i of indexes) await send(i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, jobs.length) }, work));
  if (failures.length > 0) throw withAccepted(failures, Object.values(found));
  return found;
}

function indexesByKey(uniqueness: readonly Uniqueness[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [i, { key }] of uniqueness.entries()) {
    const known = found.get(key);
    if (known === undefined) found.set(key, [i]);
    else known.push(i);
  }
  return found;
}

function withAccepted(failures: readonly unknown[], found: readonly StandIn[]): unknown {
  const [first] = failures;
  const accepted = found.flatMap(({ id, isDuplicate }) => (isDuplicate ? [] : [id]));
  const uncertain = [...accepted, ...failures.flatMap((error) => (error instanceof SpoolError ? error.uncertain : []))];
  if (!(first instanceof SpoolError) || uncertain.length === 0) return first;
  const count = `${accepted.length} ${accepted.length === 1 ? 'job was' : 'jobs were'} queued before this.`;
  return new SpoolError('FSQ_ENQUEUE_UNCERTAIN', `${first.message} ${count}`, { cause: first, uncertain });
}
