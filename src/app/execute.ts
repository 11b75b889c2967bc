/**
 * Running one job's task, whoever runs it: a worker, `alwaysEager`, or the caller of `task.run()`. From a job to how its run ended;
 * what that means for the job is decided elsewhere, and a hard time limit is kept by whoever runs it.
 */
import { afterwards, orElse, type Soon } from '../broker/soon.ts';
import { type ErrorTexts, toFailure } from '../job/failure.ts';
import type { Job, Standing } from '../job/job.ts';
import { type JobOptions, type TimeLimits, timeLimitsFrom } from '../job/job-options.ts';
import { type Ending, softLimitError } from '../job/lifecycle.ts';
import { checkedResult } from '../job/values/payload.ts';
import { suggest } from '../job/text.ts';
import { type CurrentJob, retry } from './current-job.ts';
import { after } from './long-timer.ts';
import { type RegisteredTask, registry } from './registry.ts';
import type { Run } from './run.ts';
import { endingOf } from './thrown.ts';

/** A run that has a time limit. */
export interface LimitedRun {
  readonly id: string;
  readonly task: string;
  readonly startedAtMs: number;
  readonly limitMs: number;
  /** What its task's registration says where the job's file says nothing. */
  readonly defaults: JobOptions;
}

/** Who ends a run at its time limit. */
export interface LimitKeepers {
  begun(run: LimitedRun): void;
  /** @param isLate later than the limit allows: when it resolves, no kill is on its way */
  ended(isLate: boolean): Soon<void>;
}

/** What all runs of one process have in common. */
export interface Executor {
  /** What may be kept of what tasks throw. */
  readonly texts: ErrorTexts;
  /** Limits of jobs that have none of their own, from neither their file nor their task. */
  readonly limits: TimeLimits;
  readonly limitKeepers: LimitKeepers;
}

/** Runs the task of a job. Never throws: whatever the task does is an ending, unless it ends the process. */
export function execute(
  { job, standing }: { readonly job: Job; readonly standing: Standing },
  run: Run,
  executor: Executor,
): Soon<Ending> {
  const { tasks } = registry();
  const { expiresAtMs } = job.options;
  if (expiresAtMs !== undefined && Date.now() > expiresAtMs) return { kind: 'expired' };
  const task = tasks.get(job.task);
  if (task === undefined) return { kind: 'unknown-task', suggestion: suggest(job.task, tasks.keys()) };
  const { texts } = executor;
  const act = (): Soon<Ending> =>
    orElse<Ending>(
      () => afterwards(callTask(task.fn, job.args, job, standing, run), (value) => endingWith(value, task, texts)),
      (thrown) => endingOf(thrown, task, texts),
    );
  // A job without a limit, as nearly every job is, costs no more than the look.
  const limits = timeLimitsFrom(job.options, task.options, executor.limits);
  return limits === null ? act() : within(limits, job, task.options ?? {}, run, executor.limitKeepers, act);
}

/** Calls a task's function so that `currentJob()` tells of `job` in it. What it throws is the caller's. */
export function callTask(
  fn: RegisteredTask['fn'],
  args: readonly unknown[],
  job: Pick<Job, 'id' | 'task' | 'headers'>,
  standing: Pick<Standing, 'attempt' | 'queue'>,
  run: Run,
): Soon<unknown> {
  return settledLater(registry().current.run(new RunningJob(job, standing, run), () => fn(...args)));
}

/**
 * What `currentJob()` gives. A class, because each literal with a getter is given a hidden class of its own, which is old from
 * the start and keeps all of its job alive until the next full collection.
 */
class RunningJob implements CurrentJob {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly queue: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly retry: CurrentJob['retry'] = retry;
  readonly #run: Run;

  constructor(
    { id, task, headers }: Pick<Job, 'id' | 'task' | 'headers'>,
    { attempt, queue }: Pick<Standing, 'attempt' | 'queue'>,
    run: Run,
  ) {
    this.id = id;
    this.task = task;
    this.attempt = attempt;
    this.queue = queue;
    this.headers = headers;
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get deadline(): number | null {
    return this.#run.deadline;
  }
}

/** Does `act` within limits: its signal is aborted at the soft one, and whoever keeps the hard one is told. */
function within(
  { timeLimitMs, softTimeLimitMs }: TimeLimits,
  { id, task }: Job,
  defaults: JobOptions,
  run: Run,
  keepers: LimitKeepers,
  act: () => Soon<Ending>,
): Soon<Ending> {
  const startedAtMs = Date.now();
  // Before anybody hears of it: whoever keeps the limit must not see its end sooner than we do.
  const endsAt = performance.now() + (timeLimitMs ?? Number.POSITIVE_INFINITY);
  const soft =
    softTimeLimitMs === null
      ? null
      : after(softTimeLimitMs, () => run.abort(softLimitError(id, task, softTimeLimitMs)));
  if (timeLimitMs !== null) {
    run.deadline = startedAtMs + timeLimitMs;
    keepers.begun({ id, task, startedAtMs, limitMs: timeLimitMs, defaults });
  }
  return afterwards(act(), (ending) => {
    soft?.cancel();
    if (timeLimitMs === null) return ending;
    return afterwards(keepers.ended(performance.now() >= endsAt), () => ending);
  });
}

/** A value that cannot be kept is a failure, and a final one: the next run would not give a better one. */
function endingWith(value: unknown, task: RegisteredTask, texts: ErrorTexts): Ending {
  try {
    return { kind: 'returned', value: checkedResult(task.name, value) };
  } catch (error) {
    const failure = toFailure(error, { ...texts, redact: task.redact ?? texts.redact });
    return { kind: 'threw', error: failure, isFinal: true };
  }
}

/** A promise of any make becomes one of ours, as `await` would make it; what is none stays. */
function settledLater(returned: unknown): Soon<unknown> {
  const isObject = (typeof returned === 'object' && returned !== null) || typeof returned === 'function';
  return isObject && 'then' in returned ? Promise.resolve(returned) : returned;
}
