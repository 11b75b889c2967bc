/**
 * The tasks registered in this process. They hang on globalThis, so that a worker sees them even when the task file's copy
 * of fsq is not the worker's own (a global and a local install). Only code puts something in: nothing read from a file does.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallSite, callSiteOf } from './call-site.ts';
import { type FsqError, UsageError } from '../job/errors.ts';
import type { JobOptions } from '../job/job-options.ts';
import type { Redact } from '../job/failure.ts';
import type { QueueLimits } from '../job/queue-limits.ts';
import type { Broker } from '../broker/broker.ts';
import type { TaskSending } from '../broker/task-sending.ts';
import type { CurrentJob } from './current-job.ts';
import { warnOnce } from './telling/warnings.ts';

/** A registered task. */
export interface RegisteredTask {
  readonly name: string;
  readonly fn: (...args: readonly unknown[]) => unknown;
  /** Absolute path of the file that registered it, with the line, or 'an unknown place'; for people. */
  readonly definedAt: string;
  /** Where it was registered; absent or null: nobody can tell. */
  readonly site?: CallSite | null;
  /** The stretch in which it was registered: see `Registry`. */
  readonly stretch?: object;
  /** Its own options, for jobs whose file leaves some out: producers in other languages do not know them. */
  readonly options?: JobOptions;
  /** Of its own options those that decide where a job goes, for whoever sends one by its name; absent: none. */
  readonly sending?: TaskSending;
  /** Over all workers of the spool; absent: none. */
  readonly queueLimits?: QueueLimits;
  /** Whether a run that threw this is tried again; absent: always. */
  readonly retryOn?: (thrown: unknown) => unknown;
  /** The app's own `redact`, for errors of this task: it counts before the one in the configuration. */
  readonly redact?: Redact | undefined;
  /** Absolute path of the spool to which its app sends its jobs; absent: the one that settings name. */
  readonly spool?: string | undefined;
}

export interface Unlogged {
  /** Of a place that keeps nothing of what jobs print: the error that says so. Absent: it keeps it. */
  readonly whyNoLog?: ((id: string) => FsqError) | undefined;
}

/** What a handle needs of the place where its job is. */
export type OutcomeSource = Pick<
  Broker,
  'place' | 'find' | 'outcome' | 'waitForOutcome' | 'log' | 'changed' | 'revoke' | 'retry' | 'forget' | 'owners'
> &
  Unlogged;

/** Outcomes of jobs that ran with alwaysEager are kept for `result(id)`, the newest so many. */
export const EAGER_KEPT = 1_000;

/** The job of the code that runs. Not the type of Node itself: the public declarations do without @types/node. */
interface Current {
  run<T>(job: CurrentJob | undefined, act: () => T): T;
  getStore(): CurrentJob | undefined;
}

interface Registry {
  readonly tasks: Map<string, RegisteredTask>;
  readonly current: Current;
  /** The task module that is being imported by a worker's child, or null: `delay()` is refused then. */
  loading: string | null;
  /** Marks the code that runs until the next microtask: a module that is evaluated again runs in a later stretch. Null between two. */
  stretch: object | null;
  /** Where the outcome of each job that ran with alwaysEager is, by its id: shared by all copies of fsq in the process. */
  readonly eager: Map<string, OutcomeSource>;
}

const KEY = Symbol.for('fsq.registry.1');

export function registry(): Registry {
  const holder = globalThis as { [KEY]?: Registry };
  holder[KEY] ??= {
    tasks: new Map(),
    current: new AsyncLocalStorage(),
    loading: null,
    stretch: null,
    eager: new Map(),
  };
  return holder[KEY];
}

/**
 * Registers a task; one that is there already is replaced when `task` is the same again.
 *
 * @throws UsageError (FSQ_DUPLICATE_TASK) naming both places when it is another
 */
export function register(task: RegisteredTask): void {
  const { tasks, loading } = registry();
  const before = tasks.get(task.name);
  const registered = { ...task, stretch: currentStretch() };
  const relation = before === undefined ? 'again' : relationOf(before, registered, loading !== null);
  if (before !== undefined && relation !== 'again') {
    const text = doubled(before, task);
    if (relation === 'another') throw new UsageError(`${text}. Rename one of them.`, 'FSQ_DUPLICATE_TASK');
    warnOnce(
      `${text}. The second counts. If they are two tasks, rename one: a worker refuses them.`,
      'FSQ_DUPLICATE_TASK',
    );
  }
  tasks.set(task.name, registered);
}

/**
 * Jobs that a task module sends while a worker imports it would be sent by each of its starts.
 *
 * @param entry the function that its user called
 * @throws UsageError (FSQ_DELAY_AT_IMPORT)
 */
export function refuseWhileLoading(task: string, entry: (...args: never[]) => unknown): void {
  const { loading } = registry();
  if (loading === null) return;
  throw new UsageError(
    `${task} was delayed while a worker imported ${loading} (at ${callSiteOf(entry)?.text ?? 'an unknown place'}): every ` +
      'start of a worker would send it again. Send jobs from a script, or inside a function that the import does not call.',
    'FSQ_DELAY_AT_IMPORT',
  );
}

/**
 * What the second registration of a name is: the first one `again`, because its module was evaluated once more or bundled twice,
 * or `another` task.
 *
 * A worker evaluates each module once, and runs whatever is registered: there only the very same place counts, which a module
 * has when it is loaded both as ESM and as CommonJS. A program that sends jobs needs names only, and must not die of a bundler
 * or of a dev server: there the same text counts too, and the same file when it is evaluated later. A dev server that has a file
 * for each route evaluates a changed module in one after the other: a later registration from another file is `unclear`.
 */
function relationOf(before: RegisteredTask, task: RegisteredTask, isWorker: boolean): 'again' | 'another' | 'unclear' {
  const [old, now] = [before.site ?? null, task.site ?? null];
  if (old !== null && now !== null && old.trace.join() === now.trace.join()) return 'again';
  if (isWorker) return 'another';
  if (before.fn === task.fn || isSameText(before.fn, task.fn)) return 'again';
  if (before.stretch === task.stretch) return 'another';
  return old === null || now === null || old.file === now.file ? 'again' : 'unclear';
}

/** Whether two functions are one function in two bundles. Names that a bundler or minifier may have changed do not count. */
function isSameText(a: (...args: never[]) => unknown, b: (...args: never[]) => unknown): boolean {
  const [one, other] = [a, b].map((fn) => Function.prototype.toString.call(fn));
  if (one === undefined || other === undefined || one.endsWith('{ [native code] }')) return false;
  return withoutGivenNames(one) === withoutGivenNames(other);
}

/** Minifiers give names of one or two letters, bundlers put a number behind a name that is taken. Texts and properties stay. */
function withoutGivenNames(code: string): string {
  return code.replace(/(["'])(?:\\.|(?!\1).)*\1|(?<![.\w$])[A-Za-z_$][\w$]*/g, (part, quote?: string) => {
    if (quote !== undefined) return part;
    return part.length < 3 ? '_' : part.replace(/\d+/g, '');
  });
}

function currentStretch(): object {
  const shared = registry();
  if (shared.stretch === null) queueMicrotask(() => (shared.stretch = null));
  return (shared.stretch ??= {});
}

function doubled(before: RegisteredTask, task: RegisteredTask): string {
  const [old, now] = [before.site ?? null, task.site ?? null];
  const where = old !== null && old.file === now?.file ? ' in one file' : '';
  // In minified code all is on one line.
  const [a, b] =
    before.definedAt === task.definedAt
      ? [old?.trace[0] ?? before.definedAt, now?.trace[0] ?? task.definedAt]
      : [before.definedAt, task.definedAt];
  return `Task ${task.name} is registered twice${where}: at ${a} and at ${b}`;
}
