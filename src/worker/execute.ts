/** Running one job's task: from a claim to how it ended. */
import { type CurrentJob, retry } from '../app/current-job.ts';
import { type RegisteredTask, registry } from '../app/registry.ts';
import { endingOf } from '../app/thrown.ts';
import type { Claim } from '../broker/broker.ts';
import { afterwards, orElse, type Soon } from '../broker/soon.ts';
import { toFailure } from '../job/failure.ts';
import type { Job, Standing } from '../job/job.ts';
import type { Ending } from '../job/lifecycle.ts';
import { checkedResult } from '../job/payload.ts';
import type { ErrorTexts } from '../job/redaction.ts';
import { suggest } from '../job/suggest.ts';

/** What a run is given: its signal, and when it is killed, Unix ms, or null. */
export interface RunTerms {
  readonly signal: AbortSignal;
  readonly deadline: number | null;
}

/** Runs the task. Never throws: whatever the task does is an ending, unless it ends the process. */
export function execute({ job, standing }: Claim, terms: RunTerms, texts: ErrorTexts): Soon<Ending> {
  const { tasks, current } = registry();
  const task = tasks.get(job.task);
  if (task === undefined) return { kind: 'unknown-task', suggestion: suggest(job.task, tasks.keys()) };
  const context = new RunningJob(job, standing, terms);
  return orElse<Ending>(
    () => {
      const returned = settledLater(current.run(context, () => task.fn(...job.args)));
      return afterwards(returned, (value) => endingWith(value, task, texts));
    },
    (thrown) => endingOf(thrown, task, texts),
  );
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
  readonly deadline: number | null;
  readonly retry: CurrentJob['retry'] = retry;
  readonly #terms: RunTerms;

  constructor({ id, task, headers }: Job, { attempt, queue }: Standing, terms: RunTerms) {
    this.id = id;
    this.task = task;
    this.attempt = attempt;
    this.queue = queue;
    this.headers = headers;
    this.deadline = terms.deadline;
    this.#terms = terms;
  }

  get signal(): AbortSignal {
    return this.#terms.signal;
  }
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
