/** What tasks and calls say of a job that must be the only one of its key, checked. */
import { UsageError } from '../job/errors.ts';
import { checkedArguments } from '../job/values/payload.ts';
import { checkKey, checkUnique, type Unique, type Uniqueness } from '../job/job-options.ts';

/** A call is not sent while another job of its task stands for the same key; its handle is that job's then. */
export interface UniqueOptions {
  /** How long a job keeps others of its key out: until it starts, until it has an outcome (the default), or for a time from its sending on. */
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
}

export const UNIQUE_OPTIONS = ['key', 'unique'] as const;

type Options = UniqueOptions & TaskKey<never>;

/** @throws UsageError what can be told before there are arguments */
export function checkUniqueOptions({ key, unique }: Options, mayBeFunction: boolean): void {
  if (unique !== undefined) checkUnique(unique);
  if (key === undefined || (mayBeFunction && typeof key === 'function')) return;
  if (typeof key === 'function')
    throw new UsageError(
      'Expected `key` of a call to be a text; a function of the arguments goes in the options of task()',
    );
  checkKey(key);
}

/**
 * What makes each call unique; null when nothing does.
 *
 * @throws UsageError; and what a key's function throws
 */
export function uniquenessOf(
  task: string,
  argsList: readonly (readonly unknown[])[],
  { key, unique = 'while-unfinished' }: Options,
): readonly Uniqueness[] | null {
  if (key === undefined) return null;
  const until = checkUnique(unique);
  if (typeof key === 'function') {
    const keyOf = key as (...args: readonly unknown[]) => unknown; // Typed by the task; a call of a wrong type is its own fault.
    // It gets copies: what it does to them must not change what is sent.
    return argsList.map((args) => ({ key: checkKey(keyOf(...checkedArguments(task, args))), until }));
  }
  if (argsList.length > 1)
    throw new UsageError(
      `Expected one call of ${task} with the key '${key}', got ${argsList.length}: all but the first would be its duplicates. Give the task a function of the arguments as its \`key\``,
    );
  return [{ key: checkKey(key), until }];
}

/** @throws UsageError */
export function refuseUniqueWithoutKey({ key, unique }: Options): void {
  if (unique !== undefined && key === undefined)
    throw new UsageError('Expected `key` beside `unique`: it says which jobs count as the same');
}
