/**
 * Runs one job's task, for a worker, for `alwaysEager` and for `task.run()`: from a job to how its run ended. The lifecycle decides
 * what that means for the job, and the worker kills a run at its hard time limit.
 */
import { RetryError, UsageError } from '../job/errors.ts';
import { type ErrorTexts, toFailure } from '../job/failure.ts';
import type { Job, Standing } from '../job/job.ts';
import { type JobOptions, type TimeLimits, timeLimitsFrom } from '../job/job-options.ts';
import { type Ending, softLimitError } from '../job/lifecycle.ts';
import { format, suggest } from '../job/text.ts';
import type { JsonValue } from '../job/values/json.ts';
import { checkedResult } from '../job/values/payload.ts';
import { peek } from '../job/values/realm.ts';
import { type CurrentJob, Run, RunningJob } from './current-job.ts';
import { isTraced, jobMessage, trace } from './telling/diagnostics.ts';
import { type RegisteredTask, registry } from './registry.ts';
import { nowMs } from './settings/stage.ts';
import { after } from './timers.ts';

/** A run that has a time limit. */
export interface LimitedRun {
  readonly id: string;
  readonly task: string;
  readonly startedAtMs: number;
  readonly limitMs: number;
  /** What its task's registration says where the job's file says nothing. */
  readonly defaults: JobOptions;
}

/** The part of a worker, or of eager mode, that ends a run at its time limit. */
export interface LimitKeepers {
  begun(run: LimitedRun): void;
  /** @param isLate whether it is now later than the limit allows. If it is: when it resolves, no kill is on its way */
  ended(run: LimitedRun, isLate: () => boolean): void | Promise<void>;
}

/** What all runs of one process have in common. */
export interface Executor {
  /** Which texts of thrown errors may be kept. */
  readonly texts: ErrorTexts;
  /** For jobs whose file and whose task set none. */
  readonly timeLimits: TimeLimits;
  readonly limitKeepers: LimitKeepers;
}

/** Runs the task of a job. Never throws: whatever the task does is an ending, unless it ends the process. */
export async function execute(
  { job, standing }: { readonly job: Job; readonly standing: Standing },
  run: Run,
  executor: Executor,
): Promise<Ending> {
  const { tasks } = registry();
  const { expiresAtMs } = job.options;
  if (expiresAtMs !== undefined && nowMs() > expiresAtMs) return { kind: 'expired' };
  const task = tasks.get(job.task);
  if (task === undefined) return { kind: 'unknown-task', suggestion: suggest(job.task, tasks.keys()) };
  const { texts } = executor;
  const act = async (onThrown?: OnThrown): Promise<Ending> => {
    try {
      return endingWith(await callTask(task.fn, job.args, job, standing, run), task, texts, onThrown);
    } catch (thrown) {
      onThrown?.(thrown);
      return endingOf(thrown, task, texts);
    }
  };
  const actOrTrace = isTraced('run') ? () => traced(act, job, standing) : act;
  // A job without a limit, as nearly every job is, costs no more than the look.
  const timeLimits = timeLimitsFrom(job.options, task.options, executor.timeLimits);
  return timeLimits === null
    ? actOrTrace()
    : within(timeLimits, job, task.options ?? {}, run, executor.limitKeepers, actOrTrace);
}

/** Hears what was thrown in a run, as it was. */
type OnThrown = (thrown: unknown) => void;

/** A run as a tracer sees it: it gives the value or throws the error, and not an ending. Never rejects. */
function traced(act: (onThrown: OnThrown) => Promise<Ending>, job: Job, standing: Standing): Promise<Ending> {
  return new Promise((resolve) => {
    let end = (): void => undefined;
    const run = async (): Promise<unknown> => {
      const thrown: unknown[] = [];
      const ending = await act((error) => thrown.push(error));
      end = () => resolve(ending);
      if (thrown.length > 0) throw thrown[0];
      return ending.kind === 'returned' ? ending.value : undefined;
    };
    void trace('run', { ...jobMessage({ job, standing }), args: job.args }, run).then(
      () => end(),
      () => end(),
    );
  });
}

/**
 * The job this code runs for, also deep inside what the task awaits. In `task.run()` it is a stand-in with a fresh id.
 *
 * @typeParam Checkpoint what the task keeps as checkpoints, for the types of `checkpoint()` and `checkpointed`
 * @throws UsageError outside of any task
 */
export function currentJob<Checkpoint = JsonValue>(): CurrentJob<Checkpoint> {
  const job = registry().current.getStore();
  if (job === undefined)
    throw new UsageError('currentJob() was called outside of a task: it tells of the job that is running');
  return job as CurrentJob<unknown> as CurrentJob<Checkpoint>; // As the task says.
}

/** Runs a task's function here, for the caller of `task.run()`: gives what the function returned, a promise or a value. */
export function runHere(fn: RegisteredTask['fn'], args: readonly unknown[], task: string, queue: string): unknown {
  const standIn = { id: crypto.randomUUID(), task, headers: {} };
  return callTask(fn, args, standIn, { attempt: 1, queue }, new Run(null));
}

/** Calls a task's function so that `currentJob()` tells of `job` in it. What it throws is the caller's. */
function callTask(
  fn: RegisteredTask['fn'],
  args: readonly unknown[],
  job: Pick<Job, 'id' | 'task' | 'headers'>,
  standing: Pick<Standing, 'attempt' | 'queue'>,
  run: Run,
): unknown {
  return registry().current.run(new RunningJob(job, standing, run), () => fn(...args));
}

/** Does `act` within limits: its signal is aborted at the soft one, and `keepers` are told of the hard one. */
async function within(
  { timeLimitMs, softTimeLimitMs }: TimeLimits,
  { id, task }: Job,
  defaults: JobOptions,
  run: Run,
  keepers: LimitKeepers,
  act: () => Promise<Ending>,
): Promise<Ending> {
  const startedAtMs = Date.now();
  // Taken before `keepers.begun`: the keeper must not see the end of the limit before this run does.
  const endsAt = performance.now() + (timeLimitMs ?? Number.POSITIVE_INFINITY);
  const limited = { id, task, startedAtMs, limitMs: timeLimitMs ?? 0, defaults };
  const soft =
    softTimeLimitMs === null
      ? null
      : after(softTimeLimitMs, () => run.abort(softLimitError(id, task, softTimeLimitMs)));
  if (timeLimitMs !== null) {
    run.deadline = startedAtMs + timeLimitMs;
    keepers.begun(limited);
  }
  const ending = await act();
  soft?.cancel();
  if (timeLimitMs !== null) await keepers.ended(limited, () => performance.now() >= endsAt);
  return ending;
}

/** A value that cannot be kept is a failure, and a final one: the next run would not give a better one. */
function endingWith(value: unknown, task: RegisteredTask, texts: ErrorTexts, onThrown?: OnThrown): Ending {
  try {
    return { kind: 'returned', value: checkedResult(task.name, value) };
  } catch (error) {
    onThrown?.(error);
    const failure = toFailure(error, { ...texts, redact: task.redact ?? texts.redact });
    return { kind: 'threw', error: failure, isFinal: true };
  }
}

/** What a task threw, as the end of its run. Never throws, whatever was thrown, and whatever `retryOn` does. */
function endingOf(thrown: unknown, task: RegisteredTask, texts: ErrorTexts): Ending {
  const itsTexts = { ...texts, redact: task.redact ?? texts.redact };
  const error = toFailure(thrown, itsTexts);
  if (thrown instanceof RetryError) {
    // Another copy of fsq may have made it, and anybody may throw one that looks like it.
    const delayMs = peek(thrown, 'countdownMs');
    return { kind: 'retry-asked', error, delayMs: typeof delayMs === 'number' && delayMs >= 0 ? delayMs : null };
  }
  if (error.code === 'FSQ_PERMANENT') return { kind: 'threw', error, isFinal: true };
  if (task.retryOn === undefined) return { kind: 'threw', error };
  try {
    return { kind: 'threw', error, isFinal: !isRetriedOn(task.retryOn(thrown)) };
  } catch (reason) {
    const { name, message } = toFailure(reason, itsTexts);
    const text = `retryOn of task ${task.name} failed (${name}: ${message}), so the job is not tried again`;
    return {
      kind: 'threw',
      error: { name: 'UsageError', message: text, code: 'FSQ_USAGE', cause: error },
      isFinal: true,
    };
  }
}

/** Not just anything that counts as true: an async predicate gives a promise, and always would. */
function isRetriedOn(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`it gave ${format(answer)} instead of true or false`);
}
