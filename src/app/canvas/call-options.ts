/** The options of each job of a composition: those of its task, of the whole and of its own call, in rising order. */
import { UsageError } from '../../job/errors.ts';
import type { JobOptions } from '../../job/job-options.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../../job/names.ts';
import { format, knownInstead } from '../../job/text.ts';
import { checkedHeaders } from '../../job/values/payload.ts';
import { isOptions, isRecord } from '../../job/values/realm.ts';
import { keptOptions, withTaskOptions } from '../task-options.ts';
import type { CompositionOptions, StepOptions } from './fit.ts';
import type { Call } from './part.ts';
import { limitKeysOf } from '../unique.ts';

/** The same, checked and answered. */
export interface CallOptions {
  readonly queue: string;
  readonly priority: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What the job's file keeps of the others; nothing of edges. */
  readonly kept: JobOptions;
}

const OF_WHOLES = ['countdown', 'eta', 'expires', 'headers', 'onError'];
const NO_KEY = 'another job that has its key would stand for it, and that one is no part of the whole';
/** What a call may say elsewhere, and why not here. */
const NOT_OF_STEPS: Readonly<Record<string, string>> = {
  after: 'the composition says after which jobs a step runs',
  key: NO_KEY,
  unique: NO_KEY,
};

/** The options that `delay()` of a composition was given. @throws UsageError */
export function checkWholeOptions(options: unknown): CompositionOptions {
  if (options === undefined) return {};
  if (!isOptions(options))
    throw new UsageError(`Expected the options of a composition as an object, got ${format(options)}`);
  const unknown = Object.keys(options).find((name) => !OF_WHOLES.includes(name));
  if (unknown === undefined) return options;
  throw new UsageError(
    `Unknown option ${format(unknown)} of a composition (a step's own options go to its set())${knownInstead(unknown, OF_WHOLES)}`,
  );
}

/** The options that `set()` was given: each is read once for its errors. @throws UsageError */
export function checkStepOptions(options: unknown): StepOptions {
  const refused = Object.keys(isRecord(options) ? options : {}).find((name) => Object.hasOwn(NOT_OF_STEPS, name));
  if (refused !== undefined)
    throw new UsageError(`Expected a step without \`${refused}\`: ${NOT_OF_STEPS[refused]}`, 'FSQ_COMPOSITION');
  keptOptions(withTaskOptions(options, {}));
  const given = Object.entries(options as StepOptions).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given); // Checked just now.
}

export class Answers {
  readonly #whole: CompositionOptions;
  /** The call that was answered last: mostly the next one has the same options. */
  #last: { readonly call: Call; readonly isFirst: boolean; readonly answer: CallOptions } | null = null;

  constructor(whole: CompositionOptions) {
    this.#whole = whole;
  }

  /**
   * @param isFirst it waits for no other job: when the whole is to begin is said to it
   * @param where names the call in errors
   * @throws UsageError
   */
  of(call: Call, isFirst: boolean, where: string = call.task): CallOptions {
    const { defaults, own } = call;
    const last = this.#last;
    if (
      last?.isFirst === isFirst &&
      last.call.defaults === defaults &&
      last.call.own === own &&
      last.call.task === call.task
    )
      return last.answer;
    const { expires, countdown, eta, headers } = this.#whole;
    const saysWhen = own?.countdown !== undefined || own?.eta !== undefined;
    const given = { expires, headers, ...(isFirst && !saysWhen ? { countdown, eta } : {}), ...own };
    const merged = withTaskOptions(given, defaults);
    if (merged.key !== undefined)
      throw new UsageError(
        `Expected ${where} to be of a task without \`key\`: ${NO_KEY}. Send it by itself, with delay()`,
        'FSQ_COMPOSITION',
      );
    const kept = keptOptions(merged);
    const { queue = DEFAULT_QUEUE, priority = DEFAULT_PRIORITY } = merged;
    const both = headers === undefined || own?.headers === undefined ? merged.headers : { ...headers, ...own.headers };
    const answer = { queue, priority, headers: checkedHeaders(where, both), kept };
    this.#last = { call, isFirst, answer };
    return answer;
  }
}

/**
 * The same with the limit key of this call, where its task has a limit for each key.
 *
 * @param args all that the job gets; null: a part of that comes from other jobs
 * @throws UsageError; and what the task's `per` throws
 */
export function withLimitKey(
  { task, defaults }: Call,
  options: CallOptions,
  args: readonly unknown[] | null,
): CallOptions {
  const { concurrency } = defaults;
  if (typeof concurrency !== 'object' || options.kept.limitKey !== undefined) return options;
  if (args === null)
    throw new UsageError(
      `Expected ${task} to say its limit key with set({ limitKey: … }): its task makes that of the arguments, and this step gets some only when it runs`,
      'FSQ_COMPOSITION',
    );
  const [limitKey = ''] = limitKeysOf(task, [args], { concurrency }) ?? [];
  return { ...options, kept: { ...options.kept, limitKey } };
}
